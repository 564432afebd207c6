// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an iteration moves between the ranks that hold the same parameters, and the optimizer's work on them.
#include "composition.hpp"
#include "waferwatt/training/step.hpp"

namespace waferwatt::training {

/// Gradient reduction and, where states are spread, the gathering of new weights, once an iteration: what the passes have
/// not moved.
struct DataTraffic {
  Time gradients, weights;
  Time embeddings;  ///< gradients of tied embeddings that the first and the last stage each have a part of
};
DataTraffic data_traffic(const catalog::LanguageModel&, const StageParameters&, const Plan&, const Machine&, std::int64_t stage);

/// What every micro-batch moves. ZeRO-3: weights are gathered for each pass; ZeRO-2 and 3: gradients are scattered after it
/// within the partition group, and summed over the groups where they do so after each micro-batch.
struct PassTraffic {
  Time forward, backward;
};
PassTraffic pass_traffic(const StageParameters&, const Plan&, const Machine&);

/// What is kept on the host: each pass fetches its weights (of ZeRO-3 a rank's own part); a forward pass sends activations, that
/// the backward pass fetches. The other direction of the link carries gradients meanwhile, which are no more.
struct HostTraffic {
  Time forward, backward;
};
HostTraffic host_traffic(const catalog::LanguageModel&, const Composition&, const StageParameters&, const Plan&);

Time optimizer_time(const StageParameters&, const Plan&, const cost::OperatorModel&);

}  // namespace waferwatt::training
