// SPDX-License-Identifier: Apache-2.0
// Published training results that ship with the project: tables of figures with where they stand.
#include "training_published.hpp"

#include <fmt/format.h>

namespace waferwatt::validation {
namespace {

using training::Recompute;
using training::Schedule;

/// A GPT trained by Megatron-LM with tensor parallelism 8 on Selene: A100 with HDR InfiniBand.
struct MegatronRow {
  const char* name;
  std::int64_t layers, hidden, heads, data, tensor, pipeline, batch, micro_batch, interleave;
};

training::Plan plan_of(const MegatronRow& row, bool selective) {
  training::Plan p{.parallel = {row.data, row.tensor, row.pipeline},
                   .global_batch = row.batch,
                   .micro_batch = row.micro_batch,
                   .sequence_length = 2048,
                   .recompute = selective ? Recompute::selective : Recompute::full,
                   .zero_stage = 0,
                   .sequence_parallel = selective,
                   .fused_attention = false};
  if (row.interleave > 1) p.schedule = Schedule::interleaved, p.interleave = row.interleave;
  return p;
}

catalog::LanguageModel model_of(const MegatronRow& row) {
  catalog::LanguageModel m;
  m.id = m.name = std::string("GPT ") + row.name;
  m.n_layers.value = row.layers, m.hidden_size.value = row.hidden, m.n_heads.value = row.heads;
  m.ffn_size.value = 4 * row.hidden, m.vocabulary.value = 51200;
  m.gated_ffn = false, m.tied_embeddings = true;
  return m;
}

TrainingCase case_of(const MegatronRow& row, bool selective, const catalog::Catalog& catalog) {
  const auto& a100 = catalog.accelerators.at("nvidia-a100-sxm-80gb");
  const auto plan = plan_of(row, selective);
  const std::int64_t n = plan.parallel.n_accelerators();
  return {.id = row.name,
          .model = model_of(row),
          .accelerator = a100,
          .network = *network::network_of(a100, catalog.system_of(a100.id), &catalog.fabrics.at("infiniband-hdr"),
                                          std::max<std::int64_t>(n, 16), catalog),
          .n_accelerators = n,
          .plan = plan};
}

/// Narayanan et al. 2021, arXiv 2104.04473, table 1: TFLOP/s of an accelerator, recomputation counted, from which
/// the iteration takes 96 B s l h^2 (1 + s / 6h + V / 16 l h) FLOP over n of them.
void add_sc21(TrainingCases& found, const catalog::Catalog& catalog) {
  static constexpr std::pair<MegatronRow, double> kRows[] = {
      {{"1.7B", 24, 2304, 24, 32, 1, 1, 512, 16, 1}, 137},        {{"3.6B", 30, 3072, 32, 32, 2, 1, 512, 16, 1}, 138},
      {{"7.5B", 36, 4096, 32, 32, 4, 1, 512, 16, 1}, 142},        {{"18B", 40, 6144, 48, 32, 8, 1, 1024, 8, 1}, 135},
      {{"39B", 48, 8192, 64, 32, 8, 2, 1536, 4, 1}, 138},         {{"76B", 60, 10240, 80, 32, 8, 4, 1792, 2, 3}, 140},
      {{"145B", 80, 12288, 96, 24, 8, 8, 2304, 2, 2}, 148},       {{"310B", 96, 16384, 128, 15, 8, 16, 2160, 1, 2}, 155},
      {{"530B", 105, 20480, 128, 9, 8, 35, 2520, 1, 3}, 163},     {{"1T", 128, 25600, 160, 6, 8, 64, 3072, 1, 1}, 163}};
  for (const auto& [row, tflops] : kRows) {
    TrainingCase c = case_of(row, false, catalog);
    c.group = "SC'21 table", c.software = "megatron-2021";
    const double s = 2048, l = static_cast<double>(row.layers), h = static_cast<double>(row.hidden);
    const double work = 96 * static_cast<double>(row.batch) * s * l * h * h * (1 + s / (6 * h) + 51200 / (16 * l * h));
    c.measured = work / (static_cast<double>(c.n_accelerators) * tflops * 1e12) * second;
    found.cases.push_back(std::move(c));
  }
}

/// Korthikanti et al. 2022, arXiv 2205.05198: table 5 (seconds of an iteration), and figure 1 (GiB of states and of
/// activations, as the paper computes them; without recomputation also without sequence parallelism).
void add_selective(TrainingCases& found, const catalog::Catalog& catalog) {
  struct Times {
    MegatronRow row;
    double full, selective;
  };
  static constexpr Times kTimes[] = {{{"22B", 48, 6144, 64, 1, 8, 1, 4, 4, 1}, 1.42, 1.10},
                                     {{"175B", 96, 12288, 96, 1, 8, 8, 64, 1, 3}, 18.13, 13.75},
                                     {{"530B", 105, 20480, 128, 1, 8, 35, 280, 1, 3}, 49.05, 37.83},
                                     {{"1T", 128, 25600, 160, 1, 8, 64, 512, 1, 1}, 94.42, 71.49}};
  struct Memory {
    std::size_t row;
    bool selective;
    double states_gib, activations_gib;
  };
  static constexpr Memory kMemory[] = {
      {1, false, 45.5625, 66.84375}, {2, false, 31.640625, 114.0234375}, {2, true, 31.640625, 23.076171875}, {3, false, 32.958984375, 131.25}};
  const auto add = [&](const MegatronRow& row, bool selective, const char* suffix) -> TrainingCase& {
    found.cases.push_back(case_of(row, selective, catalog));
    TrainingCase& c = found.cases.back();
    c.id += suffix, c.group = "selective-recompute table", c.software = "megatron-2022";
    return c;
  };
  for (const auto& [row, full, selective] : kTimes) {
    add(row, false, " full").measured = full * second;
    add(row, true, " selective").measured = selective * second;
  }
  for (const auto& [index, selective, states, activations] : kMemory) {
    TrainingCase& c = add(kTimes[index].row, selective, selective ? " memory, selective" : " memory, none");
    c.group = "selective-recompute figure";
    if (!selective) c.plan.recompute = Recompute::none;
    c.measured_memory = (states + activations) * 1024 * 1024 * 1024 * byte, c.memory_counts = MemoryCount::planned;
  }
}

/// Llama 3 405B, 16 Mi tokens an iteration on H100 (arXiv 2407.21783, table 4): BF16 TFLOP/s of an accelerator.
void add_llama_3(TrainingCases& found, const catalog::Catalog& catalog) {
  struct Row {
    std::int64_t n, data, context, sequence;
    double tflops;
  };
  static constexpr Row kRows[] = {{8192, 64, 1, 8192, 430}, {16384, 128, 1, 8192, 400}, {16384, 8, 16, 131072, 380}};
  const auto& h100 = catalog.accelerators.at("nvidia-h100-sxm");
  for (const auto& [n, data, context, sequence, tflops] : kRows) {
    constexpr double kTokens = 16.0 * 1024 * 1024;
    // 6 FLOP per parameter and 6 l h s for the two products of causal attention, 126 layers of 16,384.
    const double work = 6 * 405e9 + 6 * 126.0 * 16384 * static_cast<double>(sequence);
    found.cases.push_back(
        {.id = fmt::format("{} GPUs, {} tokens", n, sequence),
         .group = "Llama 3 table",
         .software = "megatron-core",
         .model = catalog.language_models.at("llama-3-1-405b"),
         .accelerator = h100,
         .network = *network::network_of(h100, catalog.system_of(h100.id), &catalog.fabrics.at("roce-400"), n, catalog),
         .n_accelerators = n,
         .plan = {.parallel = {.data = data, .tensor = 8, .pipeline = 16, .context = context},
                  .global_batch = static_cast<std::int64_t>(kTokens) / sequence,
                  .micro_batch = 1,
                  .sequence_length = sequence,
                  .recompute = Recompute::none,
                  .zero_stage = 2,
                  .schedule = Schedule::interleaved,
                  .interleave = 8},
         .measured = kTokens * work / (static_cast<double>(n) * tflops * 1e12) * second});
  }
}

/// DeepSeek-V3's pre-training (arXiv 2412.19437, table 1): 2.664 M H800-hours for 14.8 T tokens.
void add_deepseek_v3(TrainingCases& found, const catalog::Catalog& catalog) {
  const auto& h800 = catalog.accelerators.at("nvidia-h800-sxm");
  const training::Plan plan{.parallel = {.data = 128, .tensor = 1, .pipeline = 16, .expert = 64},
                            .global_batch = 15360,
                            .micro_batch = 1,
                            .sequence_length = 4096,
                            .recompute = Recompute::selective,
                            .zero_stage = 1,
                            .format = catalog::NumberFormat::fp8,
                            .schedule = Schedule::dual_pipe,
                            .deduplicated_dispatch = true,
                            .optimizer_bytes = 8,
                            .n_prediction_layers = 1};
  found.cases.push_back({.id = "DeepSeek-V3 pre-training",
                         .group = "DeepSeek-V3",
                         .software = "dualpipe",
                         .model = catalog.language_models.at("deepseek-v3"),
                         .accelerator = h800,
                         .network = *network::network_of(h800, catalog.system_of(h800.id),
                                                         &catalog.fabrics.at("infiniband-ndr"), 2048, catalog),
                         .n_accelerators = 2048,
                         .plan = plan,
                         .measured = 2.664e6 * hour / 2048 * (plan.tokens_per_iteration() / 14.8e12)});
}

}  // namespace

TrainingCases shipped_training_cases(const catalog::Catalog& catalog) {
  TrainingCases found;
  add_sc21(found, catalog);
  add_selective(found, catalog);
  add_llama_3(found, catalog);
  add_deepseek_v3(found, catalog);
  add_b200(found, catalog);
  return found;
}

}  // namespace waferwatt::validation
