// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the engine asks of a model of iterations: whole ones, and stretches of decodes in closed form.
#include <span>

#include "waferwatt/serving/iteration_model.hpp"

namespace waferwatt::serving {

/// Part of one prompt that an iteration works on.
struct PrefillChunk {
  std::int64_t new_tokens = 0;
  std::int64_t context = 0;  ///< tokens of the same prompt that are in the cache already
};

class IterationCosts {
 public:
  virtual ~IterationCosts() = default;

  /// Of a whole iteration. \param chunks the prompts in it one by one, for models to which sums are not enough
  virtual IterationCost cost(const IterationLoad& load, std::span<const PrefillChunk> chunks) = 0;

  /// Of `n_steps` iterations of decodes alone, together: each sequence's cache grows by a token from one to the
  /// next. \param decode_context of the first
  virtual IterationCost decode_steps(std::int64_t n_decode, std::int64_t decode_context, std::int64_t n_steps);

  /// What reading so much more from each accelerator's memory adds to an iteration.
  virtual IterationCost reading(DataSize) { return {}; }
};

/// An IterationModel's. Iterations of decodes alone are kept in tables by the number of sequences and nodes of mean
/// context, with straight lines between them, so that a stretch costs its steps times the cost at their middle.
class TabulatedCosts final : public IterationCosts {
 public:
  /// \param draft_tokens, draft_cost of speculative decoding: every decode is verified with so many more tokens
  explicit TabulatedCosts(IterationModel& model, std::int64_t draft_tokens = 0, double draft_cost = 0);

  IterationCost cost(const IterationLoad& load, std::span<const PrefillChunk> chunks) override;
  IterationCost decode_steps(std::int64_t n_decode, std::int64_t decode_context, std::int64_t n_steps) override;
  IterationCost reading(DataSize size) override { return model_.reading(size); }

 private:
  using Table = std::vector<IterationCost>;  // by node of mean context; time < 0: not known yet

  const IterationCost& node(std::int64_t n_decode, Table& table, std::size_t index);
  IterationCost priced(IterationLoad load);

  IterationModel& model_;
  std::int64_t draft_tokens_;
  double draft_cost_;
  std::vector<Table> tables_;  // by number of sequences
};

}  // namespace waferwatt::serving
