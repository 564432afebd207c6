// SPDX-License-Identifier: Apache-2.0
// Published training results that ship with the project.
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {
namespace {

using training::Recompute;
using training::Schedule;

struct PublishedRow {
  const char *id, *group, *model, *accelerator, *fabric, *software;
  std::int64_t layers, hidden, heads;  ///< of a GPT where no model is named
  training::Plan plan;
  double seconds;  ///< of an iteration
};

training::Plan megatron(training::Parallelism parallel, std::int64_t batch, std::int64_t micro_batch,
                        std::int64_t interleave, bool selective) {
  training::Plan p{.parallel = parallel,
                   .global_batch = batch,
                   .micro_batch = micro_batch,
                   .sequence_length = 2048,
                   .recompute = selective ? Recompute::selective : Recompute::full,
                   .zero_stage = 0,
                   .sequence_parallel = selective,
                   .fused_attention = false};
  if (interleave > 1) p.schedule = Schedule::interleaved, p.interleave = interleave;
  return p;
}

/// Llama 3 405B, 16 Mi tokens an iteration on H100 (arXiv 2407.21783, table 4).
training::Plan llama3(std::int64_t data, std::int64_t context, std::int64_t sequence) {
  return {.parallel = {.data = data, .tensor = 8, .pipeline = 16, .context = context},
          .global_batch = 16 * 1024 * 1024 / sequence,
          .micro_batch = 1,
          .sequence_length = sequence,
          .recompute = Recompute::none,
          .zero_stage = 2,
          .schedule = Schedule::interleaved,
          .interleave = 8};
}

/// Seconds of an iteration that a model FLOP/s utilisation stands for, as Llama's table counts it.
double seconds_at(double tflops_per_accelerator, double n, double tokens, double flop_per_token) {
  return tokens * flop_per_token / (n * tflops_per_accelerator * 1e12);
}

std::vector<PublishedRow> published_rows() {
  const char *a100 = "nvidia-a100-sxm-80gb", *hdr = "infiniband-hdr", *h100 = "nvidia-h100-sxm";
  const char *old = "megatron-2021", *new_ = "megatron-2022";
  // 6 FLOP per parameter and 6 l a d s for causal attention's two products: 405B, 126 layers of 16,384.
  const double short_work = 6 * 405e9 + 6 * 126.0 * 16384 * 8192, long_work = 6 * 405e9 + 6 * 126.0 * 16384 * 131072;
  const double tokens = 16.0 * 1024 * 1024;
  return {
      // Korthikanti et al. 2022, arXiv 2205.05198, table 5.
      {"22B full", "selective-recompute table", "", a100, hdr, new_, 48, 6144, 64, megatron({1, 8, 1}, 4, 4, 1, false), 1.42},
      {"22B selective", "selective-recompute table", "", a100, hdr, new_, 48, 6144, 64, megatron({1, 8, 1}, 4, 4, 1, true), 1.10},
      {"175B full", "selective-recompute table", "", a100, hdr, new_, 96, 12288, 96, megatron({1, 8, 8}, 64, 1, 3, false), 18.13},
      {"175B selective", "selective-recompute table", "", a100, hdr, new_, 96, 12288, 96, megatron({1, 8, 8}, 64, 1, 3, true), 13.75},
      {"530B full", "selective-recompute table", "", a100, hdr, new_, 105, 20480, 128, megatron({1, 8, 35}, 280, 1, 3, false), 49.05},
      {"530B selective", "selective-recompute table", "", a100, hdr, new_, 105, 20480, 128, megatron({1, 8, 35}, 280, 1, 3, true), 37.83},
      {"1T full", "selective-recompute table", "", a100, hdr, new_, 128, 25600, 160, megatron({1, 8, 64}, 512, 1, 1, false), 94.42},
      {"1T selective", "selective-recompute table", "", a100, hdr, new_, 128, 25600, 160, megatron({1, 8, 64}, 512, 1, 1, true), 71.49},
      // Narayanan et al. 2021, arXiv 2104.04473, table 1, from its FLOP/s with recomputation.
      {"18B", "SC'21 table", "", a100, hdr, old, 40, 6144, 48, megatron({32, 8, 1}, 1024, 8, 1, false), 9.399},
      {"39B", "SC'21 table", "", a100, hdr, old, 48, 8192, 64, megatron({32, 8, 2}, 1536, 4, 1, false), 14.453},
      {"76B", "SC'21 table", "", a100, hdr, old, 60, 10240, 80, megatron({32, 8, 4}, 1792, 2, 3, false), 16.058},
      {"8,192 GPUs", "Llama 3 table", "llama-3-1-405b", h100, "roce-400", "megatron-core", 0, 0, 0, llama3(64, 1, 8192), seconds_at(430, 8192, tokens, short_work)},
      {"16,384 GPUs", "Llama 3 table", "llama-3-1-405b", h100, "roce-400", "megatron-core", 0, 0, 0, llama3(128, 1, 8192), seconds_at(400, 16384, tokens, short_work)},
      {"16,384 GPUs, 131,072 tokens", "Llama 3 table", "llama-3-1-405b", h100, "roce-400", "megatron-core", 0, 0, 0, llama3(8, 16, 131072), seconds_at(380, 16384, tokens, long_work)},
  };
}

}  // namespace

TrainingCases shipped_training_cases(const catalog::Catalog& catalog) {
  TrainingCases found;
  for (const auto& row : published_rows()) {
    const auto& accelerator = catalog.accelerators.at(row.accelerator);
    catalog::LanguageModel model;
    if (*row.model) {
      model = catalog.language_models.at(row.model);
    } else {
      model.id = model.name = row.id;
      model.n_layers.value = row.layers, model.hidden_size.value = row.hidden, model.n_heads.value = row.heads;
      model.ffn_size.value = 4 * row.hidden, model.vocabulary.value = 51200;
      model.gated_ffn = false, model.tied_embeddings = true;
    }
    const std::int64_t n = row.plan.parallel.n_accelerators();
    const auto network = network::network_of(accelerator, catalog.system_of(accelerator.id),
                                             &catalog.fabrics.at(row.fabric), std::max<std::int64_t>(n, 16), catalog);
    const auto problems = training::problems(row.plan, model, n);
    if (!problems.empty()) {
      found.skipped.push_back({row.id, problems.front().message});
      continue;
    }
    found.cases.push_back({.id = row.id,
                           .group = row.group,
                           .software = row.software,
                           .model = model,
                           .accelerator = accelerator,
                           .network = *network,
                           .n_accelerators = n,
                           .plan = row.plan,
                           .measured = row.seconds * second});
  }
  return found;
}

}  // namespace waferwatt::validation
