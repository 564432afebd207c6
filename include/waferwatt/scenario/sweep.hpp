// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a sweep varies: key paths of the scenario and the values they take.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/core/random.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::scenario {

/// How axes join: every combination; the i-th values together; or points spread over all axes at once
/// (Latin hypercube).
enum class SweepMode { cartesian, zipped, sampled };

enum class SweepScale { linear, log };

/// What to do with points that break a rule of the scenario: refuse the sweep, or leave them out and say so.
enum class BadPoints { refuse, skip };

/// Values between two ends, both numbers or both quantities of one dimension.
struct SweepRange {
  double low = 0, high = 0;                    ///< in base units
  std::optional<core::Dimension> dimension;    ///< absent: plain numbers
  bool is_whole = false;                       ///< both ends are whole numbers, and so is everything between
  SweepScale scale = SweepScale::linear;
  std::int64_t steps = 0;                      ///< values at equal steps, ends included; 0: none given

  /// \param fraction 0 at low, 1 at high
  io::Value at(double fraction) const;
};

struct SweepAxis {
  std::string path;  ///< dotted: "parallel.tensor", "buyers.0.budget"
  std::vector<io::Value> values;
  std::optional<SweepRange> range;
  io::Value written;

  std::size_t n_values() const { return range ? static_cast<std::size_t>(range->steps) : values.size(); }
  io::Value value(std::size_t i) const;
};

/// In the order written.
struct SweepAxes {
  std::vector<SweepAxis> list;
};

struct Sweep {
  SweepAxes axes;
  SweepMode mode = SweepMode::cartesian;
  std::vector<std::string> names;                   ///< of the points, in their order; none: they are called by their values
  std::optional<std::int64_t> n_samples;            ///< of mode "sampled"
  /// The metric that the headline is about: "compute", or with dimensions "training_flop[owner=china;year=2028]". At most one of them.
  std::optional<std::string> about, minimise, maximise;
  BadPoints bad_points = BadPoints::refuse;

  static const io::Record<Sweep>& record();
};

inline constexpr std::size_t kMostSweepPoints = 100000;

std::size_t n_points(const Sweep& sweep);

/// One value for each axis and point: points in rows, the last axis fastest.
std::vector<std::vector<io::Value>> sweep_values(const Sweep& sweep, const core::RandomStream& random);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <>
struct EnumTexts<scenario::SweepMode> {
  static constexpr std::array values{std::pair{scenario::SweepMode::cartesian, "cartesian"},
                                     std::pair{scenario::SweepMode::zipped, "zipped"},
                                     std::pair{scenario::SweepMode::sampled, "sampled"}};
};
template <>
struct EnumTexts<scenario::SweepScale> {
  static constexpr std::array values{std::pair{scenario::SweepScale::linear, "linear"}, std::pair{scenario::SweepScale::log, "log"}};
};
template <>
struct EnumTexts<scenario::BadPoints> {
  static constexpr std::array values{std::pair{scenario::BadPoints::refuse, "refuse"}, std::pair{scenario::BadPoints::skip, "skip"}};
};
template <>
struct Codec<scenario::SweepAxes> {
  static void read(const Value& value, const std::string& path, ReadContext& context, scenario::SweepAxes& out, const Limits<std::monostate>&);
  static Value write(const scenario::SweepAxes& axes);
  static TypeDescription describe();
};
}  // namespace waferwatt::io
