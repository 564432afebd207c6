// SPDX-License-Identifier: Apache-2.0
#include "serving_recipes.hpp"

#include <algorithm>
#include <charconv>

namespace waferwatt::validation {
namespace {

using catalog::NumberFormat;

constexpr std::int64_t kShort = 1024, kLong = 8192;
/// Lengths are drawn from 80 to 100 % of the nominal ones (--random-range-ratio 0.8).
constexpr double kLengthSpread = 0.2;
/// Workers that only decode send the first token with so many others: stream_interval of Dynamo's recipes for
/// TensorRT-LLM. Inferred for other engines, whose recipes name up to 50.
constexpr std::int64_t kDisaggregatedStream = 20;

struct Lengths {
  std::int64_t input, output;
  friend bool operator==(const Lengths&, const Lengths&) = default;
};
constexpr Lengths kInferenceX[] = {{kShort, kShort}, {kShort, kLong}, {kLong, kShort}};

/// Whether a release is `major.minor` or later; none and nightly builds are not.
bool is_since(std::string_view release, int major, int minor) {
  int numbers[2] = {-1, -1};
  const char *at = release.data(), *const end = at + release.size();
  for (int& n : numbers) {
    const auto [next, error] = std::from_chars(at, end, n);
    if (error != std::errc{}) return false;
    at = next < end ? next + 1 : end;
  }
  return std::pair{numbers[0], numbers[1]} >= std::pair{major, minor};
}

/// The generation whose cores know 4-bit floating point.
bool is_blackwell(const ServingCase& c) { return c.accelerator->peak_fp4.has_value(); }

/// SGLang on Blackwell: --scheduler-recv-interval 10, from 16 requests in flight on 30, but not where attention is
/// sparse; --kv-cache-dtype fp8_e4m3 where weights are narrower than 16 bits.
void sglang(ServingCase& c) {
  constexpr std::int64_t kMany = 16, kOften = 10, kSeldom = 30;
  if (!is_blackwell(c)) return;
  if (!c.model->sparse_attention) c.load.receive_interval = c.load.concurrency < kMany ? kOften : kSeldom;
  if (c.plan.weight_format != NumberFormat::bf16) c.plan.kv_format = NumberFormat::fp8;
}

/// vLLM. Scripts for fp8 know no data-parallel attention: what tables call it is tensor parallel, as the same times in both
/// readings confirm. On Blackwell gpt-oss has kv-cache-dtype fp8, and others have it since 0.19, with a budget
/// (max-num-batched-tokens) of two prompts.
void vllm(ServingCase& c) {
  if (c.plan.weight_format == NumberFormat::fp8 && c.plan.tensor_parallel == 1) std::swap(c.plan.tensor_parallel, c.plan.data_parallel);
  if (!is_blackwell(c)) return;
  const bool is_new = is_since(c.backend_version, 0, 19);
  if (is_new || c.model->id == "gpt-oss-120b") c.plan.kv_format = NumberFormat::fp8;
  if (is_new) c.max_batched_tokens = 2 * c.load.input_tokens;
}

/// DeepSeek-R1 with drafts (the -mtp configurations): release 1.2.0rc6.post3 served nothing else, and of 1.1.0rc2.post2 the
/// measurements of 2026, when it had been replaced for the rest, follow their grid of concurrencies. num_nextn_predict_layers
/// is 3, with data-parallel attention 1.
bool is_drafted(const ServingCase& c) {
  return c.model->mla && (c.backend_version == "1.2.0rc6.post3" || (c.backend_version == "1.1.0rc2.post2" && c.measured_on >= "2026"));
}

/// TensorRT-LLM: stream_interval 10 for mixtures of experts; dense models have workers of their own for sending
/// (num_postprocess_workers 2), and measured first tokens do not wait. On fewer than 8 accelerators, with short prompts
/// and answers, dense models have batch_wait_timeout_iters 20.
void trtllm(ServingCase& c, const Lengths& lengths) {
  constexpr std::int64_t kNode = 8, kWait = 20, kStream = 10;
  if (is_drafted(c)) c.draft_tokens = c.plan.data_parallel > 1 ? 1 : 3;
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
  if (c.backend == "vllm") vllm(c);
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
  // Its deployments (lengths in thousands) are measured by aiperf, which has 100 prompts (--num-dataset-entries) and warms up
  // with two requests for each one in flight. vLLM keeps prefixes unless told; SGLang and TensorRT-LLM are told not to.
  constexpr std::int64_t kThousand = 1000, kPrompts = 100, kWarmUp = 2;
  if (c.backend == "vllm" && c.load.input_tokens % kThousand == 0) {
    c.load.n_prompts = kPrompts, c.load.n_warm_up = kWarmUp * c.load.concurrency;
    c.finds_prefixes = true;
  }
  // Inferred: times per token on this release are 1.4 ms a layer whatever the batch, from 5 to 224, as without graphs.
  c.launches_kernels = c.backend == "trtllm" && c.backend_version == "1.3.0rc1";
}

}  // namespace waferwatt::validation
