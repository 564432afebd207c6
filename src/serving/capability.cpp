// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/capability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "deployment_run.hpp"

namespace waferwatt::serving {
namespace {

constexpr double kLeastKvFraction = 0.25;
constexpr std::int64_t kMaxReplica = 16, kMaxDomains = 8, kMaxConcurrency = 4096;
constexpr int kConcurrencyStepsPerDoubling = 4;

/// One concurrency, measured over two generations of requests after the first.
struct Point {
  double output_tokens_per_s = 0, tpot_s = 0, ttft_s = 0, power_w = 0;
  IterationCost cost;
};

struct Candidate {
  ReplicaPlan plan;
  MemoryPlan memory;
  EngineSettings engine;
};

/// A replica of the deployment's engine, with a request for each that ends. No router, event loop or sinks stand around it:
/// worlds search hundreds of such points as they start. closed_loop() with all of these gives its rate within 5 % (tested).
class ClosedLoop {
 public:
  ClosedLoop(IterationModel& model, const Candidate& candidate, const ReferenceWorkload& workload)
      : workload_(workload),
        costs_(model),
        replica_(costs_,
                 {.engine = engine_of_all_groups(candidate.engine, candidate.plan),
                  .n_kv_blocks = candidate.memory.n_kv_blocks,
                  .n_stages = candidate.plan.micro_batches(),
                  .n_accelerators = candidate.plan.n_accelerators(),
                  .n_groups = candidate.plan.data_parallel},
                 records_),
        ends_s_(replica_.n_lanes(), Replica::kNever) {}

  Point run(std::int64_t concurrency) {
    // The first generation has shortened outputs so that its requests end one after the other.
    for (std::int64_t i = 0; i < concurrency; ++i)
      issue(std::max<std::int64_t>(1, workload_.output_tokens * (i + 1) / concurrency));
    advance(concurrency);
    const double start_s = now_s_;
    const ReplicaTotals before = replica_.totals();
    const std::size_t first = records_.size();
    advance(3 * concurrency);
    return measured(start_s, before, first);
  }

 private:
  void issue(std::int64_t output_tokens) {
    const auto id = static_cast<std::uint32_t>(records_.size());
    records_.push_back({.arrival_s = now_s_, .input_tokens = workload_.input_tokens, .output_tokens = output_tokens});
    replica_.enqueue(id, now_s_);
  }
  void advance(std::int64_t n_completed) {
    while (replica_.totals().n_completed < n_completed) {
      for (std::size_t lane = 0; lane < ends_s_.size(); ++lane)
        if (!replica_.is_running(lane)) ends_s_[lane] = replica_.begin(now_s_, lane);
      const auto first = std::ranges::min_element(ends_s_);
      now_s_ = *first;
      const std::size_t n_done = replica_.finish(now_s_, static_cast<std::size_t>(first - ends_s_.begin())).size();
      for (std::size_t i = 0; i < n_done; ++i) issue(workload_.output_tokens);
    }
  }
  Point measured(double start_s, const ReplicaTotals& before, std::size_t first) const {
    const ReplicaTotals& after = replica_.totals();
    Point point;
    const double span_s = now_s_ - start_s;
    point.output_tokens_per_s = static_cast<double>(after.decode_tokens - before.decode_tokens) / span_s;
    point.power_w = (after.cost.energy_j - before.cost.energy_j) / span_s;
    point.cost = after.cost;
    point.cost += before.cost * -1;
    double n = 0;
    for (std::size_t i = first; i < records_.size(); ++i) {
      if (!records_[i].completed()) continue;
      ++n;
      point.tpot_s += records_[i].time_per_output_token_s();
      point.ttft_s += records_[i].time_to_first_token_s();
    }
    point.tpot_s /= n;
    point.ttft_s /= n;
    return point;
  }

