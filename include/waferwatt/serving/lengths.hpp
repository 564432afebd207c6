// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many tokens go into a request and come out of it.
#include "waferwatt/core/random.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::serving {

/// Tokens of one side of a request: lognormal around a median, rounded, inside bounds (a sigma of 0 gives the median
/// always); or between the points of an empirical distribution.
struct LengthDistribution {
  double median = 1, sigma = 0;
  std::int64_t minimum = 1, maximum = 100'000'000;
  std::vector<std::vector<double>> quantiles;  ///< [fraction, tokens] from fraction 0 to 1, instead of the median

  std::int64_t sample(RandomStream& random) const;
  static const io::Record<LengthDistribution>& record();
};

struct RequestLengths {
  LengthDistribution input, output;
};

/// Lengths of a published trace: "azure-2023-conversation", "azure-2023-code", "mooncake-conversation",
/// "sharegpt-long-answers".
/// \returns nothing for an unknown name
std::optional<RequestLengths> length_preset(std::string_view name);
std::vector<std::string> length_preset_names();

}  // namespace waferwatt::serving
