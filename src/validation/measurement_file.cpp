// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/measurement_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <tuple>

#include "calibration_document.hpp"
#include "csv_row.hpp"
#include "published_kernels.hpp"
#include "text_file.hpp"

namespace waferwatt::validation {
namespace {

using catalog::OperatorKind;

/// Words of a name: "nvidia-h200-sxm" and "H200_SXM" have h200 and sxm in common.
std::vector<std::string> words(std::string_view name) {
  std::vector<std::string> result(1);
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c))) result.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!result.back().empty()) result.emplace_back();
  }
  if (result.back().empty()) result.pop_back();
  return result;
}

void read_attention(const CsvRow& row, bool is_decode, Measurement& out) {
  const std::int64_t batch = row.dimension("batch_size"), heads = row.dimension("num_heads"), dim = row.dimension("head_dim");
  std::int64_t kv_heads = row.dimension("num_kv_heads", 0);
  if (kv_heads == 0) kv_heads = heads;
  if (kv_heads > heads) throw InputError(fmt::format("{} key-value heads for {} heads", kv_heads, heads));
  const std::int64_t window = row.has("win") ? row.dimension("win", 0) : 0;
  if (is_decode) {
    const std::int64_t length = row.dimension("kv_len");
    read_format(row.text("kv_dtype"), out);
    out.shape = {batch, length, heads, kv_heads, dim, window};
  } else {
    read_format(row.text("dtype"), out);
    out.shape = {batch, row.dimension("isl"), 0, heads, kv_heads, dim, dim, 1, window,
                 format_name(row.text("kv_dtype")) == "fp8" ? 8 : 16};
  }
}

std::int64_t routing_e2(std::string_view distribution) {
  if (distribution == "balanced" || distribution == "uniform") return 0;
  constexpr std::string_view kPowerLaw = "power_law_";
  double exponent = 0;
  if (distribution.starts_with(kPowerLaw))
    std::from_chars(distribution.data() + kPowerLaw.size(), distribution.data() + distribution.size(), exponent);
  if (exponent <= 0 || exponent > 10) throw InputError(fmt::format("routing \"{}\" has no model", distribution));
  return std::llround(100 * exponent);
}

void read_experts(const CsvRow& row, Measurement& out) {
  const auto source = row.text("kernel_source");
  read_format(row.text("dtype"), out);
  if (source.find("min_latency") != source.npos && out.format == "nvfp4") out.format = "nvfp4_low_latency";
  const std::int64_t ffn = row.dimension("inter_size"), tensor = row.dimension("tp"), experts = row.dimension("num_experts"),
                     parallel = row.dimension("ep"), top_k = row.dimension("topk");
  if (experts > kMostExperts) throw InputError(fmt::format("{} experts; more than {} have no model", experts, kMostExperts));
  if (parallel > experts) throw InputError(fmt::format("{} experts over {} accelerators", experts, parallel));
  if (top_k > experts) throw InputError(fmt::format("{} of {} experts", top_k, experts));
  out.shape = {row.dimension("num_tokens"), row.dimension("hidden_size"), std::max<std::int64_t>(1, ffn / tensor), top_k, experts,
               parallel, source.find("nongated") == source.npos ? 1 : 0, routing_e2(row.text("distribution"))};
}

