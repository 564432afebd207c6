// SPDX-License-Identifier: Apache-2.0
#pragma once
// Costs of a model's parts, kept between plans that share what they depend on.
#include <map>

#include "composition.hpp"
#include "layer_cost.hpp"

namespace waferwatt::training {

/// One micro-batch through one of each part.
struct LayerParts {
  PartCost dense, expert, embedding, head;

  PartCost sum(const PartCounts&) const;
};

/// Everything of a plan that a layer's cost depends on.
struct LayerKey {
  LayerGroups groups;
  std::int64_t micro_batch, sequence_length;
  Recompute recompute;
  NumberFormat format;
  ContextExchange exchange;
  GraphCapture capture;
  bool sequence_parallel, fused_attention, overlapped_dispatch, deduplicated_dispatch;
  double capacity_factor;
  std::optional<double> tensor_overlap, expert_overlap, context_overlap;

  friend auto operator<=>(const LayerKey&, const LayerKey&) = default;
};

class LayerPartsCache {
 public:
  LayerPartsCache(const catalog::LanguageModel& model, const Machine& machine) : model_(model), machine_(machine) {}

  /// Stays where it is as long as this lives.
  const LayerParts& of(const Plan& plan);

 private:
  LayerKey key_of(const Plan& plan);

  const catalog::LanguageModel& model_;
  const Machine& machine_;
  std::optional<std::pair<Parallelism, LayerGroups>> last_groups_;
  std::map<LayerKey, LayerParts> parts_;
  const std::pair<const LayerKey, LayerParts>* last_ = nullptr;
};

}  // namespace waferwatt::training
