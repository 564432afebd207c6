// SPDX-License-Identifier: Apache-2.0
#include "collective_cases.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>

#include "published_row.hpp"
#include "text_file.hpp"
#include "waferwatt/validation/network_cases.hpp"

namespace waferwatt::validation {
namespace {

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

class Reader {
 public:
  Reader(const catalog::Catalog& catalog, std::vector<Skipped>& skipped) : catalog_(catalog), skipped_(skipped) {}

  std::vector<CollectiveCase> read(const std::string& path) {
    const CsvFile file(path);
    cases_.clear();
    if (file.has({"system", "op", "num_gpus", "bytes", "us"}))
      each(file, [&](std::size_t row) { nccl(file, row); });
    else if (file.has({"system", "framework", "num_gpus", "message_size", "us"}))
      each(file, [&](std::size_t row) { framework(file, row); });
    else if (file.has({"system", "hidden_size", "num_token", "num_topk", "num_experts"}))
      each(file, [&](std::size_t row) { tokens(file, row); });
    else if (file.has({"dispatch_ep", "dispatch_us", "combine_ep", "combine_us"}))
      each(file, [&](std::size_t row) { published_exchange(file, row); });
    else if (file.has({"dispatch_ep", "dispatch_GBps", "combine_ep", "combine_GBps"}))
      each(file, [&](std::size_t row) { published_long_exchange(file, row); });
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
        skipped_.push_back({file.id(row), problem.diagnostics().front().message});
      }
    }
  }

  std::string accelerator(const std::string& name) const {
    if (auto found = accelerator_of_name(name, catalog_)) return *found;
    throw InputError(fmt::format("\"{}\" is no accelerator of the catalog", name));
  }

  void nccl(const CsvFile& file, std::size_t row) {
    CollectiveCase c;
    c.accelerator = accelerator(file.text(row, "system"));
    c.operation = operation_of(file.text(row, "op"));
    c.library = "nccl";
    // Switches reduce 16-bit numbers and not 8-bit integers, which take the ring: curves of their own.
    const bool reduces = c.operation == "all-reduce" || c.operation == "reduce-scatter";
    if (reduces && file.has({"dtype"}) && file.text(row, "dtype") == "int8") c.library += " int8";
    if (file.has({"nccl_version"}))
      if (const auto version = file.text(row, "nccl_version"); !version.empty()) c.library += " " + version;
    c.n_ranks = file.integer(row, "num_gpus");
    add(file, row, std::move(c), file.number(row, "bytes"), file.number(row, "us"));
  }

  void framework(const CsvFile& file, std::size_t row) {
    CollectiveCase c;
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
    const std::int64_t per_node = lower(system).starts_with("gb") ? 4 : 8, k = file.integer(row, "num_topk"), experts = file.integer(row, "num_experts");
    const std::int64_t n_nodes = file.has({"node_num"}) ? file.integer(row, "node_num") : 1;
    const std::int64_t n_ranks = per_node * n_nodes;
    const double copies = normal ? distinct_ranks(experts, k, n_ranks) : static_cast<double>(k);
    const double size = static_cast<double>(file.integer(row, "num_token") * file.integer(row, "hidden_size")) * copies;
    for (const std::string operation : {"dispatch", "combine"}) {
      CollectiveCase c;
      c.accelerator = accelerator(system);
      c.operation = operation;
      c.library = normal ? fmt::format("deepep normal {} SM", file.integer(row, operation + "_sms")) : "deepep low-latency";
      c.n_ranks = n_ranks;
      c.n_nodes = n_nodes;
      c.is_exchange_of_tokens = true;
      c.configuration = fmt::format("{} {} {}", file.text(row, "hidden_size"), k, experts);
      add(file, row, std::move(c), size, file.number(row, operation + (normal ? "_transmit_us" : "_avg_t_us")));
    }
  }

