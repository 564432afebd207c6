// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/arrivals.hpp"

#include <cmath>
#include <numbers>

namespace waferwatt::serving {

const io::Record<Arrivals>& Arrivals::record() {
  using A = Arrivals;
  static const auto record =
      io::Record<A>("arrivals", "When requests arrive, around a mean rate.")
          .optional("process", &A::process,
                    {.doc = "poisson: independent; gamma: gaps of a given spread; markov-modulated: calm and bursts by "
                            "turns; diurnal: a rate that swings like a cosine."})
          .optional("gap_variation", &A::gap_variation,
                    {.doc = "gamma: standard deviation of the gaps over their mean.", .above = 0.0, .at_most = 100.0})
          .optional("burst_factor", &A::burst_factor,
                    {.doc = "markov-modulated: rate in a burst over that in calm.", .at_least = 1.0, .at_most = 1e6})
          .optional("burst_share", &A::burst_share,
                    {.doc = "markov-modulated: share of time in bursts.", .above = 0.0, .at_most = 0.99})
          .optional("burst_length", &A::burst_length,
                    {.doc = "markov-modulated: mean length of a burst.", .above = 0 * second, .at_most = year})
          .optional("swing", &A::swing,
                    {.doc = "diurnal: swing of the rate around its mean.", .at_least = 0.0, .at_most = 1.0})
          .optional("period", &A::period, {.doc = "diurnal: of the swing.", .above = 0 * second, .at_most = year})
          .optional("peak", &A::peak,
                    {.doc = "diurnal: when the rate is highest, from the start.",
                     .at_least = 0 * second,
                     .at_most = year});
  return record;
}

ArrivalClock::ArrivalClock(const Arrivals& arrivals, Frequency rate, const RandomStream& random)
    : arrivals_(arrivals),
      mean_gap_s_(1 / rate.in(1.0 / second)),
      gaps_(random.substream("gaps")),
      states_(random.substream("states")) {}

double ArrivalClock::next() {
  switch (arrivals_.process) {
    case ArrivalProcess::poisson:
      return now_s_ += gaps_.exponential(mean_gap_s_);
    case ArrivalProcess::gamma: {
      const double shape = 1 / (arrivals_.gap_variation * arrivals_.gap_variation);
      return now_s_ += gaps_.gamma(shape, mean_gap_s_ / shape);
    }
    case ArrivalProcess::markov_modulated:
      return next_modulated();
    case ArrivalProcess::diurnal:
      break;
  }
  return next_diurnal();
}

// Gaps have no memory: at a change of state the rest is drawn anew.
double ArrivalClock::next_modulated() {
  const double share = arrivals_.burst_share, factor = arrivals_.burst_factor;
  const double calm_gap_s = mean_gap_s_ * (1 - share + share * factor);
  for (;;) {
    const double gap_s = gaps_.exponential(in_burst_ ? calm_gap_s / factor : calm_gap_s);
    if (now_s_ + gap_s < state_ends_s_) return now_s_ += gap_s;
    now_s_ = state_ends_s_;
    in_burst_ = !in_burst_;
    const double burst_s = arrivals_.burst_length.in(second);
    state_ends_s_ += states_.exponential(in_burst_ ? burst_s : burst_s * (1 - share) / share);
  }
}

// Arrivals at the highest rate, kept with the probability that the rate of their time has of it.
double ArrivalClock::next_diurnal() {
  const double highest = 1 + arrivals_.swing;
  for (;;) {
    now_s_ += gaps_.exponential(mean_gap_s_ / highest);
    const double phase = 2 * std::numbers::pi * (now_s_ - arrivals_.peak.in(second)) / arrivals_.period.in(second);
    if (states_.uniform() * highest < 1 + arrivals_.swing * std::cos(phase)) return now_s_;
  }
}

}  // namespace waferwatt::serving
