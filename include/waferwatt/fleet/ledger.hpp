// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every accelerator-hour of a fleet is in exactly one account.
#include <array>
#include <cstddef>
#include <numeric>

namespace waferwatt::fleet {

enum class Use {
  awaiting_site,   ///< delivered, no hall
  awaiting_power,  ///< in a hall that is not energised
  capped,          ///< slowed or left empty by a power limit
  failed,          ///< under repair
  idle,            ///< free, or held by a deployment without requests
  fragmented,      ///< free and asked for, but not where a gang fits
  useful,
  bubble,
  exposed_communication,
  memory_bound,
  checkpoint,
  lost_work,  ///< done again after a failure, and restarting
};
inline constexpr std::size_t kNUses = 12;
inline constexpr std::array<const char*, kNUses> kUseNames{"awaiting site", "awaiting power", "capped",  "failed", "idle",         "fragmented",
                                                           "useful",        "bubble",         "exposed communication", "memory bound", "checkpoint", "lost work"};

/// Why work is lost: done again, or waiting for its job to go on.
enum class LossCause { hardware_failure, software_failure, preemption, resize };
inline constexpr std::array<const char*, 4> kLossCauseNames{"hardware failure", "software failure", "preemption", "resize"};

/// Accelerator-seconds by use.
class Ledger {
 public:
  void add(Use use, double accelerator_s) { seconds_[static_cast<std::size_t>(use)] += accelerator_s; }
  double at(Use use) const { return seconds_[static_cast<std::size_t>(use)]; }
  double total() const { return std::accumulate(seconds_.begin(), seconds_.end(), 0.0); }
  Ledger& operator+=(const Ledger& other) {
    for (std::size_t i = 0; i < kNUses; ++i) seconds_[i] += other.seconds_[i];
    return *this;
  }

 private:
  std::array<double, kNUses> seconds_{};
};

}  // namespace waferwatt::fleet
