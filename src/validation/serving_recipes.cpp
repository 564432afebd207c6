// SPDX-License-Identifier: Apache-2.0
#include "serving_recipes.hpp"

#include <algorithm>

namespace waferwatt::validation {
namespace {

constexpr std::int64_t kShort = 1024, kLong = 8192;
/// Lengths are drawn from 80 to 100 % of the nominal ones (--random-range-ratio 0.8).
constexpr double kLengthSpread = 0.2;
/// Workers that only decode send the first token with so many others: stream_interval of Dynamo's recipes for
/// TensorRT-LLM; those for other engines name up to 50, and measured first tokens come as with 20.
constexpr std::int64_t kDisaggregatedStream = 20;

struct Lengths {
  std::int64_t input, output;
  friend bool operator==(const Lengths&, const Lengths&) = default;
};
constexpr Lengths kInferenceX[] = {{kShort, kShort}, {kShort, kLong}, {kLong, kShort}};

/// SGLang on the generation whose cores know 4-bit floating point (Blackwell): --scheduler-recv-interval 10, from 16
/// requests in flight on 30, but not where attention is sparse; --kv-cache-dtype fp8_e4m3 where weights are narrower than
/// 16 bits.
void sglang(ServingCase& c) {
  constexpr std::int64_t kMany = 16, kOften = 10, kSeldom = 30;
  if (!c.accelerator->peak_fp4) return;
  if (!c.model->sparse_attention) c.load.receive_interval = c.load.concurrency < kMany ? kOften : kSeldom;
  if (c.plan.weight_format != catalog::NumberFormat::bf16) c.plan.kv_format = catalog::NumberFormat::fp8;
}

/// TensorRT-LLM: stream_interval 10 for mixtures of experts; dense models have workers of their own for sending
/// (num_postprocess_workers 2), and measured first tokens do not wait. On fewer than 8 accelerators, with short prompts
/// and answers, dense models have batch_wait_timeout_iters 20.
void trtllm(ServingCase& c, const Lengths& lengths) {
  constexpr std::int64_t kNode = 8, kWait = 20, kStream = 10;
  if (c.model->moe)
    c.stream_interval = kStream;
  else if (c.plan.n_accelerators() < kNode && lengths == Lengths{kShort, kShort})
    c.load.prompt_wait = kWait;
}

}  // namespace

bool take_inference_x_recipe(ServingCase& c) {
  const Lengths lengths{c.load.input_tokens, c.load.output_tokens};
  if (std::ranges::find(kInferenceX, lengths) == std::end(kInferenceX)) return false;
  c.load.spread = kLengthSpread;
  if (c.disaggregation) {
    c.stream_interval = kDisaggregatedStream;
    return true;
  }
  if (c.backend == "sglang") sglang(c);
  if (c.backend == "trtllm") trtllm(c, lengths);
  return true;
}

void take_aiconfigurator_recipe(ServingCase& c) {
  constexpr std::int64_t kFewestSequences = 512, kSlack = 1500;
  constexpr double kWaves = 20;  // requests for each one in flight: 10 in its first versions, 50 in later ones
  if (c.disaggregation) return;
  c.load.n_waves = kWaves;
  c.mixes_prompts = c.backend == "sglang";  // enable_mixed_chunk; its budget (max_prefill_tokens) is of prompts alone
  c.max_batched_tokens = c.load.input_tokens + kSlack + (c.mixes_prompts ? 0 : std::max(kFewestSequences, c.load.concurrency));
}

}  // namespace waferwatt::validation
