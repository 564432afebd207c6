// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/routing.hpp"

#include <algorithm>

namespace waferwatt::serving {
namespace {

template <class Key>
std::size_t least(const RoutingView& view, Key key) {
  std::size_t best = 0;
  auto least_key = key(*view.candidates[0]);
  for (std::size_t i = 1; i < view.candidates.size(); ++i)
    if (auto candidate = key(*view.candidates[i]); candidate < least_key) {
      least_key = candidate;
      best = i;
    }
  return best;
}

std::size_t round_robin(RoutingView& view, const RequestRecord&) { return view.n_routed % view.candidates.size(); }

std::size_t least_outstanding(RoutingView& view, const RequestRecord&) {
  return least(view, [](const Replica& r) { return r.n_outstanding(); });
}

std::size_t least_kv(RoutingView& view, const RequestRecord&) {
  return least(view, [&](Replica& r) {
    const double used = static_cast<double>(r.n_used_blocks_at(view.now_s)) / static_cast<double>(r.n_blocks());
    return std::pair{used, r.n_waiting()};
  });
}

std::size_t power_of_two(RoutingView& view, const RequestRecord&) {
  const std::size_t n = view.candidates.size();
  const auto one = static_cast<std::size_t>(view.random->below(n)), other = static_cast<std::size_t>(view.random->below(n));
  return view.candidates[other]->n_outstanding() < view.candidates[one]->n_outstanding() ? other : one;
}

// Tokens of prompts that come before the request's first token, its own included, less what the cache has.
std::int64_t prompt_tokens_before(const Replica& replica, const RequestRecord& request) {
  const std::int64_t cached = replica.n_cached_prefix(request) * replica.kv_cache().prefix_tokens();
  return replica.n_prompt_tokens_to_come() + std::max<std::int64_t>(1, request.input_tokens - cached);
}

std::size_t prefix_aware(RoutingView& view, const RequestRecord& request) {
  return least(view, [&](const Replica& r) {
    return std::pair{prompt_tokens_before(r, request), r.n_outstanding()};
  });
}

// How long those before it keep all places of the batch taken, at the mean time that requests have held one.
double wait_for_place_s(const Replica& replica, std::int64_t n) {
  const ReplicaTotals& totals = replica.totals();
  const std::int64_t places = replica.shape().engine.max_sequences;
  if (n <= places || totals.n_completed == 0) return 0;
  const double held_s = totals.sequence_seconds / static_cast<double>(totals.n_completed);
  return held_s * static_cast<double>(n - places) / static_cast<double>(places);
}

// Of those that are expected to keep the time per token, the one that answers first; else the one nearest to it.
std::size_t slo_aware(RoutingView& view, const RequestRecord& request) {
  const double ttft_s = view.level->time_to_first_token.in(second), tpot_s = view.level->time_per_output_token.in(second);
  return least(view, [&](Replica& r) {
    const std::int64_t n = r.n_outstanding() + 1;
    const std::int64_t held = r.n_used_blocks() * r.shape().engine.kv_block_tokens + request.input_tokens;
    const double step_s = r.model().decode_steps(n, std::max(n, held), 1).time_s;
    const std::int64_t budget = r.shape().engine.max_batched_tokens;
    const double whole = static_cast<double>(budget);
    const double prompt_s =
        r.model().cost({.n_chunks = 1, .prefill_tokens = budget, .prefill_work = whole * whole / 2}, {{PrefillChunk{budget, 0}}}).time_s;
    const double wait_s = step_s + wait_for_place_s(r, n) + static_cast<double>(prompt_tokens_before(r, request)) / whole * prompt_s;
    return std::max(wait_s / ttft_s, step_s / tpot_s) > 1 ? 1 + std::max(wait_s / ttft_s, step_s / tpot_s) : wait_s / ttft_s;
  });
}

struct Entry {
  Router router;
  std::size_t (*choose)(RoutingView&, const RequestRecord&);
};
constexpr Entry kTable[] = {{Router::round_robin, round_robin},   {Router::least_outstanding, least_outstanding},
                            {Router::least_kv, least_kv},         {Router::prefix_aware, prefix_aware},
                            {Router::power_of_two, power_of_two}, {Router::slo_aware, slo_aware}};

}  // namespace

std::size_t choose_replica(Router router, RoutingView& view, const RequestRecord& request) {
  const std::size_t chosen = std::ranges::find(kTable, router, &Entry::router)->choose(view, request);
  ++view.n_routed;
  return chosen;
}

}  // namespace waferwatt::serving
