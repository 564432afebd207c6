// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/closed_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "deployment_run.hpp"
#include "waferwatt/engine/bare_loop.hpp"

namespace waferwatt::serving {
namespace {

// Later waves are alike: this many requests of them, or this many for each one in flight, tell their means.
constexpr std::int64_t kLaterRequests = 1200, kLaterWaves = 2;
// Multiples of these spread evenly over the unit interval (golden and plastic ratio).
constexpr double kEvenOutputs = 0.6180339887498949, kEvenInputs = 0.7548776662466927;

double fraction(double x) { return x - std::floor(x); }

/// Requests come to the engine when it takes them in; what they wait until then is kept apart.
class LoadGenerator final : public RequestStream {
 public:
  /// \param step_s a decoding iteration at this load
  LoadGenerator(const ClosedLoopLoad& load, double step_s) : load_(load), step_s_(step_s) {
    const auto n_all = static_cast<std::int64_t>((load.n_waves - 1) * static_cast<double>(load.concurrency));
    n_requests_ = load.n_warm_up + load.concurrency + std::min(n_all, std::max(kLaterRequests, kLaterWaves * load.concurrency));
  }
  bool next(Request& request) override { return n_sent_ < load_.concurrency && send(0, request); }
  bool follow_up(const RequestRecord&, double now_s, Request& request) override {
    if (n_sent_ == n_requests_) return false;
    const double taken_in_s = taken_in(now_s);
    waited_s_ += taken_in_s - now_s, ++n_followed_;
    return send(taken_in_s, request);
  }
  double mean_wait_s() const { return waited_s_ / std::max(1.0, n_followed_); }

 private:
  double taken_in(double now_s) {
    const double looks_s = static_cast<double>(load_.receive_interval) * step_s_, waits_s = static_cast<double>(load_.prompt_wait) * step_s_;
    if (load_.receive_interval > 1) return std::ceil(now_s / looks_s) * looks_s;
    if (now_s > company_until_s_) company_until_s_ = now_s + waits_s;
    return company_until_s_;
  }

  bool send(double now_s, Request& request) {
    const double i = static_cast<double>(n_sent_);
    const auto length = [&](std::int64_t whole, double even) {
      return std::max<std::int64_t>(1, std::llround(static_cast<double>(whole) * (1 - load_.spread * fraction(i * even))));
    };
    request = {.arrival_s = now_s, .input_tokens = length(load_.input_tokens, kEvenInputs), .output_tokens = length(load_.output_tokens, kEvenOutputs)};
    if (load_.n_prompts > 0) request.prefix_hashes = {static_cast<std::uint64_t>(n_sent_ % load_.n_prompts)};
    ++n_sent_;
    return true;
  }

  const ClosedLoopLoad& load_;
  double step_s_, company_until_s_ = -1, waited_s_ = 0, n_followed_ = 0;
  std::int64_t n_requests_, n_sent_ = 0;
};

/// Means over requests, of the first wave and of all later ones.
class Means final : public RequestSink {
 public:
  explicit Means(const ClosedLoopLoad& load) : load_(load) {}

  void take(const RequestRecord& r) override {
    if (r.rejected || r.number < load_.n_warm_up) return;
    Wave& wave = r.number < load_.n_warm_up + load_.concurrency ? first_ : later_;
    const double first_s = std::max(r.first_token_s, r.decode_start_s);
    ++wave.n;
    wave.ttft_s += first_s - r.arrival_s;
    if (r.output_tokens > 1) wave.tpot_s += (r.end_s - first_s) / static_cast<double>(r.output_tokens - 1);
    tokens += static_cast<double>(r.output_tokens), contexts += static_cast<double>(r.input_tokens) + static_cast<double>(r.output_tokens) / 2;
  }
  double n() const { return first_.n + later_.n; }
  /// \param wait_s of requests of later waves until the engine takes them in
  double ttft_s(double wait_s) const { return mean(&Wave::ttft_s) + (later_.n > 0 ? (1 - 1 / load_.n_waves) * wait_s : 0); }
  double tpot_s() const { return mean(&Wave::tpot_s); }
  double tokens = 0, contexts = 0;

 private:
  struct Wave {
    double n = 0, ttft_s = 0, tpot_s = 0;
  };
  double mean(double Wave::*sum) const {
    if (later_.n == 0) return first_.*sum / first_.n;
    const double share = 1 / load_.n_waves;
    return share * (first_.*sum / first_.n) + (1 - share) * (later_.*sum / later_.n);
  }

