// SPDX-License-Identifier: Apache-2.0
#pragma once
// Deterministic named random streams. A stream depends on its seed and its name only, never
// on the order in which streams are made, so that adding one leaves the others unchanged.
#include <cstdint>
#include <string_view>

#include "waferwatt/core/vocabulary.hpp"

namespace waferwatt::core {

class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name);

  /// A stream of its own for one thing among many ("site 17").
  RandomStream substream(std::string_view name, std::uint64_t index = 0) const;

  std::uint64_t next();
  double uniform();                              ///< in [0, 1)
  double uniform(double low, double high);       ///< in [low, high)
  std::uint64_t below(std::uint64_t bound);      ///< in [0, bound), without bias; bound > 0
  double exponential(double mean);
  double normal(double mean, double standard_deviation);
  double lognormal(double median, double sigma);  ///< sigma of the logarithm
  double gamma(double shape, double scale);       ///< mean = shape * scale; shape > 0
  double triangular(double low, double mode, double high);

 private:
  explicit RandomStream(std::uint64_t key);
  std::uint64_t key_;       // identifies the stream; the seed of its substreams
  std::uint64_t state_[4];  // xoshiro256**
};

}  // namespace waferwatt::core