  const ReferenceWorkload& workload_;
  std::vector<RequestRecord> records_;
  TabulatedCosts costs_;
  Replica replica_;
  std::vector<double> ends_s_;  ///< when each lane's work ends
  double now_s_ = 0;
};

std::int64_t concurrency_at(int step) {
  return static_cast<std::int64_t>(std::llround(std::exp2(static_cast<double>(step) / kConcurrencyStepsPerDoubling)));
}

/// Requests whose whole context fits the KV cache at once.
std::int64_t most_in_flight(const Candidate& candidate, const ReferenceWorkload& workload) {
  const std::int64_t block = candidate.engine.kv_block_tokens;
  const std::int64_t blocks = (workload.input_tokens + workload.output_tokens + block - 1) / block;
  const auto usable = static_cast<std::int64_t>(static_cast<double>(candidate.memory.n_kv_blocks) *
                                                (1 - candidate.engine.kv_watermark));
  return std::min(kMaxConcurrency, usable / blocks);
}

Candidate candidate_of(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator, ReplicaPlan plan, NumberFormat kv_format) {
  Candidate candidate;
  plan.weight_format = runnable_format(accelerator, model.weight_format);
  plan.kv_format = kv_format;
  candidate.plan = plan;
  candidate.engine.max_sequences = kMaxConcurrency;
  // Smaller memories cannot spare the activations of long iterations.
  const double hidden_bytes = 8 * static_cast<double>(model.hidden_size.value);
  const double affordable = 0.02 * accelerator.memory_capacity->in(byte) / hidden_bytes;
  candidate.engine.max_batched_tokens = std::clamp<std::int64_t>(static_cast<std::int64_t>(affordable), 256, 8192);
  candidate.engine.max_sequences = std::min(candidate.engine.max_sequences, candidate.engine.max_batched_tokens);
  candidate.memory = memory_plan(model, accelerator, candidate.plan, candidate.engine);
  return candidate;
}

/// Sizes of replicas, smallest first: powers of two within a domain, then domains one after the other as stages of a pipeline.
/// Each size with its ways to split a model: tensors cut in all, or experts spread over groups that attend each on their own.
std::vector<std::vector<ReplicaPlan>> plans_by_size(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator) {
  const std::int64_t domain = accelerator.scale_up_domain ? accelerator.scale_up_domain->value : kMaxReplica;
  std::vector<std::vector<ReplicaPlan>> sizes;
  const auto add = [&](std::int64_t ranks, std::int64_t stages) {
    auto& plans = sizes.emplace_back();
    plans.push_back({.tensor_parallel = ranks, .pipeline_parallel = stages});
    if (model.moe && ranks > 1 && ranks <= model.moe->n_routed_experts.value) plans.push_back({.data_parallel = ranks, .pipeline_parallel = stages});
  };
  std::int64_t ranks = 1;
  for (; ranks <= domain; ranks *= 2) add(ranks, 1);
  for (std::int64_t stages = 2; stages <= kMaxDomains; stages *= 2) add(ranks / 2, stages);
  return sizes;
}

std::string does_not_fit(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator,
                         const Candidate& largest) {
  const double n = static_cast<double>(largest.plan.n_accelerators());
  const auto gigabytes = [](DataSize size) { return size.in(giga * byte); };
  return fmt::format(
      "{} in {} needs {:.1f} GB for weights; {} x {:.2f} GB of {} must keep {:.0f} % for KV cache and leave {:.1f} GB",
      model.name, io::enum_text(largest.plan.weight_format), gigabytes(largest.memory.weights) * n,
      largest.plan.n_accelerators(), gigabytes(largest.memory.capacity), accelerator.name, 100 * kLeastKvFraction,
      std::max(0.0, gigabytes(largest.memory.usable - largest.memory.activations -
                              kLeastKvFraction * largest.memory.capacity)) *
          n);
}

bool fits(const Candidate& candidate, const ReferenceWorkload& workload) {
  return candidate.memory.infeasible.empty() &&
         candidate.memory.kv_space >= kLeastKvFraction * candidate.memory.capacity &&
         most_in_flight(candidate, workload) >= 1;
}

/// The largest concurrency of the grid within the time per output token; nothing when even one request is too slow.
std::optional<std::pair<std::int64_t, Point>> saturation(IterationModel& model, const Candidate& candidate,
                                                         const ReferenceWorkload& workload) {
  const double limit_s = workload.time_per_output_token.in(second);
  const std::int64_t most = std::min(most_in_flight(candidate, workload), engine_of_all_groups(candidate.engine, candidate.plan).max_sequences);
  int n_steps = 0;
  while (concurrency_at(n_steps + 1) <= most) ++n_steps;
  const auto point_at = [&](int step) { return ClosedLoop(model, candidate, workload).run(concurrency_at(step)); };

  // Time per output token grows with concurrency: bisect for the last step within the limit.
  int low = 0, high = n_steps + 1;
  Point best = point_at(0);
  if (best.tpot_s > limit_s) return std::nullopt;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    const Point point = point_at(middle);
    if (point.tpot_s <= limit_s) {
      low = middle;
      best = point;
    } else {
      high = middle;
    }
  }
  return std::pair{concurrency_at(low), best};
}

ServingCapability capability_of(const Candidate& candidate, std::int64_t concurrency, const Point& point,
                                const ReferenceWorkload& workload) {
  const double n = static_cast<double>(candidate.plan.n_accelerators());
  ServingCapability capability;
  capability.n_accelerators = candidate.plan.n_accelerators();
  capability.concurrency = concurrency;
  capability.output_rate = point.output_tokens_per_s / n * token / second;
  capability.input_rate = capability.output_rate *
                          (static_cast<double>(workload.input_tokens) / static_cast<double>(workload.output_tokens));
  capability.time_per_output_token = point.tpot_s * second;
  capability.time_to_first_token = point.ttft_s * second;
  capability.mean_power = point.power_w * watt;
  capability.weight_format = candidate.plan.weight_format;
  capability.error = point.cost.error_s / point.cost.time_s;
  capability.memory_bound_share = point.cost.memory_s / point.cost.time_s;
  capability.compute_bound_share = point.cost.compute_s / point.cost.time_s;
  return capability;
}

}  // namespace

