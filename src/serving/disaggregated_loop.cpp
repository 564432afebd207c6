// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/disaggregated_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/serving/static_batch.hpp"

namespace waferwatt::serving {
namespace {

/// The largest x in [low, high] at which a falling function is still positive.
template <class Function>
double zero_of(double low, double high, Function f) {
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (f(middle) > 0 ? low : high) = middle;
  }
  return low;
}

}  // namespace

ClosedLoopOutcome disaggregated_loop(IterationModel& prefill, IterationModel& decode, const EngineSettings& engine, const MemoryPlan& memory,
                                     const DisaggregatedWorkers& workers, DataSize cache_per_token, const ClosedLoopLoad& load) {
  ClosedLoopOutcome out;
  out.infeasible = memory.infeasible;
  if (!out.infeasible.empty()) return out;
  const double shortened = 1 - load.spread / 2, c = static_cast<double>(load.concurrency);
  const double input = static_cast<double>(load.input_tokens) * shortened, n_steps = std::max(1.0, static_cast<double>(load.output_tokens) * shortened - 1);
  const double p = static_cast<double>(workers.n_prefill), d = static_cast<double>(workers.n_decode);
  const double context = input + n_steps / 2;
  const double most = std::floor(static_cast<double>(memory.n_kv_blocks * engine.kv_block_tokens) / context);
  if (most < 1) {
    out.infeasible = fmt::format("a request of {} + {} tokens is longer than the KV cache of a decode worker", load.input_tokens, load.output_tokens);
    return out;
  }
  const auto step = [&](double batch) {
    const double b = std::max(1.0, batch), low = std::floor(b), weight = b - low;
    const auto at = [&](double n) { return decode.decode_cost(static_cast<std::int64_t>(n), static_cast<std::int64_t>(n * context)); };
    IterationCost cost = at(low) * (1 - weight);
    if (weight > 0) cost += at(low + 1) * weight;
    return cost;
  };
  const IterationCost prompt = prompts_cost(prefill, engine.max_batched_tokens, 1, static_cast<std::int64_t>(std::llround(input)));
  const double s = prompt.time_s;
  // Caches go out over all of a worker's links while later layers are still computed; the last layer's part is waited for.
  const double k = (input * cache_per_token / workers.transfer).in(second);
  const auto wait = [&](double x) {
    const double rho = std::min(0.999, x * s / p);
    return s * rho / (2 * p * (1 - rho));
  };
  // A batch b takes b d / (n t(b)) requests a second; more in flight make it larger.
  const auto rate_of = [&](double b) { return b * d / (n_steps * step(b).time_s); };
  const double full = std::min(most, std::max(1.0, c / d));
  const double batch = zero_of(0.0, full, [&](double b) {
    const double x = rate_of(b);
    return x < p / s && c > x * (wait(x) + s + k) + b * d;
  });
  const double rate = std::min(rate_of(std::max(batch, 1e-6)), p / s);
  const IterationCost decode_step = step(batch);
  const double queue_s = std::max(wait(rate), c / rate - s - k - n_steps * decode_step.time_s);
  const double burst_s = std::max(0.0, c / p - 1) * s / 2;
  const double first = 1 / load.n_waves;
  out.time_per_output_token = decode_step.time_s * second;
  out.step_time = out.time_per_output_token;
  out.time_to_first_token = (s + k + (1 - first) * std::max(0.0, queue_s) + first * burst_s) * second;
  out.output_rate = rate * (n_steps + 1) * token / second;
  out.batch = batch * d;
  out.cost = decode_step;
  const double prompt_j = prompt.energy_j * static_cast<double>(prefill.plan().n_accelerators());
  const double step_j = decode_step.energy_j * static_cast<double>(decode.plan().n_accelerators()) / std::max(1.0, batch);
  out.energy_per_output_token = (prompt_j / (n_steps + 1) + step_j) * joule;
  return out;
}

}  // namespace waferwatt::serving
