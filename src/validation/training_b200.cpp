// SPDX-License-Identifier: Apache-2.0
// 43 runs of Megatron-Core (December 2025) with Transformer Engine 2.11 on one server of eight B200, by the makers of
// SimuMax (github.com/MooreThreads/SimuMax, docs/b200, v1.2): models cut to a few layers, bf16, micro-batches of one
// sequence, no recomputation, distributed optimizer, fused loss, nothing overlapped; context parallelism by
// all-to-alls. Memory is what PyTorch had allocated at most.
#include <fmt/format.h>

#include "training_published.hpp"

namespace waferwatt::validation {
namespace {

struct Row {
  const char* model;
  std::int64_t layers, tensor, pipeline, context, expert, sequence;
  double allocated_gib;
  double ms[3];  ///< with 4, 8 and 32 micro-batches; 0: not run
};

constexpr Row kRows[] = {
      {"llama-3-1-70b", 12, 1, 2, 1, 1, 4096, 66.55, {843, 1476.8, 5436.5}},
      {"llama-3-1-70b", 12, 2, 1, 1, 1, 4096, 60.68, {725.5, 1387, 5376.5}},
      {"llama-3-1-70b", 12, 4, 1, 1, 1, 4096, 39.07, {409.8, 765.6, 2964.6}},
      {"llama-3-1-70b", 12, 8, 1, 1, 1, 4096, 28.29, {280.9, 556.7, 2073.7}},
      {"deepseek-v2", 4, 1, 1, 1, 8, 4096, 45.63, {366.6, 676.2, 2721.3}},
      {"deepseek-v2", 4, 1, 2, 1, 4, 4096, 44.70, {282.1, 492.6, 1727.7}},
      {"deepseek-v3", 4, 1, 1, 1, 8, 4096, 104.30, {603.2, 1101.7, 4141.2}},
      {"deepseek-v3", 4, 1, 2, 1, 4, 4096, 114.00, {452.2, 771.6, 2718.6}},
      {"llama-3-1-405b", 4, 1, 2, 1, 1, 4096, 87.08, {1074.6, 1935.4, 7046.4}},
      {"llama-3-1-405b", 4, 2, 1, 1, 1, 4096, 81.59, {907.3, 1716.8, 6604.1}},
      {"llama-3-1-405b", 4, 4, 1, 1, 1, 4096, 52.89, {476, 899.6, 3455.4}},
      {"llama-3-1-405b", 4, 8, 1, 1, 1, 4096, 38.57, {258.8, 488.1, 1901.8}},
      {"llama-3-1-70b", 12, 2, 1, 4, 1, 32768, 68.43, {1758, 0, 0}},
      {"llama-3-1-70b", 12, 1, 1, 8, 1, 32768, 104.51, {1768.1, 0, 0}},
      {"llama-3-1-405b", 4, 2, 1, 4, 1, 32768, 87.03, {1984.7, 0, 0}},
      {"llama-3-1-405b", 4, 1, 1, 8, 1, 32768, 139.22, {2003.6, 0, 0}},
      {"llama-3-1-70b", 12, 2, 1, 4, 1, 131072, 112.67, {11315.7, 0, 0}},
      {"llama-3-1-70b", 12, 1, 1, 8, 1, 131072, 147.99, {11301.9, 0, 0}},
      {"llama-3-1-405b", 4, 2, 1, 4, 1, 131072, 118.13, {10577.6, 0, 0}},
};
constexpr std::int64_t kMicroBatches[] = {4, 8, 32};
constexpr std::int64_t kAccelerators = 8;

TrainingCase case_of(const Row& row, std::int64_t n_micro_batches, const catalog::Catalog& catalog) {
  auto model = catalog.language_models.at(row.model);
  model.n_layers.value = row.layers;
  if (model.moe) model.moe->n_dense_layers.value = 1;
  const auto& b200 = catalog.accelerators.at("nvidia-b200");
  const std::int64_t data = kAccelerators / (row.tensor * row.pipeline * row.context);
  training::Plan plan{.parallel = {.data = data, .tensor = row.tensor, .pipeline = row.pipeline, .expert = row.expert,
                                   .context = row.context, .expert_tensor = model.moe ? 1 : 0},
                      .global_batch = data * n_micro_batches,
                      .micro_batch = 1,
                      .sequence_length = row.sequence,
                      .recompute = training::Recompute::none,
                      .zero_stage = 1,
                      .sequence_parallel = row.tensor > 1,
                      .context_exchange = training::ContextExchange::all_to_all,
                      .overlap = {.tensor = 0.0, .expert = 0.0, .context = 0.0, .data = 0.0}};
  return {.id = fmt::format("{} of {} layers, tensor {}, pipeline {}, context {}, expert {}, {} x {} tokens", row.model, row.layers,
                            row.tensor, row.pipeline, row.context, row.expert, n_micro_batches, row.sequence),
          .group = model.moe ? "B200, experts" : row.context > 1 ? "B200, long sequences" : "B200, dense",
          .software = model.moe ? "megatron-core-experts" : "megatron-core-eager",
          .model = model,
          .accelerator = b200,
          .network = *network::network_of(b200, catalog.system_of(b200.id), nullptr, kAccelerators, catalog),
          .n_accelerators = kAccelerators,
          .plan = plan,
          .measured_memory = row.allocated_gib * 1024 * 1024 * 1024 * byte,
          .memory_counts = MemoryCount::allocated};
}

}  // namespace

void add_b200(TrainingCases& found, const catalog::Catalog& catalog) {
  for (const auto& row : kRows)
    for (std::size_t i = 0; i < std::size(kMicroBatches); ++i) {
      if (row.ms[i] <= 0) continue;
      found.cases.push_back(case_of(row, kMicroBatches[i], catalog));
      found.cases.back().measured = row.ms[i] * milli * second;
    }
}

}  // namespace waferwatt::validation
