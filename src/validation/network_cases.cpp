// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/network_cases.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>

#include "text_file.hpp"
#include "waferwatt/cost/operator_fit.hpp"

namespace waferwatt::validation {
namespace {

/// One measured collective.
struct Case {
  std::string accelerator, operation, library, id;
  std::int64_t n_ranks = 0, n_nodes = 1;
  double size = 0, time_us = 0;
  bool is_exchange_of_tokens = false;  ///< DeepEP: the size is tokens x hidden size x copies
};

/// A CSV file with its header.
class CsvFile {
 public:
  explicit CsvFile(const std::string& path) : path_(path), text_(text_of_file(path)) {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      if (const auto line = rest.substr(0, end); !line.empty() && line != "\r") rows_.push_back(cells(line));
      rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    }
    if (rows_.empty()) throw InputError(path + ": is empty");
    for (std::size_t i = 0; i < rows_[0].size(); ++i) columns_.emplace(rows_[0][i], i);
  }
  bool has(const std::vector<std::string_view>& names) const {
    for (const auto name : names)
      if (!columns_.contains(name)) return false;
    return true;
  }
  std::size_t n_rows() const { return rows_.size() - 1; }
  std::string id(std::size_t row) const { return fmt::format("{}:{}", path_, row + 2); }
  const std::string& path() const { return path_; }

  std::string text(std::size_t row, std::string_view name) const {
    const auto at = columns_.find(name);
    if (at == columns_.end() || at->second >= rows_[row + 1].size()) throw InputError(fmt::format("no value in column {}", name));
    return std::string{rows_[row + 1][at->second]};
  }
  double number(std::size_t row, std::string_view name) const {
    const std::string cell = text(row, name);
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value))
      throw InputError(fmt::format("\"{}\" in column {} is no number", cell, name));
    return value;
  }
  std::int64_t integer(std::size_t row, std::string_view name) const {
    const double value = number(row, name);
    if (value < 1 || value != std::floor(value) || value > 1e15) throw InputError(fmt::format("{} in column {} is no count", value, name));
    return static_cast<std::int64_t>(value);
  }

 private:
  std::string path_, text_;
  std::vector<std::vector<std::string_view>> rows_;
  std::map<std::string_view, std::size_t> columns_;
};

