// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a chunk or a stage holds of the model: stages that hold the same take the same time and the same states.
#include "waferwatt/training/plan.hpp"

namespace waferwatt::training {

/// Layers, and whether the embedding and the head are among them. Layers that predict further tokens go with the head.
struct Composition {
  std::int64_t dense = 0, expert = 0;
  std::int64_t embedding = 0, head = 0;

  std::int64_t n_layers() const { return dense + expert; }
  Composition& operator+=(const Composition& other) {
    dense += other.dense, expert += other.expert, embedding += other.embedding, head += other.head;
    return *this;
  }
  friend bool operator==(const Composition&, const Composition&) = default;
};

Composition composition_of_chunk(const catalog::LanguageModel&, const Plan&, std::int64_t chunk);
Composition composition_of_stage(const catalog::LanguageModel&, const Plan&, std::int64_t stage);

/// How often each part is passed: each layer that predicts a further token has the head once more.
struct PartCounts {
  double dense, expert, embedding, head;
};
PartCounts part_counts(const catalog::LanguageModel&, const Plan&, const Composition&);

/// Parameters that one accelerator holds of it.
StageParameters parameters_of(const catalog::LanguageModel&, const Plan&, const Composition&);

}  // namespace waferwatt::training
