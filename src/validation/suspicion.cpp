// SPDX-License-Identifier: Apache-2.0
#include "suspicion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::validation {
namespace {

constexpr std::size_t kSampled = 400, kFewest = 10;
constexpr double kUnitMargin = 3;  // times differ from what is expected by less than this factor in the median
constexpr double kMeets = 0.10, kMisses = 0.06, kTimesCloser = 2.5;
/// Other accelerators' points miss whole operators by up to a quarter; own points of another collection by a tenth.
constexpr double kEvenOwn = 1.3, kEvenTransferred = 1.6, kEvenMost = 5;  // beyond, the unit is wrong
/// Half of all rows within this part of the factor, and each bound's median.
constexpr double kEven = 0.15;

struct Surprise {
  double off;  ///< log(measured / expected)
  const Measurement* row;
  cost::Estimate expected;
};

/// A sample of the rows against what is expected of an accelerator.
std::vector<Surprise> compared(const catalog::Catalog& catalog, const std::string& as, const std::string& accelerator, const Measurements& measurements) {
  std::vector<const Measurement*> rows;
  for (const auto& row : measurements.rows)
    if (row.accelerator == accelerator && !row.is_sustained) rows.push_back(&row);
  const cost::OperatorModel model(catalog.accelerators.at(as), catalog);
  const std::size_t step = std::max<std::size_t>(1, rows.size() / kSampled);
  std::vector<Surprise> all;
  for (std::size_t i = 0; i < rows.size(); i += step) {
    try {
      const auto expected = model.estimate(cost::demand_of_shape(rows[i]->op, rows[i]->format, rows[i]->shape));
      all.push_back({std::log(rows[i]->time_s / expected.time.in(second)), rows[i], expected});
    } catch (const InputError&) {  // a format that the accelerator lacks
    }
  }
  return all;
}

/// log(measured / expected) of a sample of the rows, sorted.
std::vector<double> surprises(const catalog::Catalog& catalog, const std::string& as, const std::string& accelerator, const Measurements& measurements) {
  std::vector<double> all;
  for (const auto& s : compared(catalog, as, accelerator, measurements)) all.push_back(s.off);
  std::ranges::sort(all);
  return all;
}

double middle(const std::vector<double>& sorted) { return sorted[sorted.size() / 2]; }

/// Mean of the distances, none counting as more than a factor of two: products of one die differ in a part of their shapes.
double mean_distance(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += std::min(std::abs(v), std::log(2.0));
  return sum / static_cast<double>(values.size());
}

bool has_points(const catalog::Calibration& calibration) {
  return std::ranges::any_of(calibration.fits, [](const auto& fit) { return fit.grid && fit.op == catalog::OperatorKind::gemm; });
}

}  // namespace

std::optional<std::string> wrong_unit(const catalog::Catalog& catalog, const std::string& accelerator, const Measurements& measurements) {
  const auto all = surprises(catalog, accelerator, accelerator, measurements);
  if (all.size() < kFewest) return std::nullopt;
  struct Unit {
    const char* name;
    double factor;
  };
  for (const Unit& unit : {Unit{"milliseconds", 1e-3}, Unit{"seconds", 1e-6}, Unit{"nanoseconds", 1e3}})
    if (std::abs(middle(all) - std::log(unit.factor)) < std::log(kUnitMargin))
      return fmt::format("the times are {:.2g} times what is expected of a {}: they look like {}, and the column is in microseconds",
                         std::exp(middle(all)), catalog.accelerators.at(accelerator).name, unit.name);
  return std::nullopt;
}

std::optional<std::string> other_accelerator(const catalog::Catalog& catalog, const std::string& accelerator,
                                             const Measurements& measurements) {
  const auto own = surprises(catalog, accelerator, accelerator, measurements);
  if (own.size() < kFewest) return std::nullopt;
  const double distance = mean_distance(own);
  if (distance < kMisses) return std::nullopt;
  for (const auto& [id, calibration] : catalog.calibrations.all()) {
    if (calibration.accelerator == accelerator || !has_points(calibration)) continue;
    const auto others = surprises(catalog, calibration.accelerator, accelerator, measurements);
    if (others.size() < own.size()) continue;
    if (const double theirs = mean_distance(others); theirs < kMeets && kTimesCloser * theirs < distance)
      return fmt::format("the times are those of a {} ({:.0f} % off in the mean), not of a {} ({:.0f} %); give --accelerator {}",
                         catalog.accelerators.at(calibration.accelerator).name, 100 * theirs, catalog.accelerators.at(accelerator).name,
                         100 * distance, calibration.accelerator);
  }
  return std::nullopt;
}

bool is_measured(const catalog::Catalog& catalog, const std::string& accelerator) {
  return std::ranges::any_of(catalog.calibrations.all(), [&](const auto& c) { return c.second.accelerator == accelerator && has_points(c.second); });
}

std::optional<std::string> evenly_off(const catalog::Catalog& catalog, const std::string& accelerator, const Measurements& measurements) {
  std::vector<double> all;
  std::array<std::vector<double>, 3> by_bound;  // launch, memory, compute
  const bool is_own = is_measured(catalog, accelerator);
  for (const auto& [off, row, expected] : compared(catalog, accelerator, accelerator, measurements)) {
    // Tables of other libraries are compared with these libraries' laws, not with this one's.
    if (!row->library.empty() && (row->library != kCublasLt || row->format != "bf16")) continue;
    all.push_back(off), by_bound[static_cast<std::size_t>(expected.bound)].push_back(off);
  }
  if (all.size() < kFewest) return std::nullopt;
  std::ranges::sort(all);
  const double factor = middle(all), most = kEven * std::abs(factor);
  if (std::abs(factor) < std::log(is_own ? kEvenOwn : kEvenTransferred) || std::abs(factor) > std::log(kEvenMost)) return std::nullopt;
  if (all[3 * all.size() / 4] - all[all.size() / 4] > 2 * most) return std::nullopt;
  std::size_t n_bounds = 0;
  for (auto& bound : by_bound) {
    if (bound.size() < kFewest) continue;
    std::ranges::sort(bound);
    if (std::abs(middle(bound) - factor) > most) return std::nullopt;
    ++n_bounds;
  }
  if (n_bounds < 2) return std::nullopt;
  return fmt::format("the times are {:.2g} times what is expected of a {}, evenly, whether launches, memory or arithmetic bound them: do they count several "
                     "operators, layers or accelerators, and is all of the accelerator used?", std::exp(factor), catalog.accelerators.at(accelerator).name);
}

}  // namespace waferwatt::validation
