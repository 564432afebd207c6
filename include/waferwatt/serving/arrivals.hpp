// SPDX-License-Identifier: Apache-2.0
#pragma once
// When requests arrive: processes with a given mean rate.
#include "waferwatt/core/random.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::serving {

/// poisson: independent; gamma: gaps with a given spread; markov_modulated: calm and bursts by turns; diurnal: a rate
/// that swings like a cosine.
enum class ArrivalProcess { poisson, gamma, markov_modulated, diurnal };

struct Arrivals {
  ArrivalProcess process = ArrivalProcess::poisson;
  double gap_variation = 1;          ///< gamma: standard deviation of gaps over their mean
  double burst_factor = 5;           ///< markov_modulated: rate in a burst over that in calm
  double burst_share = 0.1;          ///< of time
  Time burst_length = 30 * second;   ///< mean
  double swing = 0.5;                ///< diurnal: of the rate around its mean
  Time period = day, peak = 0.5 * day;

  static const io::Record<Arrivals>& record();
};

/// The arrivals of a process one after the other. Rates only stretch time: the same stream at twice the rate gives
/// the same arrivals in half the time.
class ArrivalClock {
 public:
  ArrivalClock(const Arrivals& arrivals, Frequency rate, const RandomStream& random);
  double next();

 private:
  double next_modulated();
  double next_diurnal();

  Arrivals arrivals_;
  double mean_gap_s_;
  RandomStream gaps_, states_;
  double now_s_ = 0, state_ends_s_ = 0;
  bool in_burst_ = true;
};

}  // namespace waferwatt::serving

namespace waferwatt::io {
template <>
struct EnumTexts<serving::ArrivalProcess> {
  static constexpr std::array values{std::pair{serving::ArrivalProcess::poisson, "poisson"},
                                     std::pair{serving::ArrivalProcess::gamma, "gamma"},
                                     std::pair{serving::ArrivalProcess::markov_modulated, "markov-modulated"},
                                     std::pair{serving::ArrivalProcess::diurnal, "diurnal"}};
};
}  // namespace waferwatt::io
