// SPDX-License-Identifier: Apache-2.0
#pragma once
// The command line of waferwatt-calibrate.
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/sweep.hpp"

namespace waferwatt::calibration {

struct Arguments {
  Profile profile = Profile::full;
  std::string output = "calibration.json";
  std::uint64_t seed = 1;
  int device = 0;
  double time_limit_s = 0;        ///< 0: the profile's own
  std::vector<std::string> only;  ///< operators; empty: all
  bool help = false, list = false, force = false;

  /// Seconds after which no further point is started: the profile's promise less room for the end.
  double deadline_s() const;
};

/// \throws core::InputError with what to write instead
Arguments parse_arguments(const std::vector<std::string>& words);

std::string usage();

/// The points of a profile, counted by operator and format: what a run would do.
std::string plan_text(const Arguments& arguments);

/// The points that these arguments ask for.
std::vector<Point> wanted_points(const Arguments& arguments);

}  // namespace waferwatt::calibration
