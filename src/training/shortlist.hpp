// SPDX-License-Identifier: Apache-2.0
#pragma once
// Plans that may still be among the best, told by bounds on what their timelines will say, and the front of all.
#include <algorithm>
#include <cmath>

#include "waferwatt/training/search.hpp"

namespace waferwatt::training {

/// a is better in one of time, memory and energy, and no worse in the others.
bool dominates(const Candidate& a, const Candidate& b);

/// What counts of a candidate.
double value_of(const Candidate&, Objective);

/// A total order, so that threads do not change the result.
bool better(const Candidate& a, const Candidate& b, Objective);

/// A plan whose schedule was taken by its formula, and how short and how long its timeline can be.
struct Draft {
  Candidate candidate;
  Time least, most;

  /// Energy and cost are a fixed part and one in proportion to time: they change no more than time does.
  double least_value(Objective objective) const { return bounded(objective, least); }
  double most_value(Objective objective) const { return bounded(objective, most); }

 private:
  double bounded(Objective objective, Time time) const {
    const double value = value_of(candidate, objective);
    return objective == Objective::memory ? value : value * (time / candidate.time);
  }
};

class Shortlist {
 public:
  Shortlist(Objective objective, std::size_t keep) : objective_(objective), keep_(keep) {}

  /// True if a plan of at least this value and time and exactly this memory can neither be among the best nor on the front.
  bool excludes(double least_value, Time least, DataSize memory) const;
  void add(Draft);
  void add(const Shortlist& other);

  /// Those that can be among the best, the most promising first.
  std::vector<Draft> promising() const;
  /// The front without plans that had been left out if better ones had been found first: it does not depend on the order, nor
  /// on the threads.
  std::vector<Candidate> front() const;

  /// A plan left out because it needs this much.
  void leave_out(DataSize memory) {
    least_too_large = n_too_large == 0 ? memory : std::min(least_too_large, memory);
    ++n_too_large;
  }

  std::size_t n_plans = 0, n_too_large = 0, n_bounded = 0;
  DataSize least_too_large;

 private:
  /// No plan above this value is among the best.
  double limit() const { return most_.size() < keep_ ? INFINITY : most_.front(); }
  void add_to_front(const Candidate&);

  Objective objective_;
  std::size_t keep_;
  std::vector<Draft> drafts_;
  std::vector<double> most_;  ///< heap of the smallest upper bounds
  std::vector<Candidate> front_;
};

}  // namespace waferwatt::training