  const ClosedLoopLoad& load_;
  Wave first_, later_;
};

/// Of a prompt that comes again all but its last block is found, under one hash.
std::int64_t known_tokens(const EngineSettings& engine, const ClosedLoopLoad& load) {
  return load.n_prompts > 0 ? std::max<std::int64_t>(0, load.input_tokens - engine.kv_block_tokens) : 0;
}

GroupModel group_of(const LoopWorkers& workers, Role role, IterationCosts& costs, const ClosedLoopLoad& load) {
  const ReplicaPlan& plan = workers.model.plan();
  GroupModel group{.costs = &costs,
                   .shape = {.engine = workers.engine,
                             .n_kv_blocks = workers.memory.n_kv_blocks,
                             .n_stages = plan.micro_batches(),
                             .prefix_tokens = known_tokens(workers.engine, load),
                             .role = role,
                             .kv_block_size = workers.memory.kv_per_token * static_cast<double>(workers.engine.kv_block_tokens),
                             .n_accelerators = plan.n_accelerators(),
                             .n_groups = plan.data_parallel},
                   .transfer_bandwidth = {},
                   .transfer_latency = {},
                   .kv_per_token = {}};
  group.shape.engine.max_batched_tokens *= plan.data_parallel;
  return group;
}

struct Worker {
  const LoopWorkers& workers;
  Role role;
};

ClosedLoopOutcome run(const std::vector<Worker>& kinds, DataSize cache_per_token, Bandwidth transfer, const ClosedLoopLoad& load) {
  Deployment deployment;
  deployment.groups.clear();
  std::vector<std::unique_ptr<TabulatedCosts>> costs;
  std::vector<GroupModel> groups;
  ServingOutcome served;
  for (const auto& [workers, role] : kinds) {
    const SchedulerSettings& scheduler = workers.engine.scheduler;
    costs.push_back(std::make_unique<TabulatedCosts>(workers.model, scheduler.draft_tokens, scheduler.draft_cost));
    groups.push_back(group_of(workers, role, *costs.back(), load));
    groups.back().transfer_bandwidth = transfer / static_cast<double>(workers.model.plan().n_accelerators());
    groups.back().kv_per_token = cache_per_token;
    deployment.groups.push_back({.engine = workers.engine, .n_replicas = workers.n, .role = role});
    served.groups.emplace_back();
  }
  engine::BareLoop loop;
  const std::int64_t n_each = std::max<std::int64_t>(1, load.concurrency / kinds.back().workers.n);
  LoadGenerator generator(load, costs.back()->decode_steps(n_each, n_each * (load.input_tokens + load.output_tokens / 2), 1).time_s);
  Means means(load);
  DeploymentRun(loop, deployment, groups, generator, RandomStream(1, "closed loop"), means, served).run();

  ClosedLoopOutcome out;
  double energy_j = 0;
  for (std::size_t i = 0; i < served.replicas.size(); ++i) {
    const ReplicaTotals& totals = served.replicas[i];
    energy_j += totals.cost.energy_j * static_cast<double>(groups[served.replica_groups[i]].shape.n_accelerators);
    out.batch += totals.sequence_seconds / served.end_s;
    out.cost += totals.cost;
  }
  out.time_to_first_token = means.ttft_s(generator.mean_wait_s()) * second;
  out.time_per_output_token = means.tpot_s() * second;
  out.output_rate = means.tokens / served.end_s * token / second;
  out.energy_per_output_token = energy_j / means.tokens * joule;
  const double n_decoding = std::max(1.0, served.replicas.back().sequence_seconds / served.end_s);
  const auto n = static_cast<std::int64_t>(n_decoding);
  out.step_time = costs.back()->decode_steps(n, static_cast<std::int64_t>(static_cast<double>(n) * means.contexts / means.n()), 1).time_s * second;
  return out;
}

std::string too_long(const LoopWorkers& workers, const ClosedLoopLoad& load) {
  if (!workers.memory.infeasible.empty()) return workers.memory.infeasible;
  const std::int64_t blocks = workers.memory.n_kv_blocks / workers.model.plan().data_parallel;
  const auto cache = static_cast<std::int64_t>(static_cast<double>(blocks * workers.engine.kv_block_tokens) * (1 - workers.engine.kv_watermark));
  if (cache >= load.input_tokens + load.output_tokens) return {};
  return fmt::format("a request of {} + {} tokens is longer than the KV cache of {} tokens", load.input_tokens, load.output_tokens, cache);
}

}  // namespace

ClosedLoopOutcome closed_loop(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const ClosedLoopLoad& load) {
  const LoopWorkers workers{model, engine, memory};
  if (std::string why = too_long(workers, load); !why.empty()) return {.infeasible = std::move(why)};
  return run({{workers, Role::mixed}}, {}, {}, load);
}

ClosedLoopOutcome disaggregated_loop(const LoopWorkers& prefill, const LoopWorkers& decode, DataSize cache_per_token, Bandwidth transfer,
                                     const ClosedLoopLoad& load) {
  for (const LoopWorkers* workers : {&prefill, &decode})
    if (std::string why = too_long(*workers, load); !why.empty()) return {.infeasible = std::move(why)};
  return run({{prefill, Role::prefill}, {decode, Role::decode}}, cache_per_token, transfer, load);
}

}  // namespace waferwatt::serving
