// SPDX-License-Identifier: Apache-2.0
// What a layer sends between accelerators: sums of tensor-parallel ranks, tokens to their experts and back.
#include <algorithm>
#include <cmath>

#include "layer_operators.hpp"

namespace waferwatt::serving {
namespace {

// Up to so many tokens a rank, kernels of low latency send every token straight to its experts; their buffers hold no more.
constexpr double kLowLatencyTokens = 512;
// Kernels that exchange long prompts' tokens hold so many multiprocessors as long as they run (DeepEP's default).
constexpr double kExchangeMultiprocessors = 20, kMultiprocessors = 132;
/// Domains with more accelerators span nodes.
constexpr std::int64_t kNode = 8;
constexpr const char *kLowLatency = "deepep low-latency", *kNormal = "deepep normal 20 SM";

/// Of so many places, those that hold one of a token's k experts, in the mean.
double places_met(double places, double k) { return places * (1 - std::pow(1 - 1 / places, k)); }

}  // namespace

Time LayerOperators::all_reduce_time(DataSize size) const {
  if (tensor_ <= 1) return Time{};
  const network::Group group = network_.group(plan_.tensor_parallel);
  const Time reduce = network_.all_reduce_time(group, size);
  if (group.spans_domains()) return reduce;
  // Engines reduce small messages with kernels of their own, in one step.
  const Time own = network_.measured() ? network_.all_reduce_time(group, size, all_reduce_library_) : network_.send_time(false, (tensor_ - 1) * size);
  return std::min(reduce, own);
}

// Tokens of a data-parallel group go to the ranks of their experts and come back, or everyone gets all tokens and
// keeps its part of the sums: what is faster.
LayerOperators::Exchange LayerOperators::dispatch_and_combine(double n_tokens) const {
  const network::Group group = network_.group(plan_.n_ranks());
  const DataSize own = n_tokens * hidden_ * kActivationBytes * byte;
  const DataSize gathered = own * static_cast<double>(plan_.data_parallel);
  const auto held = [this](Time time) { return Way{time, time * multiprocessors_held()}; };
  const Exchange all{held(network_.all_gather_time(group, gathered)), held(network_.reduce_scatter_time(group, gathered))};
  if (!plan_.expert_parallel || plan_.expert_tensor_parallel > 1) return all;
  if (exchanges_by_deepep_) {
    const Exchange own_kernels = deepep(n_tokens / tensor_, group);
    return own_kernels.time() < all.time() ? own_kernels : all;
  }
  const double k = as_double(model_.moe->experts_per_token);
  // TensorRT-LLM's condition (enable_alltoall of its fused experts, supports_mnnvl).
  if (gathers_tokens_ && (network_.domain_size() <= kNode || ranks_ <= k)) return all;
  const double bytes = std::max(1.0, catalog::size_of(plan_.experts().format).in(byte));
  const DataSize copy = n_tokens / tensor_ * hidden_ * byte;
  const bool by_node = group.spans_domains() && n_tokens / tensor_ > kLowLatencyTokens;
  const Exchange straight{held(exchange_time(group, copy * bytes, k, by_node)), held(exchange_time(group, copy * kActivationBytes, k, by_node))};
  return straight.time() < all.time() ? straight : all;
}

double LayerOperators::multiprocessors_held() const {
  const auto& n_sm = operators_.accelerator().n_sm;
  return std::min(1.0, kExchangeMultiprocessors / (n_sm ? as_double(*n_sm) : kMultiprocessors));
}

// Inside a domain as measured there. Across domains kernels of low latency send and receive for as long as they take
// where nothing else lies between (measured in a domain, whose links they do not wait for here), the rest is flight.
LayerOperators::Exchange LayerOperators::deepep(double n_tokens, network::Group group) const {
  const bool low_latency = n_tokens <= kLowLatencyTokens;
  const double k = as_double(model_.moe->experts_per_token), narrow = std::max(1.0, catalog::size_of(plan_.experts().format).in(byte));
  const DataSize copy = n_tokens * hidden_ * byte;
  const DataSize numbers = copy * (low_latency ? k : places_met(ranks_, k));
  const auto& measured = network_.measured();
  const auto in_domain = [&](std::string_view way, double links) -> std::optional<Time> {
    const std::string_view library = low_latency ? kLowLatency : kNormal;
    const std::int64_t most = measured ? measured->most_ranks(way, library) : 0;
    if (most == 0) return std::nullopt;
    return measured->time(way, library, std::min(most, group.n_ranks), numbers * links);
  };
  const auto one_way = [&](std::string_view way, double number_bytes) -> Way {
    if (group.spans_domains()) {
      const Time own = low_latency ? in_domain(way, measured ? measured->bandwidth_ratio() : 1).value_or(network_.launch()) : Time{};
      const Time time = std::max(own, exchange_time(group, copy * number_bytes, k, !low_latency));
      return {time, low_latency ? own : time * multiprocessors_held()};
    }
    const Time time = in_domain(way, 1).value_or(exchange_time(group, copy * number_bytes, k, false));
    return {time, low_latency ? time : time * multiprocessors_held()};
  };
  return {one_way("dispatch", narrow), one_way("combine", kActivationBytes)};
}

// Every token to the ranks of its k experts: straight, or by node: one copy to each, which hands it on inside.
Time LayerOperators::exchange_time(network::Group group, DataSize copy, double k, bool by_node) const {
  const Time straight = network_.all_to_all_time(group, copy * places_met(ranks_, k));
  if (!by_node) return straight;
  const network::Group node = network_.group(group.per_domain);
  const double n_nodes = ranks_ / static_cast<double>(group.per_domain);
  const Time handed_on = std::max(network_.all_to_all_time(group, copy * places_met(n_nodes, k)), network_.all_to_all_time(node, copy * places_met(ranks_, k)));
  return std::min(straight, handed_on + network_.launch());
}

}  // namespace waferwatt::serving