  /// Of DeepEP's own tables: in nodes of eight H800.
  CollectiveCase exchange_of_h800(const CsvFile& file, std::size_t row, const std::string& way, const char* library) {
    CollectiveCase c;
    c.accelerator = accelerator("h800_sxm");
    c.operation = "all-to-all";
    c.library = library;
    c.n_ranks = file.integer(row, way + "_ep");
    c.n_nodes = std::max<std::int64_t>(1, c.n_ranks / 8);
    return c;
  }

  /// DeepEP's own table of its low-latency kernels: 128 tokens of 7,168 numbers to 8 experts each, out in 8 bits and
  /// back in 16, in nodes of eight H800.
  void published_exchange(const CsvFile& file, std::size_t row) {
    constexpr double kNumbers = 128 * 7168 * 8;
    for (const std::string way : {"dispatch", "combine"}) {
      CollectiveCase c = exchange_of_h800(file, row, way, "deepep low-latency");
      add(file, row, std::move(c), kNumbers * (way == "dispatch" ? 1 : 2), file.number(row, way + "_us"));
    }
  }

  /// DeepEP's own table of its normal kernels: 4,096 tokens of 7,168 numbers to 8 of 256 experts, out in 8 bits and back in 16, in
  /// nodes of eight H800. A token goes to no more than 4 nodes, once to each, and inside a node once to each accelerator; the
  /// table has the bytes a second of these copies on the way that is said (the own node's or accelerator's count too).
  void published_long_exchange(const CsvFile& file, std::size_t row) {
    constexpr double kNumbers = 4096 * 7168;
    constexpr std::int64_t kExperts = 256, kPicked = 8, kMostNodes = 4;
    for (const std::string way : {"dispatch", "combine"}) {
      CollectiveCase c = exchange_of_h800(file, row, way, "deepep normal");
      const std::int64_t nodes = std::min(c.n_nodes, kMostNodes);
      const double copies = c.n_nodes > 1 ? distinct_ranks(kExperts, kPicked, nodes) : distinct_ranks(kExperts, kPicked, c.n_ranks);
      const double bytes = kNumbers * copies * (way == "dispatch" ? 1 : 2);
      add(file, row, std::move(c), bytes, bytes / (file.number(row, way + "_GBps") * 1e3));
    }
  }

  void vidur(const CsvFile& file, std::size_t row) {
    CollectiveCase c;
    const auto slash = file.path().rfind('/');
    const std::string name = slash == std::string::npos ? file.path() : file.path().substr(slash + 1);
    c.accelerator = accelerator(name.starts_with("a100") ? "a100_sxm" : name.starts_with("h100") ? "h100_sxm" : name);
    const std::string collective = file.text(row, "collective");
    c.operation = operation_of(collective);
    c.library = "pytorch eager";
    c.source = "vidur-network";
    c.n_ranks = file.integer(row, "num_workers");
    c.n_nodes = std::max<std::int64_t>(1, c.n_ranks / file.integer(row, "devices_per_node"));
    add(file, row, std::move(c), file.number(row, "size"), 1000 * file.number(row, "time_stats." + collective + ".median"));
  }

  void add(const CsvFile& file, std::size_t row, CollectiveCase c, double size, double time_us) {
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
  std::vector<Skipped>& skipped_;
  std::vector<CollectiveCase> cases_;
  std::map<std::string, int> seen_;
};

}  // namespace

std::vector<CollectiveCase> read_collective_cases(const catalog::Catalog& catalog, const std::string& path, std::vector<Skipped>& skipped) {
  return Reader(catalog, skipped).read(path);
}

std::string library_family(const std::string& library) {
  if (library.starts_with("deepep normal")) return "deepep normal";
  const auto blank = library.rfind(' ');
  const bool versioned = blank != std::string::npos && std::isdigit(static_cast<unsigned char>(library[blank + 1]));
  return versioned ? library.substr(0, blank) : library;
}

}  // namespace waferwatt::validation
