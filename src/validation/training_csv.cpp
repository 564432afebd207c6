// SPDX-License-Identifier: Apache-2.0
// Measured iterations of GPTs as CSV.
#include <charconv>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "training_csv.hpp"
#include "training_row.hpp"

namespace waferwatt::validation {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  std::istringstream in(line);
  while (std::getline(in, cell, ',')) {
    while (!cell.empty() && (cell.back() == '\r' || cell.back() == ' ')) cell.pop_back();
    cells.push_back(cell);
  }
  return cells;
}

constexpr std::string_view kColumns[] = {"gpus", "global_batch", "micro_batch", "hidden_size", "attention_heads",
                                         "layers", "sequence_length", "tensor_parallel", "data_parallel",
                                         "pipeline_parallel", "iteration_time_ms"};

constexpr std::int64_t kAcceleratorsPerAdapter = 2;

/// Nodes of eight with four HDR adapters: 800 Gbit/s a node, as vTrain's own settings have it.
network::TwoLevelNetwork cluster_network(const catalog::Accelerator& a100, std::int64_t n, const catalog::Catalog& catalog) {
  const auto known = *network::network_of(a100, catalog.system_of(a100.id), &catalog.fabrics.at("infiniband-hdr"),
                                          std::max<std::int64_t>(n, 16), catalog);
  auto out = known.scale_out();
  out.bandwidth = out.bandwidth / static_cast<double>(kAcceleratorsPerAdapter);
  return known.with_scale_out(out).with_shared_adapters(kAcceleratorsPerAdapter);
}

TrainingCase csv_case(const std::map<std::string, std::string>& row, const std::string& id,
                      const catalog::Catalog& catalog) {
  const auto number = [&](const char* column) {
    const std::string& text = row.at(column);
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size() || !(value > 0))
      throw Unusable(fmt::format("{} \"{}\" is no positive number", column, text));
    return value;
  };
  const auto count = [&](const char* column) { return static_cast<std::int64_t>(number(column)); };
  const auto& a100 = catalog.accelerators.at("nvidia-a100-sxm-80gb");
  const std::int64_t n = count("gpus");
  TrainingCase c{.id = id,
                 .group = n <= 8 ? "one node" : fmt::format("{} gpus", n),
                 .software = n <= 8 ? "megatron-small" : "megatron-clusters",
                 .model = gpt_model(count("layers"), count("hidden_size"), count("attention_heads"), 51200),
                 .accelerator = a100,
                 .network = cluster_network(a100, n, catalog),
                 .n_accelerators = n,
                 .plan = {.parallel = {count("data_parallel"), count("tensor_parallel"), count("pipeline_parallel")},
                          .global_batch = count("global_batch"),
                          .micro_batch = count("micro_batch"),
                          .sequence_length = count("sequence_length"),
                          .recompute = training::Recompute::full,
                          .zero_stage = 0,
                          .sequence_parallel = false,
                          .fused_attention = false},
                 .measured = number("iteration_time_ms") * milli * second};
  for (const auto& problem : training::problems(c.plan, c.model, n)) throw Unusable(problem.message);
  return c;
}

}  // namespace

TrainingCases read_training_csv(const std::string& file, const catalog::Catalog& catalog) {
  std::ifstream in(file);
  if (!in) throw InputError("cannot read " + file);
  std::string line;
  std::getline(in, line);
  const auto header = cells_of(line);
  for (const auto column : kColumns)
    if (std::ranges::find(header, column) == header.end())
      throw InputError(fmt::format("{}: the column \"{}\" is missing", file, column));
  TrainingCases found;
  for (int at = 2; std::getline(in, line); ++at) {
    const auto cells = cells_of(line);
    if (cells.empty() || (cells.size() == 1 && cells[0].empty())) continue;
    const std::string id = fmt::format("line {}", at);
    try {
      if (cells.size() != header.size()) throw Unusable(fmt::format("{} cells, expected {}", cells.size(), header.size()));
      std::map<std::string, std::string> row;
      for (std::size_t i = 0; i < cells.size(); ++i) row[header[i]] = cells[i];
      found.cases.push_back(csv_case(row, id, catalog));
    } catch (const Unusable& problem) {
      found.skipped.push_back({id, problem.what()});
    }
  }
  return found;
}

}  // namespace waferwatt::validation
