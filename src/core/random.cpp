// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/random.hpp"

#include <bit>
#include <cmath>
#include <numbers>

namespace waferwatt::core {
namespace {

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// FNV-1a, then mixed with the seed so that equal names under other seeds are unrelated.
std::uint64_t stream_key(std::uint64_t seed, std::string_view name, std::uint64_t index) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  std::uint64_t state = seed;
  state = splitmix64(state) ^ hash;
  state = splitmix64(state) ^ index;
  return splitmix64(state);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::string_view name) : RandomStream(stream_key(seed, name, 0)) {}

RandomStream::RandomStream(std::uint64_t key) : key_(key) {
  std::uint64_t state = key;
  for (auto& word : state_) word = splitmix64(state);
}

RandomStream RandomStream::substream(std::string_view name, std::uint64_t index) const {
  return RandomStream(stream_key(key_, name, index));
}

// Blackman, Vigna: "Scrambled linear pseudorandom number generators" (2021), xoshiro256**.
std::uint64_t RandomStream::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double RandomStream::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double RandomStream::uniform(double low, double high) { return low + (high - low) * uniform(); }

std::uint64_t RandomStream::below(std::uint64_t bound) {
  const std::uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const std::uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

double RandomStream::exponential(double mean) { return -mean * std::log1p(-uniform()); }

double RandomStream::normal(double mean, double standard_deviation) {
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
  return mean + standard_deviation * radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double RandomStream::lognormal(double median, double sigma) { return median * std::exp(normal(0.0, sigma)); }

// Marsaglia, Tsang: "A simple method for generating gamma variables" (2000).
double RandomStream::gamma(double shape, double scale) {
  if (shape < 1.0) return gamma(shape + 1.0, scale) * std::pow(1.0 - uniform(), 1.0 / shape);
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal(0.0, 1.0);
    const double v = std::pow(1.0 + c * x, 3);
    if (v <= 0.0) continue;
    const double u = 1.0 - uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * scale;
  }
}

double RandomStream::triangular(double low, double mode, double high) {
  if (high <= low) return low;
  const double u = uniform();
  const double split = (mode - low) / (high - low);
  return u < split ? low + std::sqrt(u * (high - low) * (mode - low))
                   : high - std::sqrt((1 - u) * (high - low) * (high - mode));
}

}  // namespace waferwatt::core
