// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which of a few participants comes first.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace waferwatt::training {

/// One time for each participant and the participant of the earliest, the first of several: a tournament, of which a change plays the
/// matches of one participant again.
class Earliest {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  /// All at time 0.
  explicit Earliest(std::int32_t n_participants) {
    while (n_leaves_ < static_cast<std::size_t>(n_participants)) n_leaves_ *= 2;
    at_.assign(n_leaves_, kNever);
    winner_.resize(2 * n_leaves_);
    for (std::size_t i = 0; i < n_leaves_; ++i) winner_[n_leaves_ + i] = static_cast<std::int32_t>(i);
    std::fill_n(at_.begin(), n_participants, 0.0);
    for (std::size_t node = n_leaves_ - 1; node > 0; --node) play(node);
  }

  std::int32_t first() const { return winner_[1]; }
  double at(std::int32_t participant) const { return at_[static_cast<std::size_t>(participant)]; }
  void set(std::int32_t participant, double at) {
    at_[static_cast<std::size_t>(participant)] = at;
    for (std::size_t node = (n_leaves_ + static_cast<std::size_t>(participant)) / 2; node > 0; node /= 2) play(node);
  }

 private:
  void play(std::size_t node) {
    const std::int32_t left = winner_[2 * node], right = winner_[2 * node + 1];
    winner_[node] = at(right) < at(left) ? right : left;
  }

  std::size_t n_leaves_ = 1;
  std::vector<double> at_;
  std::vector<std::int32_t> winner_;  ///< of each match, the final first; the last n_leaves_ are the participants
};

}  // namespace waferwatt::training