std::string operation_of(std::string name) {
  static const std::map<std::string, std::string> names{
      {"all_reduce", "all-reduce"}, {"allreduce", "all-reduce"}, {"all_gather", "all-gather"}, {"reduce_scatter", "reduce-scatter"},
      {"alltoall", "all-to-all"},   {"all_to_all", "all-to-all"}, {"send_recv", "send"},       {"sendrecv", "send"}};
  const auto at = names.find(name);
  return at == names.end() ? name : at->second;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

class Reader {
 public:
  Reader(const catalog::Catalog& catalog, NetworkReport& report) : catalog_(catalog), report_(report) {}

  std::vector<Case> read(const std::string& path) {
    const CsvFile file(path);
    cases_.clear();
    if (file.has({"system", "op", "num_gpus", "bytes", "us"}))
      each(file, [&](std::size_t row) { nccl(file, row); });
    else if (file.has({"system", "framework", "num_gpus", "message_size", "us"}))
      each(file, [&](std::size_t row) { framework(file, row); });
    else if (file.has({"system", "hidden_size", "num_token", "num_topk", "num_experts"}))
      each(file, [&](std::size_t row) { tokens(file, row); });
    else if (file.has({"num_workers", "devices_per_node", "size", "collective"}))
      each(file, [&](std::size_t row) { vidur(file, row); });
    else
      throw InputError(path + ": its columns are of no known table of collectives");
    return std::move(cases_);
  }

 private:
  template <class F>
  void each(const CsvFile& file, F read_row) {
    for (std::size_t row = 0; row < file.n_rows(); ++row) {
      try {
        read_row(row);
      } catch (const InputError& problem) {
        ++report_.n_cases;
        report_.skipped.push_back({file.id(row), problem.diagnostics().front().message});
      }
    }
  }

  std::string accelerator(const std::string& name) const {
    if (auto found = accelerator_of_name(name, catalog_)) return *found;
    throw InputError(fmt::format("\"{}\" is no accelerator of the catalog", name));
  }

  void nccl(const CsvFile& file, std::size_t row) {
    Case c;
    c.accelerator = accelerator(file.text(row, "system"));
    c.operation = operation_of(file.text(row, "op"));
    c.library = "nccl";
    if (file.has({"nccl_version"}))
      if (const auto version = file.text(row, "nccl_version"); !version.empty()) c.library += " " + version;
    c.n_ranks = file.integer(row, "num_gpus");
    add(file, row, std::move(c), file.number(row, "bytes"), file.number(row, "us"));
  }

  void framework(const CsvFile& file, std::size_t row) {
    Case c;
    c.accelerator = accelerator(file.text(row, "system"));
    c.operation = "all-reduce";
    c.library = lower(file.text(row, "framework"));
    c.n_ranks = file.integer(row, "num_gpus");
    if (c.library != "trtllm") {
      const std::string version = file.has({"version"}) ? file.text(row, "version") : "";
      const int before = seen_[fmt::format("{} {} {} {} {}", c.accelerator, c.library, version, c.n_ranks, file.text(row, "message_size"))]++;
      c.library += before % 2 == 0 ? " graph" : " eager";
    }
    if (file.has({"version"})) c.library += " " + file.text(row, "version");
    add(file, row, std::move(c), file.number(row, "message_size"), file.number(row, "us"));
  }

  void tokens(const CsvFile& file, std::size_t row) {
    const bool normal = file.has({"dispatch_sms"});
    const std::string system = file.text(row, "system");
    const std::int64_t n_ranks = lower(system).starts_with("gb") ? 4 : 8, k = file.integer(row, "num_topk"), experts = file.integer(row, "num_experts");
    if (file.has({"node_num"}) && file.integer(row, "node_num") != 1) throw InputError("measured on one node only, not on several");
    const double copies = normal ? distinct_ranks(experts, k, n_ranks) : static_cast<double>(k);
    const double size = static_cast<double>(file.integer(row, "num_token") * file.integer(row, "hidden_size")) * copies;
    for (const std::string operation : {"dispatch", "combine"}) {
      Case c;
      c.accelerator = accelerator(system);
      c.operation = operation;
      c.library = normal ? fmt::format("deepep normal {} SM", file.integer(row, operation + "_sms")) : "deepep low-latency";
      c.n_ranks = n_ranks;
      c.is_exchange_of_tokens = true;
      add(file, row, std::move(c), size, file.number(row, operation + (normal ? "_transmit_us" : "_avg_t_us")));
    }
  }

  void vidur(const CsvFile& file, std::size_t row) {
    Case c;
    const auto slash = file.path().rfind('/');
    const std::string name = slash == std::string::npos ? file.path() : file.path().substr(slash + 1);
    c.accelerator = accelerator(name.starts_with("a100") ? "a100_sxm" : name.starts_with("h100") ? "h100_sxm" : name);
    const std::string collective = file.text(row, "collective");
    c.operation = operation_of(collective);
    c.library = "pytorch eager";
    c.n_ranks = file.integer(row, "num_workers");
    c.n_nodes = std::max<std::int64_t>(1, c.n_ranks / file.integer(row, "devices_per_node"));
    add(file, row, std::move(c), file.number(row, "size"), 1000 * file.number(row, "time_stats." + collective + ".median"));
  }

  void add(const CsvFile& file, std::size_t row, Case c, double size, double time_us) {
    if (!(size > 0)) throw InputError(fmt::format("size {} is not above zero", size));
    if (!(time_us > 0)) throw InputError(fmt::format("time {} is not above zero", time_us));
    if (c.accelerator == "nvidia-l40s" && c.n_ranks == 8)
      throw InputError("eight L40S without peer-to-peer access ran at 1.2 to 1.7 GB/s: not a network's time");
    c.id = file.id(row);
    c.size = size;
    c.time_us = time_us;
    cases_.push_back(std::move(c));
  }

  const catalog::Catalog& catalog_;
  NetworkReport& report_;
  std::vector<Case> cases_;
  std::map<std::string, int> seen_;
};

/// "nccl 2.29.2" belongs to "nccl", "vllm graph 0.24.0" to "vllm graph", "deepep normal 24 SM" to "deepep normal".
std::string family(const std::string& library) {
  if (library.starts_with("deepep normal")) return "deepep normal";
  const auto blank = library.rfind(' ');
  const bool versioned = blank != std::string::npos && std::isdigit(static_cast<unsigned char>(library[blank + 1]));
  return versioned ? library.substr(0, blank) : library;
}

struct Errors {
  std::map<std::string, std::vector<double>> groups;
  std::vector<double> all;

  void add(const std::vector<std::string>& names, double error) {
    for (const auto& name : names) groups[name].push_back(error);
    all.push_back(error);
  }
  std::map<std::string, catalog::ErrorSummary> summaries() {
    std::map<std::string, catalog::ErrorSummary> result;
    for (auto& [name, list] : groups) result[name] = cost::error_summary("", std::move(list));
    return result;
  }
};

std::vector<std::string> groups_of(const Case& c) {
  constexpr double kMebibyte = 1048576;
  std::vector<std::string> names{fmt::format("{} {} {}", c.accelerator, family(c.library), c.operation)};
  if (c.is_exchange_of_tokens)
    names.push_back(fmt::format("all {} {}", family(c.library), c.operation));
  else
    names.push_back(fmt::format("all {} {}", family(c.library), c.size >= kMebibyte ? "from 1 MiB" : "below 1 MiB"));
  return names;
}

void predict(const catalog::Catalog& catalog, const Case& c, Errors& shipped, Errors& held_out, NetworkReport& report) {
  ++report.n_cases;
  const auto* calibration = catalog.collectives.find(c.accelerator);
  if (!calibration) return report.skipped.push_back({c.id, "no collectives of " + c.accelerator + " are in the catalog"});
  const auto curve = calibration->find(c.operation, c.library, c.n_ranks, c.n_nodes);
  const std::string library = curve ? c.library : family(c.library);
  const auto time = calibration->time(c.operation, library, c.n_ranks, c.n_nodes, c.size);
  if (!time) return report.skipped.push_back({c.id, fmt::format("{} by {} is not in the catalog for {}", c.operation, c.library, c.accelerator)});
  const double predicted_us = time->in(micro * second);
  const auto names = groups_of(c);
  shipped.add(names, predicted_us / c.time_us - 1);
  report.cases.push_back({names.front(), c.time_us * 1e-6, predicted_us * 1e-6, c.id});
  if (c.is_exchange_of_tokens) return;
  const auto neighbours = calibration->time(c.operation, library, c.n_ranks, c.n_nodes, c.size, true);
  held_out.add(names, neighbours->in(micro * second) / c.time_us - 1);
}

io::Value metric(const catalog::ErrorSummary& e) {
  const auto percent = [](double x) { return std::round(x * 1e5) / 1e3; };
  return io::Value{io::Value::Object{{"n", io::Value{e.n}}, {"median_abs_pct", io::Value{percent(e.median)}}, {"mean_abs_pct", io::Value{percent(e.mean)}},
                                     {"p90_abs_pct", io::Value{percent(e.p90)}}, {"bias_pct", io::Value{percent(e.bias)}}}};
}

}  // namespace

