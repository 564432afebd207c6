// SPDX-License-Identifier: Apache-2.0
#pragma once
// Chunks of a plan with the time of their passes, and how long the schedule makes of them.
#include "layer_parts.hpp"

namespace waferwatt::training {

struct Chunk {
  Composition holds;
  ChunkTimes times;  ///< with all traffic
  Time gather;       ///< ZeRO-2 and 3: what gathering and scattering add to the passes
  Time host;         ///< what fetching weights from the host adds to them
};

/// In the order a micro-batch passes them.
std::vector<Chunk> chunks_of(const catalog::LanguageModel&, const Plan&, const Machine&, const LayerParts&);
std::vector<ChunkTimes> times_of(const std::vector<Chunk>&);

/// One send of a micro-batch between two stages, each tensor-parallel rank with its part.
Time send_time(const catalog::LanguageModel&, const Plan&, const Machine&);

/// The schedule of a plan, and the stage that paces it.
struct Pace {
  Time length, length_without_sends;
  std::int64_t stage = 0;
  Time busy;
  Time least;  ///< closed form: no timeline of the plan is shorter
};
/// \param closed_form the schedule's formula in place of its timeline
Pace pace_of(const Plan&, const std::vector<Chunk>&, Time send, bool closed_form, const std::vector<double>& slowdown);

}  // namespace waferwatt::training