/// Columns that an operator's rows need, the operators with most of them first: quantisation's are among a GEMM's.
struct NeededColumns {
  OperatorKind kind;
  const char* name;
  std::vector<std::string_view> columns;
};
const std::array kNeeded{
    NeededColumns{OperatorKind::moe, "experts",
                  {"dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "tp", "ep", "distribution"}},
    NeededColumns{OperatorKind::attention_decode, "decode attention", {"kv_dtype", "batch_size", "kv_len", "num_heads", "num_kv_heads", "head_dim"}},
    NeededColumns{OperatorKind::attention_prefill, "prefill attention", {"dtype", "batch_size", "isl", "num_heads", "num_kv_heads", "head_dim"}},
    NeededColumns{OperatorKind::gemm, "a GEMM", {"dtype", "m", "n", "k"}},
    NeededColumns{OperatorKind::quantise, "quantisation", {"dtype", "m", "k"}}};

std::vector<std::string_view> missing(const std::vector<std::string>& columns, const NeededColumns& of) {
  std::vector<std::string_view> result;
  std::ranges::copy_if(of.columns, std::back_inserter(result), [&](auto name) { return std::ranges::find(columns, name) == columns.end(); });
  return result;
}

/// The operator whose columns these are.
std::optional<OperatorKind> kind_of(const std::vector<std::string>& columns) {
  for (const auto& needed : kNeeded)
    if (missing(columns, needed).empty()) return needed.kind;
  return std::nullopt;
}

/// What the header lacks for the operator whose columns it has most of; nothing where it has less than half of any.
std::string what_is_missing(const std::vector<std::string>& columns) {
  const NeededColumns* nearest = nullptr;
  std::size_t fewest = 0;
  for (const auto& needed : kNeeded) {
    const std::size_t n = missing(columns, needed).size();
    if (2 * n <= needed.columns.size() && (!nearest || n < fewest)) nearest = &needed, fewest = n;
  }
  return nearest ? fmt::format("; for {} it lacks {}", nearest->name, fmt::join(missing(columns, *nearest), ", ")) : "";
}

/// Why a header cannot be read. \param has_operator its columns are an operator's, and only the time is missing
InputError unknown_columns(const std::string& path, std::string_view line, const std::vector<std::string>& columns, bool has_operator) {
  const auto has = [&](std::string_view name) { return std::ranges::find(columns, name) != columns.end(); };
  std::string hint = has_operator                              ? "; the time must be a column us, in microseconds"
                     : has("num_gpus") || has("node_num") || has("dispatch_ep") ? "; collectives: waferwatt validate network --cases FILE"
                     : line.find(',') == line.npos && line.find_first_of(";\t") != line.npos ? "; cells must be separated by commas"
                                                               : what_is_missing(columns) + "; see waferwatt calibrate --help";
  return InputError(fmt::format("{}:1: columns \"{}\" are of no known operator{}", path, line.substr(0, 120), hint));
}

std::vector<std::string> columns_of(std::string_view header) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (header.starts_with(kByteOrderMark)) header.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> columns;
  for (const auto cell : cells(header)) columns.emplace_back(trimmed(cell));
  if (!kind_of(columns)) {  // names in capitals
    auto small = columns;
    for (auto& name : small) std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (kind_of(small)) return small;
  }
  return columns;
}

void read_row(const CsvRow& row, OperatorKind kind, Measurement& out) {
  out.op = kind;
  out.time_s = 1e-6 * row.positive("us", "a time");
  if (kind == OperatorKind::moe) return read_experts(row, out);
  if (kind == OperatorKind::attention_decode || kind == OperatorKind::attention_prefill)
    return read_attention(row, kind == OperatorKind::attention_decode, out);
  read_format(row.text("dtype"), out);
  if (kind == OperatorKind::quantise) out.shape = {row.dimension("m"), row.dimension("k")};
  else out.shape = {row.dimension("m"), row.dimension("n"), row.dimension("k")};
  if (row.has("watts") && !row.text("watts").empty()) {
    out.watts = row.number("watts");
    out.is_sustained = true;
  }
}

/// The accelerator of all rows, where the file's name and what was asked for agree.
std::string accelerator_of_file(const std::string& path, const catalog::Catalog& catalog, const std::optional<std::string>& asked) {
  const auto named = accelerator_of_name(std::filesystem::path(path).filename().string(), catalog);
  if (named && asked && *named != *asked)
    throw InputError(fmt::format("{}: is named after {}, not {}; give --accelerator {}, or rename the file if its name is wrong", path,
                                 *named, *asked, *named));
  if (!named && !asked)
    throw InputError(fmt::format("{}: the name tells no accelerator of the catalog (waferwatt catalog list accelerators); give --accelerator ID, or name "
                                 "the file like h200_sxm_gemm.csv", path));
  return asked ? *asked : *named;
}

void read_csv(const std::string& path, std::string_view text, const catalog::Catalog& catalog, const std::optional<std::string>& asked,
              Measurements& out) {
  const auto line_end = end_of_row(text, 0);
  const auto columns = columns_of(text.substr(0, line_end));
  const auto kind = kind_of(columns);
  const CsvRow header(columns, {});
  const auto* const table = published_kernel_table(header);
  if (!table && (!kind || !header.has("us"))) throw unknown_columns(path, text.substr(0, line_end), columns, kind.has_value());
  const std::string_view system_column = table ? table->accelerator_column : "system";
  const bool has_system = header.has(system_column);
  std::map<std::string, std::optional<std::string>, std::less<>> systems;
  const std::string of_file = has_system ? std::string{} : accelerator_of_file(path, catalog, asked);

  const auto file = static_cast<std::uint32_t>(out.files.size() - 1);
  std::uint32_t next_line = 2;
  for (std::size_t start = line_end; start != text.npos && start + 1 < text.size();) {
    const auto end = end_of_row(text, start + 1);
    const auto record = text.substr(start + 1, end == text.npos ? text.npos : end - start - 1);
    const auto values = cells(record);
    start = end;
    const std::uint32_t line = next_line;
    next_line += 1 + static_cast<std::uint32_t>(std::ranges::count(record, '\n'));
    if (values.size() == 1 && values[0].empty()) continue;
    Measurement m{.accelerator = of_file, .file = file, .line = line};
    try {
      if (values.size() != columns.size()) throw InputError(fmt::format("{} cells, {} are expected", values.size(), columns.size()));
      const CsvRow row(columns, values);
      if (has_system) {
        auto& system = systems[std::string{row.text(system_column)}];
        if (!system) system = accelerator_of_name(std::string{row.text(system_column)}, catalog).value_or("");
        if (system->empty()) throw InputError(fmt::format("{} \"{}\" is no accelerator of the catalog", system_column, row.text(system_column)));
        if (asked && *system != *asked) continue;  // the file holds several
        m.accelerator = *system;
      }
      if (table) {
        table->read(row, m, out);
        continue;
      }
      read_row(row, *kind, m);
      out.rows.push_back(std::move(m));
    } catch (const InputError& error) {
      out.skipped.push_back({out.id(m), error.diagnostics().front().message});
    }
  }
}

/// How many words of an accelerator's model, which follow its vendor in `own`, stand in order in `given` from `at` on.
std::size_t n_model_words(const std::vector<std::string>& given, std::size_t at, const std::vector<std::string>& own) {
  std::size_t n = 0;
  for (std::size_t next = at; n + 1 < own.size() && next < given.size(); ++next) {
    if (given[next] == own[n + 1]) ++n;
    else if (n + 2 < own.size() && given[next] == own[n + 1] + own[n + 2]) n += 2;  // "rtx4090"
    else break;
  }
  return n;
}

}  // namespace

