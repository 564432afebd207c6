// SPDX-License-Identifier: Apache-2.0
#include "power_fit.hpp"

#include <algorithm>
#include <cmath>

#include "waferwatt/cost/operator_fit.hpp"

namespace waferwatt::validation {
namespace {

struct Point {
  double compute, memory, share_of_tdp;
};

double predicted(const catalog::PowerFit& f, const Point& p) {
  const double share = std::min(1.0, f.compute_share * p.compute + f.memory_share * p.memory);
  return f.idle_fraction + share * (1 - f.idle_fraction);
}

double loss(const catalog::PowerFit& f, const std::vector<Point>& points) {
  double sum = 0;
  for (const auto& p : points) {
    const double r = std::log(predicted(f, p) / p.share_of_tdp);
    sum += r * r;
  }
  return sum;
}

}  // namespace

std::optional<catalog::PowerFit> fit_power(const catalog::Accelerator& accelerator, const std::vector<Measurement>& rows) {
  std::vector<Point> points;
  const double tdp = accelerator.tdp->in(watt);
  // Below 0.1 ms the sensor sees mostly the gaps between launches.
  for (const auto& row : rows) {
    if (!row.watts || row.accelerator != accelerator.id || row.op != catalog::OperatorKind::gemm || row.time_s < 1e-4) continue;
    if (row.format != "bf16") continue;  // narrower formats of the collection wait for the host
    if (!(*row.watts > 0) || *row.watts > 1.2 * tdp) continue;
    const auto d = cost::demand_of_shape(row.op, row.format, row.shape);
    points.push_back({d.work / (*accelerator.peak_bf16 * (row.time_s * second)),
                      d.traffic / (*accelerator.memory_bandwidth * (row.time_s * second)), *row.watts / tdp});
  }
  if (points.size() < 100) return std::nullopt;
  catalog::PowerFit best{.n_points = static_cast<std::int64_t>(points.size())};
  double least = loss(best, points);
  // Coordinate descent; steps of a hundredth are fine. The idle draw stays: no row is of an idle accelerator.
  for (double step = 0.16; step > 0.005; step /= 2)
    for (bool is_better = true; is_better;) {
      is_better = false;
      for (double catalog::PowerFit::*share : {&catalog::PowerFit::compute_share, &catalog::PowerFit::memory_share})
        for (const double sign : {1.0, -1.0}) {
          auto tried = best;
          tried.*share += sign * step;
          if (tried.*share < 0.02) continue;
          if (const double l = loss(tried, points); l < least) best = tried, least = l, is_better = true;
        }
    }
  std::vector<double> errors;
  for (const auto& p : points) errors.push_back(predicted(best, p) / p.share_of_tdp - 1);
  const auto e = cost::error_summary("", std::move(errors));
  const auto rounded = [](double x) { return std::round(x * 1e4) / 1e4; };
  best.idle_fraction = rounded(best.idle_fraction), best.compute_share = rounded(best.compute_share), best.memory_share = rounded(best.memory_share);
  best.error_median = rounded(e.median), best.error_mean = rounded(e.mean), best.error_p90 = rounded(e.p90);
  return best;
}

}  // namespace waferwatt::validation
