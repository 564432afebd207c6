// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a plan needs of each accelerator's memory.
//
//   states       weights 2, gradients 4, optimizer 12 bytes a parameter, spread by ZeRO
//   activations  of a layer by what it keeps (below), times the passes that a stage holds at once
//   buffers      logits (2 bytes, and as much again for their gradients; 6 before fused losses); the gradients that
//                flow through the layer at work, and its weights' gradients before they are added up, but those of
//                experts; ZeRO-3: two gathered layers
//   fragments    4 % of the above: reserved over allocated memory is 1.026 to 1.069 (43 runs on B200)
//   runtime      0.6 GB for context and libraries and 0.25 GB for each communicator
#include "waferwatt/training/plan.hpp"

namespace waferwatt::training {

/// Memory of one accelerator, by what it holds.
struct MemoryUse {
  DataSize weights;    ///< bf16; of ZeRO-3 this rank's share
  DataSize gradients;  ///< fp32
  DataSize optimizer;  ///< fp32 master weights and two moments
  DataSize activations;
  DataSize buffers;    ///< logits, gradients of the layer at work, gathered weights
  DataSize fragments;  ///< what the allocator holds but cannot use
  DataSize runtime;    ///< context of the accelerator, libraries, buffers of communicators
  DataSize host;       ///< what is offloaded to the host's memory, no part of the total
  std::int64_t stage = 0;

  DataSize states() const { return weights + gradients + optimizer; }
  /// What the framework counts as allocated, and as reserved.
  DataSize allocated() const { return states() + activations + buffers; }
  DataSize reserved() const { return allocated() + fragments; }
  DataSize total() const { return reserved() + runtime; }
  /// The parts with their names, in this order.
  std::vector<std::pair<std::string, DataSize>> parts() const;
};

/// Bytes that one layer keeps for the backward pass of one micro-batch on one accelerator
/// (Korthikanti et al. 2022, arXiv 2205.05198, equations 1 to 6, with the sizes of grouped-query heads,
/// gated feed-forward parts and experts in place of 4h). With two matrices of width 4h and as many
/// key-value heads as heads: none s b h (34 + 5 a s / h) / t, selective 34 s b h / t, full 2 s b h / t.
/// Fused attention keeps no scores; selective then means that gates and the up-projections of latent
/// attention are done again (DeepSeek-V3), and is the same as none where there are neither.
/// \pre context parallelism divides the sequence
DataSize layer_activations(const catalog::LanguageModel&, const Plan&, bool expert_layer, Recompute);

/// Micro-batches times chunks whose activations a stage holds at once, as a number of whole passes through the
/// stage's layers. GPipe m; 1F1B p - stage; interleaved (Narayanan et al. 2021) p + ((v - 1) p + p - 1 -
/// 2 stage)/v at most; ZB-H1 p; ZB-V p (Qi et al. 2024); DualPipe p + 1 (DeepSeek-V3, table 2).
double passes_in_flight(const Plan&, std::int64_t stage);

MemoryUse stage_memory(const catalog::LanguageModel&, const Plan&, std::int64_t stage);

/// The stage that needs most.
MemoryUse peak_memory(const catalog::LanguageModel&, const Plan&);

/// A legal plan that differs as little as possible and fits.
struct WayToFit {
  std::string changes;  ///< "micro_batch 1 and recompute full"
  Plan plan;
  MemoryUse memory;
};

/// Plans that fit a capacity with as few changed settings as possible, those with the least change of speed to be
/// expected first; empty when changing three settings at once does not do.
std::vector<WayToFit> ways_to_fit(const catalog::LanguageModel&, const Plan&, DataSize capacity);

/// The first of them as a sentence, "with micro_batch 1 it needs 61.0 GB", or how many accelerators it takes to
/// hold the states alone.
std::string way_to_fit(const catalog::LanguageModel&, const Plan&, DataSize capacity);

}  // namespace waferwatt::training
