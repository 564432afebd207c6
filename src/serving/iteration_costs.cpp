// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/iteration_costs.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::serving {
namespace {

// Costs bend on the scale of an octave of context: nodes this dense follow them. The offset makes room for contexts
// near zero.
constexpr double kNodesPerOctave = 24, kOffset = 64;
constexpr IterationCost kUnknown{.time_s = -1};

double context_of(std::size_t node) {
  return kOffset * (std::exp2(static_cast<double>(node) / kNodesPerOctave) - 1);
}

// Contexts of the nodes up to 2^40 tokens.
const std::vector<double>& nodes() {
  static const std::vector<double> contexts = [] {
    std::vector<double> all;
    for (std::size_t i = 0; i <= 34 * static_cast<std::size_t>(kNodesPerOctave); ++i) all.push_back(context_of(i));
    return all;
  }();
  return contexts;
}

}  // namespace

IterationCost IterationCosts::decode_steps(std::int64_t n_decode, std::int64_t decode_context, std::int64_t n_steps) {
  IterationCost sum;
  for (std::int64_t i = 0; i < n_steps; ++i)
    sum += cost({.n_decode = n_decode, .decode_context = decode_context + i * n_decode}, {});
  return sum;
}

TabulatedCosts::TabulatedCosts(IterationModel& model, std::int64_t draft_tokens, double draft_cost)
    : model_(model), draft_tokens_(draft_tokens), draft_cost_(draft_cost) {}

// Verifying drafts is decoding more tokens of each sequence, which read its cache together.
IterationCost TabulatedCosts::priced(IterationLoad load) {
  if (draft_tokens_ == 0 || load.n_decode == 0) return model_.pass(load);
  IterationCost proposing =
      model_.pass({.n_decode = load.n_decode, .decode_context = load.decode_context}) * (draft_cost_ * static_cast<double>(draft_tokens_));
  load.tokens_each = 1 + draft_tokens_;
  proposing += model_.pass(load);
  return proposing;
}

IterationCost TabulatedCosts::cost(const IterationLoad& load, std::span<const PrefillChunk>) {
  if (load.prefill_tokens == 0) return decode_steps(load.n_decode, load.decode_context, 1);
  return priced(load);
}

const IterationCost& TabulatedCosts::node(std::int64_t n_decode, Table& table, std::size_t index) {
  if (index >= table.size()) table.resize(std::max(index + 1, 2 * table.size()), kUnknown);
  IterationCost& cost = table[index];
  if (cost.time_s < 0) {
    const double total = std::max(1.0, nodes()[index]) * static_cast<double>(n_decode);
    cost = priced({.n_decode = n_decode, .decode_context = std::llround(total)});
  }
  return cost;
}

IterationCost TabulatedCosts::decode_steps(std::int64_t n_decode, std::int64_t decode_context, std::int64_t n_steps) {
  if (n_decode == 0 || n_steps == 0) return {};
  if (static_cast<std::size_t>(n_decode) >= tables_.size()) tables_.resize(static_cast<std::size_t>(n_decode) + 1);
  Table& table = tables_[static_cast<std::size_t>(n_decode)];
  const double first = static_cast<double>(decode_context) / static_cast<double>(n_decode);
  auto below = static_cast<std::size_t>(kNodesPerOctave * std::log2(1 + first / kOffset));
  while (nodes()[below + 1] <= first) ++below;  // where the logarithm was rounded down
  IterationCost sum;
  for (std::int64_t done = 0; done < n_steps; ++below) {
    const double mean = first + static_cast<double>(done), low = nodes()[below], high = nodes()[below + 1];
    const auto room = static_cast<std::int64_t>(std::ceil(high - mean));  // steps before the next node
    if (room <= 0) continue;
    const double n = static_cast<double>(std::min(room, n_steps - done));
    const double weight = (mean + (n - 1) / 2 - low) / (high - low);
    node(n_decode, table, below + 1);  // may move the table: the reference to the lower node comes after
    const IterationCost& lower = node(n_decode, table, below);
    sum += lower * (n * (1 - weight));
    sum += table[below + 1] * (n * weight);
    done += static_cast<std::int64_t>(n);
  }
  return sum;
}

}  // namespace waferwatt::serving