std::string Measurements::id(const Measurement& row) const { return fmt::format("{}:{}", files[row.file], row.line); }

std::optional<std::string> accelerator_of_name(const std::string& name, const catalog::Catalog& catalog) {
  const auto given = words(name);
  const auto is_card = [](const std::vector<std::string>& of) { return std::ranges::find(of, "pcie") != of.end(); };
  // Of accelerators that are named as well, one with more memory is the usual one.
  std::tuple<int, double> best_score;
  std::optional<std::string> best;
  for (const auto& [id, accelerator] : catalog.accelerators.all()) {
    const auto own = words(id);  // vendor, model, form, ...
    if (is_card(given) != is_card(own)) continue;  // a card for PCI Express is another product
    const auto n_said = std::ranges::count_if(own, [&](const std::string& word) { return std::ranges::find(given, word) != given.end(); });
    // All words of the model must be there, in order, at one place of the name.
    for (std::size_t at = 0; own.size() > 1 && at < given.size(); ++at) {
      const std::size_t n = n_model_words(given, at, own);
      const bool is_model = n > 0 && std::ranges::any_of(given[at], [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
      const bool is_series = n + 1 == own.size();  // "rtx pro 6000" has its number in the last word
      if (!is_model && !is_series) continue;
      const std::tuple score{10 * static_cast<int>(n) + 2 * static_cast<int>(n_said) - static_cast<int>(own.size()),
                             accelerator.memory_capacity.value.in(byte)};
      if (!best || score > best_score) best = id, best_score = score;
    }
  }
  return best;
}

/// An empty kernel takes 1.3 us in a graph of an H200, the shortest of the collection 1.5.
constexpr double kShortest = 0.5e-6;

std::optional<std::string> implausible(const Measurement& row, const cost::Demand& demand, const catalog::Accelerator& accelerator) {
  // The work of the busiest accelerator of skewed routing is an expectation, and may be missed by half.
  const double margin = row.op == OperatorKind::moe ? 2.0 : 1.1;
  const auto peak = accelerator.peak(cost::kKernelFormats[demand.format].arithmetic).value_or(*accelerator.peak_bf16);
  const FlopRate rate = demand.work / (row.time_s * second);
  if (rate > margin * peak)
    return fmt::format("{:.4g} TFLOP/s are above the peak of {:.4g}", rate / (tera * flop / second), peak / (tera * flop / second));
  const DataSize cache = accelerator.l2_cache ? 2 * accelerator.l2_cache->value : 100 * mega * byte;
  const Bandwidth bandwidth = demand.traffic / (row.time_s * second);
  if (demand.traffic > cache && bandwidth > margin * *accelerator.memory_bandwidth)
    return fmt::format("{:.4g} TB/s of {:.3g} MB are above the memory's {:.4g}", bandwidth / (tera * byte / second),
                       demand.traffic.in(mega * byte), *accelerator.memory_bandwidth / (tera * byte / second));
  if (row.time_s < kShortest) return fmt::format("{:.3g} us are less than an empty kernel takes", row.time_s * 1e6);
  if (row.time_s > 100) return fmt::format("{:.4g} s for one operator", row.time_s);
  return std::nullopt;
}

void read_measurements(const std::string& path, const catalog::Catalog& catalog, const std::optional<std::string>& accelerator,
                       Measurements& out) {
  if (accelerator) catalog.accelerators.at(*accelerator);
  const std::string text = text_of_file(path);
  out.files.push_back(std::filesystem::path(path).filename().string());
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) throw InputError(path + ": is empty");
  if (text[first] == '{') read_calibration_document(path, text, catalog, accelerator, out);
  else read_csv(path, text, catalog, accelerator, out);
}

}  // namespace waferwatt::validation