double distinct_ranks(std::int64_t n_experts, std::int64_t top_k, std::int64_t n_ranks) {
  double none = 1;  // no expert of one rank is drawn
  for (std::int64_t i = 0; i < n_experts / n_ranks; ++i)
    none *= std::max(0.0, static_cast<double>(n_experts - top_k - i)) / static_cast<double>(n_experts - i);
  return static_cast<double>(n_ranks) * (1 - none);
}

NetworkReport validate_network(const catalog::Catalog& catalog, const std::vector<std::string>& files) {
  NetworkReport report;
  Errors shipped, held_out;
  for (const auto& file : files)
    for (const Case& c : Reader(catalog, report).read(file)) predict(catalog, c, shipped, held_out, report);
  report.groups = shipped.summaries();
  report.held_out_groups = held_out.summaries();
  report.all = cost::error_summary("", std::move(shipped.all));
  report.held_out = cost::error_summary("", std::move(held_out.all));
  report.note = "\"time\" is as the catalog's curves tell it, which these cases may have made; \"time_held_out\" tells each size from "
                "its neighbours";
  return report;
}

NetworkReport shipped_network_errors(const catalog::Catalog& catalog) {
  NetworkReport report;
  std::map<std::string, std::pair<double, double>> sums;  // points, points x error
  for (const auto& [id, calibration] : catalog.collectives.all())
    for (const auto& curve : calibration.curves) {
      const double n = static_cast<double>(curve.n_points);
      report.n_cases += curve.n_points;
      for (const std::string& name : {fmt::format("{} {} {}", calibration.accelerator, family(curve.library), curve.operation), std::string{"all"}}) {
        auto& [points, errors] = sums[name];
        points += n;
        errors += n * curve.held_out_error;
      }
    }
  for (const auto& [name, sum] : sums) {
    const catalog::ErrorSummary summary{.n = static_cast<std::int64_t>(sum.first), .median = sum.second / sum.first};
    (name == "all" ? report.all : report.groups[name]) = summary;
  }
  report.held_out = report.all;
  report.note = "held-out medians that ship with the curves (alternate sizes; DeepEP: a quarter of the configurations), averaged by "
                "points; give --cases FILE to predict a file";
  return report;
}

io::Value NetworkReport::json() const {
  io::Value v;
  v["set"] = "network";
  v["n_cases"] = n_cases;
  v["n_skipped"] = static_cast<std::int64_t>(skipped.size());
  io::Value::List list;
  for (const auto& s : skipped) list.push_back(io::Value{io::Value::Object{{"id", io::Value{s.id}}, {"reason", io::Value{s.reason}}}});
  v["skipped"] = io::Value{std::move(list)};
  v["metrics"] = io::Value{io::Value::Object{{"time", metric(all)}, {"time_held_out", metric(held_out)}}};
  io::Value::Object by_group;
  for (const auto& [name, e] : groups) {
    io::Value entry{io::Value::Object{{"time", metric(e)}}};
    if (const auto at = held_out_groups.find(name); at != held_out_groups.end()) entry["time_held_out"] = metric(at->second);
    by_group.push_back({name, std::move(entry)});
  }
  v["groups"] = io::Value{std::move(by_group)};
  v["note"] = note;
  return v;
}

}  // namespace waferwatt::validation
