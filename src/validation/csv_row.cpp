// SPDX-License-Identifier: Apache-2.0
#include "csv_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace waferwatt::validation {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

bool CsvRow::has(std::string_view column) const { return std::ranges::find(columns_, column) != columns_.end(); }

std::string_view CsvRow::text(std::string_view column) const {
  const auto at = std::ranges::find(columns_, column);
  return at == columns_.end() ? std::string_view{} : trimmed(cells_[static_cast<std::size_t>(at - columns_.begin())]);
}

double CsvRow::number(std::string_view column) const {
  const auto cell = text(column);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (cell.empty() || error != std::errc{} || end != cell.data() + cell.size())
    throw InputError(fmt::format("{} is \"{}\", a number is expected", column, cell));
  return value;
}

double CsvRow::positive(std::string_view column, std::string_view what) const {
  const double value = number(column);
  if (!std::isfinite(value) || value <= 0) throw InputError(fmt::format("{} is {}, {} above 0 is expected", column, text(column), what));
  return value;
}

std::int64_t CsvRow::dimension(std::string_view column, std::int64_t least) const {
  const double value = number(column);
  if (!(value >= static_cast<double>(least)) || value > 1e12 || value != std::floor(value))
    throw InputError(fmt::format("{} is {}, a whole number of at least {} is expected", column, text(column), least));
  return static_cast<std::int64_t>(value);
}

std::string format_name(std::string_view given) {
  std::string dtype(given);
  std::ranges::transform(dtype, dtype.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (dtype.starts_with("torch.")) dtype.erase(0, 6);
  if (dtype == "bfloat16" || dtype == "float16" || dtype == "fp16" || dtype == "half" || dtype == "bf16") return "bf16";
  if (dtype == "fp8_e4m3" || dtype == "e4m3" || dtype == "float8_e4m3fn" || dtype == "float8_e4m3") return "fp8";
  if (dtype == "fp8_block128" || dtype == "fp8_static_block") return "fp8_block";
  if (dtype == "sq" || dtype == "int8_sq") return "int8";
  if (dtype == "w4a8_mxfp4_mxfp8") return "w4a8_mxfp4";
  return dtype;
}

void read_format(std::string_view dtype, Measurement& out) {
  out.format = format_name(dtype);
  if (cost::kernel_format(out.format)) return;
  std::vector<std::string_view> known;
  for (const auto& format : cost::kKernelFormats) known.push_back(format.name);
  throw InputError(fmt::format("number format \"{}\" has no model; known: {}", dtype, fmt::join(known, ", ")));
}

}  // namespace waferwatt::validation
