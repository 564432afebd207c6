// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "row_parser.hpp"
#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::traces {
namespace {

std::string_view next_cell(std::string_view& rest) {
  const auto comma = rest.find(',');
  std::string_view cell = rest.substr(0, comma);
  rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
  if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') cell = cell.substr(1, cell.size() - 2);
  return cell;
}

class CsvParser final : public RowParser {
 public:
  CsvParser(std::string_view header, const std::string& path) {
    if (header.starts_with("\xef\xbb\xbf")) header.remove_prefix(3);
    std::array<bool, 7> has{};
    for (std::string_view rest = header; !rest.empty();) {
      const std::string_view name = next_cell(rest);
      columns_.push_back(field_named(name, false));
      names_.emplace_back(name);
      if (columns_.back().field != Field::none) has[static_cast<std::size_t>(columns_.back().field)] = true;
    }
    const auto need = [&](Field field, const char* what, const char* names) {
      if (has[static_cast<std::size_t>(field)]) return;
      throw core::InputError({{.file = path, .line = 1, .column = 1,
                               .message = fmt::format("no column for the {}; expected one of {}", what, names)}});
    };
    need(Field::arrival, "arrival", "arrival_s, arrived_at, arrival_ms, TIMESTAMP");
    need(Field::input, "input length", "input_tokens, input_length, ContextTokens, num_prefill_tokens");
    need(Field::output, "output length", "output_tokens, output_length, GeneratedTokens, num_decode_tokens");
  }

  std::string parse(std::string_view line, Request& request) override {
    std::string wrong;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string_view cell = next_cell(line);
      const auto [field, unit_s] = columns_[i];
      if (field == Field::none || field == Field::hashes) continue;
      if (cell.empty() && field != Field::arrival && field != Field::input && field != Field::output) continue;
      auto value = parse_number(cell);
      if (!value && field == Field::arrival) value = seconds_of(parse_date_time(cell));
      if (!value) return fmt::format("{}: expected a number, not \"{}\"", names_[i], cell.substr(0, 40));
      if (wrong.empty()) wrong = store(field, field == Field::arrival ? *value * unit_s : *value, request);
    }
    if (wrong.empty() && !line.empty()) wrong = fmt::format("more fields than the header's {} columns", columns_.size());
    return wrong;
  }
  bool has_hashes() const override { return false; }

 private:
  // From the start of the first row's day.
  std::optional<double> seconds_of(const std::optional<DateTime>& time) {
    if (!time) return std::nullopt;
    if (!first_day_) first_day_ = time->day;
    return static_cast<double>(time->day - *first_day_) * 86400 + time->second_of_day;
  }

  std::vector<FieldName> columns_;
  std::vector<std::string> names_;
  std::optional<std::int64_t> first_day_;
};

}  // namespace

std::unique_ptr<RowParser> csv_parser(std::string_view header, const std::string& path) {
  return std::make_unique<CsvParser>(header, path);
}

}  // namespace waferwatt::traces
