// SPDX-License-Identifier: Apache-2.0
#pragma once
// The pipeline of one iteration as a timeline: every pass of every micro-batch on every stage, in the order
// of the schedule, each as early as the stage and the passes it waits for allow.
//
// GPipe, 1F1B (PipeDream-flush) and interleaved schedules have a fixed order (Narayanan et al. 2021, arXiv
// 2104.04473). ZB-H1 and ZB-V (Qi et al. 2024, arXiv 2401.10241) and DualPipe (DeepSeek-V3, arXiv
// 2412.19437) part the backward pass into that of inputs, which the stage before waits for, and that of
// weights, which fills gaps; their order is found stage by stage: inputs' gradients first, then forward
// passes as memory allows, then weights' gradients; with sends and without, whichever is the faster with them.
#include "waferwatt/training/plan.hpp"

namespace waferwatt::training {

/// Times of one chunk's passes for one micro-batch, communication that stops the stage included.
struct ChunkTimes {
  Time forward, backward_input, backward_weight;
};

enum class Pass { forward, backward, backward_weight };

struct Task {
  Pass pass = Pass::forward;
  std::int32_t stage = 0, chunk = 0, micro_batch = 0;
  std::int32_t waits_for = -1;  ///< task whose end set the start; -1: none
  bool waits_for_send = false;  ///< it was on another stage
  Time start, end;
};

struct Timeline {
  std::vector<Task> tasks;        ///< in order of their stages' work
  std::vector<Time> busy;         ///< of each stage
  std::vector<double> in_flight;  ///< most chunks' activations held at once, by stage
  Time length;

  /// Indices of the tasks that set the length, first to last.
  std::vector<std::size_t> critical_path() const;
  /// The stage that works most, then the sum of busy and bubble is the length.
  std::size_t pacing_stage() const;
};

/// \param chunks of all stages in the order a micro-batch passes them
/// \param send from one stage to the next
/// \param slowdown of each stage: stragglers; empty: none
/// \pre problems(plan, ...) is empty
Timeline timeline(const Plan&, const std::vector<ChunkTimes>& chunks, Time send, const std::vector<double>& slowdown = {});

/// The length of timeline() with equal chunks, in closed form, f, b and w being the passes of a stage, c a send:
///   GPipe, 1F1B   (m + p - 1)(f + b + w) + 2 (p - 1) c
///   interleaved   m (f + b + w) + (p - 1)(f + b + w)/v + 2 (p v - 1) c   (sends that wait are in the first pass)
///   ZB-H1         m (f + b + w) + (p - 1)(f + b - w)       for w <= b, f (Qi et al., table 2, without sends)
///   ZB-V          m (f + b + w) + (p - 1) f min(1, m/2p) + max(0, (p + (m - 1)/2)(f + b) - m (f + b + w))
///   DualPipe      m (f + b + w) + (p/2 - 1)(f + b) min(1, m/2p) + max(0, (p + m/2 - 1)(f + b) - m (f + b + w))
/// The last three are near: the timeline decides. The last term is what one micro-batch's way takes where there are few.
Time closed_form_length(const Plan&, const ChunkTimes& stage, Time send);

}  // namespace waferwatt::training