ServingCapability saturated_capability(const catalog::LanguageModel& model, const cost::OperatorModel& operators,
                                       const catalog::System* system, const catalog::Catalog& catalog,
                                       const ReferenceWorkload& workload) {
  const auto& accelerator = operators.accelerator();
  ServingCapability none;
  Candidate largest;
  for (const auto& plans : plans_by_size(model, accelerator)) {
    const auto network = network::network_of(accelerator, system, nullptr, plans.front().n_accelerators(), catalog);
    if (!network) break;
    std::optional<ServingCapability> best;
    for (const ReplicaPlan& plan : plans) {
      const Candidate candidate = candidate_of(model, accelerator, plan, workload.kv_format);
      if (&plan == &plans.front()) largest = candidate;
      if (!fits(candidate, workload)) continue;
      IterationModel iterations(model, operators, candidate.plan, *network, candidate.engine);
      const auto found = saturation(iterations, candidate, workload);
      if (!found) {
        none.infeasible =
            fmt::format("{} on {} x {} takes more than {:.0f} ms per output token even with one request in flight",
                        model.name, plan.n_accelerators(), accelerator.name, 1e3 * workload.time_per_output_token.in(second));
        continue;
      }
      ServingCapability capability = capability_of(candidate, found->first, found->second, workload);
      capability.provenance = iterations.provenance();
      capability.mean_it_power =
          capability.mean_power * (system ? *system->it_power_per_accelerator / *accelerator.tdp : 1.0);
      if (!best || capability.output_rate > best->output_rate) best = capability;
    }
    if (best) return *best;
  }
  none.n_accelerators = largest.plan.n_accelerators();
  none.weight_format = largest.plan.weight_format;
  if (none.infeasible.empty()) none.infeasible = does_not_fit(model, accelerator, largest);
  return none;
}

}  // namespace waferwatt::serving
