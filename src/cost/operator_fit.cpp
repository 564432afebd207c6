// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operator_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "waferwatt/core/random.hpp"
#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {
namespace {

constexpr std::size_t kPerBranch = 5, kMaxParameters = 2 * kPerBranch;
constexpr double kSoftScale = 0.1;
constexpr double kPriorWeight = 0.02;  // a logarithm's distance from the prior counts this much, as a residual
constexpr std::size_t kFormulaSamples = 2500, kCoverPerPoint = 8, kCoverMost = 20000, kFolds = 5, kHeldOutPerFold = 3000;
constexpr std::size_t kCoverRounds = 3;
// A point is odd if it is off from its neighbours' median by a factor of 1.5 and 4.5 median deviations.
constexpr std::ptrdiff_t kOddNeighbours = 8;
constexpr double kOdd = 0.4, kOddDeviations = 4.5;
constexpr std::uint64_t kSeed = 1;

using Vector = std::array<double, kMaxParameters>;

/// Logarithms of launch time, efficiencies, p - 1 and serial factor of one or two branches.
struct Parameters {
  Vector value{};
  std::size_t n = kPerBranch;

  FormulaCoefficients branch(std::size_t at) const {
    // What never binds has no efficiency of its own; 10 stands for that.
    const auto efficiency = [](double logarithm) { return std::min(std::exp(logarithm), 10.0); };
    return {std::exp(value[at]), efficiency(value[at + 1]), efficiency(value[at + 2]), 1 + std::exp(std::min(value[at + 3], 4.0)),
            std::exp(value[at + 4])};
  }
  Formula formula() const {
    Formula f{branch(0), {}};
    if (n > kPerBranch) f.other = branch(kPerBranch);
    return f;
  }
};

struct Objective {
  std::span<const FitSample> samples;
  Vector prior{};

  double loss(const Parameters& p) const {
    const Formula f = p.formula();
    double sum = 0;
    for (const auto& s : samples) {
      const double z = std::log(f.time(s.load) / s.time_s) / kSoftScale;
      sum += 2 * (std::sqrt(1 + z * z) - 1);
    }
    for (std::size_t j = 0; j < p.n; ++j) sum += weight() * square(p.value[j] - prior[j]);
    return sum;
  }
  static double weight() { return square(kPriorWeight / kSoftScale); }
  static double square(double x) { return x * x; }
};

/// Gauss elimination with pivots; `a` is n x n and positive definite up to rounding.
Vector solve(std::array<Vector, kMaxParameters> a, Vector b, std::size_t n) {
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r)
      if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    std::swap(a[c], a[pivot]), std::swap(b[c], b[pivot]);
    if (std::abs(a[c][c]) < 1e-300) continue;
    for (std::size_t r = c + 1; r < n; ++r) {
      const double factor = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= factor * a[c][k];
      b[r] -= factor * b[c];
    }
  }
  Vector x{};
  for (std::size_t i = n; i-- > 0;) {
    double sum = b[i];
    for (std::size_t k = i + 1; k < n; ++k) sum -= a[i][k] * x[k];
    x[i] = std::abs(a[i][i]) < 1e-300 ? 0 : sum / a[i][i];
  }
  return x;
}

/// Normal equations of the loss, reweighted for the soft-L1.
void normal_equations(const Objective& o, const Parameters& p, std::array<Vector, kMaxParameters>& a, Vector& b) {
  constexpr double kStep = 1e-4;
  a = {}, b = {};
  const Formula f = p.formula();
  std::array<Formula, kMaxParameters> moved;
  for (std::size_t j = 0; j < p.n; ++j) {
    Parameters q = p;
    q.value[j] += kStep;
    moved[j] = q.formula();
  }
  for (const auto& s : o.samples) {
    const double predicted = f.time(s.load), r = std::log(predicted / s.time_s);
    const double w = 1 / std::sqrt(1 + Objective::square(r / kSoftScale)) / Objective::square(kSoftScale);
    Vector gradient{};
    for (std::size_t j = 0; j < p.n; ++j) gradient[j] = std::log(moved[j].time(s.load) / predicted) / kStep;
    for (std::size_t i = 0; i < p.n; ++i) {
      b[i] -= w * gradient[i] * r;
      for (std::size_t j = 0; j <= i; ++j) a[i][j] += w * gradient[i] * gradient[j];
    }
  }
  for (std::size_t i = 0; i < p.n; ++i) {
    a[i][i] += o.weight();
    b[i] -= o.weight() * (p.value[i] - o.prior[i]);
    for (std::size_t j = i + 1; j < p.n; ++j) a[i][j] = a[j][i];
  }
}

Parameters minimised(const Objective& objective, Parameters p) {
  double loss = objective.loss(p), damping = 1e-2;
  for (int iteration = 0; iteration < 60; ++iteration) {
    std::array<Vector, kMaxParameters> a;
    Vector b;
    normal_equations(objective, p, a, b);
    for (std::size_t i = 0; i < p.n; ++i) a[i][i] *= 1 + damping;
    const Vector step = solve(a, b, p.n);
    Parameters q = p;
    for (std::size_t i = 0; i < p.n; ++i) q.value[i] += std::clamp(step[i], -1.0, 1.0);
    const double tried = objective.loss(q);
    if (tried < loss) {
      const bool is_done = loss - tried < 1e-7 * loss;
      p = q, loss = tried, damping = std::max(damping / 3, 1e-9);
      if (is_done) break;
    } else if ((damping *= 4) > 1e6) {
      break;
    }
  }
  return p;
}

template <class T>
std::vector<T> every(const std::vector<T>& all, std::size_t at_most, RandomStream& random) {
  if (all.size() <= at_most) return all;
  std::vector<T> some = all;
  for (std::size_t i = 0; i < at_most; ++i) std::swap(some[i], some[i + random.below(some.size() - i)]);
  some.resize(at_most);
  return some;
}

float squared_distance(const Coordinates& a, const Coordinates& b) {
  float sum = 0;
  for (std::size_t j = 0; j < a.size; ++j) sum += (a.x[j] - b.x[j]) * (a.x[j] - b.x[j]);
  return sum;
}

/// Centres from farthest-point search and a few rounds of k-means.
std::vector<Coordinates> centres(std::span<const FitSample> samples, std::size_t n, std::vector<std::uint32_t>& owner) {
  std::vector<float> nearest(samples.size(), INFINITY);
  owner.assign(samples.size(), 0);
  std::vector<Coordinates> chosen;
  std::size_t next = 0;
  while (chosen.size() < n && (chosen.empty() || nearest[next] > 0)) {
    chosen.push_back(samples[next].at);
    float far = -1;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (const float d = squared_distance(samples[i].at, chosen.back()); d < nearest[i])
        nearest[i] = d, owner[i] = static_cast<std::uint32_t>(chosen.size() - 1);
      if (nearest[i] > far) far = nearest[i], next = i;
    }
  }
  for (std::size_t round = 0; round < kCoverRounds; ++round) {
    std::vector<Coordinates> mean(chosen.size());
    std::vector<float> count(chosen.size(), 0);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      for (std::size_t j = 0; j < kMaxCoordinates; ++j) mean[owner[i]].x[j] += samples[i].at.x[j];
      count[owner[i]] += 1;
    }
    for (std::size_t c = 0; c < chosen.size(); ++c)
      if (count[c] > 0)
        for (std::size_t j = 0; j < kMaxCoordinates; ++j) chosen[c].x[j] = mean[c].x[j] / count[c];
    for (std::size_t i = 0; i < samples.size(); ++i) {
      float best = INFINITY;
      for (std::size_t c = 0; c < chosen.size(); ++c)
        if (const float d = squared_distance(samples[i].at, chosen[c]); d < best)
          best = d, owner[i] = static_cast<std::uint32_t>(c);
    }
  }
  return chosen;
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// The chosen points without those that differ from their neighbours far more than these do from each other
/// (Hampel's rule): a library may take a kernel that is several times too slow for one shape, and another for
/// the next; such a point tells nothing of its surroundings.
std::vector<std::size_t> without_odd_ones(std::span<const FitSample> samples, const std::vector<double>& residuals,
                                          const std::vector<std::size_t>& chosen) {
  if (chosen.size() < 3 * std::size_t{kOddNeighbours}) return chosen;
  std::vector<std::size_t> kept;
  std::vector<std::pair<float, double>> others;  // squared distance and residual
  for (const auto i : chosen) {
    others.clear();
    for (const auto j : chosen)
      if (j != i) others.emplace_back(squared_distance(samples[i].at, samples[j].at), residuals[j]);
    std::ranges::nth_element(others, others.begin() + kOddNeighbours);
    others.resize(kOddNeighbours);
    std::vector<double> values;
    for (const auto& [distance, residual] : others) values.push_back(residual);
    const double typical = median_of(values);
    for (double& v : values) v = std::abs(v - typical);
    if (std::abs(residuals[i] - typical) <= std::max(kOdd, kOddDeviations * median_of(std::move(values)))) kept.push_back(i);
  }
  return kept;
}

/// Formula and surface from some of the samples.
struct Trained {
  Formula formula;
  std::vector<std::size_t> grid;
  std::vector<double> residuals;  // of the grid
  ResidualSurface surface;
};

Trained trained_on(std::span<const FitSample> all, const std::vector<std::size_t>& indices, const FitOptions& options,
                   RandomStream& random) {
  Trained result;
  std::vector<FitSample> some;
  for (const auto i : every(indices, kFormulaSamples, random)) some.push_back(all[i]);
  result.formula = fit_formula(some, options.prior, options.two_branches);

  const auto covered = every(indices, std::min(kCoverPerPoint * options.n_grid, kCoverMost), random);
  some.clear();
  std::vector<double> residuals;
  for (const auto i : covered) {
    some.push_back(all[i]);
    residuals.push_back(std::log(all[i].time_s / result.formula.time(all[i].load)));
  }
  std::vector<ResidualSurface::Point> points;
  for (const auto i : without_odd_ones(some, residuals, representative_points(some, residuals, options.n_grid))) {
    result.grid.push_back(covered[i]);
    result.residuals.push_back(residuals[i]);
    points.push_back({some[i].at, residuals[i]});
  }
  result.surface = ResidualSurface(points);
  return result;
}

void predict(std::span<const FitSample> all, const std::vector<std::size_t>& indices, const Trained& model,
             std::vector<HeldOut>& out) {
  for (const auto i : indices) {
    const auto& s = all[i];
    const auto [branch, formula] = model.formula.fastest(s.load);
    out.push_back({s.time_s, formula * std::exp(model.surface.at(s.at).residual), formula,
                   static_cast<std::size_t>(bound_of(*branch, s.load, formula))});
  }
}

}  // namespace

Formula fit_formula(std::span<const FitSample> samples, const FormulaCoefficients& prior, bool two_branches) {
  Objective objective{samples, {}};
  Parameters start;
  start.n = two_branches ? kMaxParameters : kPerBranch;
  for (std::size_t at = 0; at < start.n; at += kPerBranch) {
    start.value[at] = std::log(std::max(prior.launch_s, 1e-8) * (at == 0 ? 1 : 4));
    start.value[at + 1] = std::log(prior.compute_efficiency * (at == 0 ? 1 : 3));
    start.value[at + 2] = std::log(prior.memory_efficiency * (at == 0 ? 1 : 1.5));
    start.value[at + 3] = std::log(std::max(prior.exponent - 1, 0.05));
    start.value[at + 4] = std::log(std::max(prior.serial_factor, 1e-6));
  }
  objective.prior = start.value;
  return minimised(objective, start).formula();
}

std::vector<std::size_t> representative_points(std::span<const FitSample> samples, const std::vector<double>& residuals,
                                               std::size_t n) {
  std::vector<std::uint32_t> owner;
  const auto centre = centres(samples, std::min(n, samples.size()), owner);
  std::vector<std::vector<std::size_t>> members(centre.size());
  for (std::size_t i = 0; i < samples.size(); ++i) members[owner[i]].push_back(i);
  std::vector<std::size_t> chosen;
  for (std::size_t c = 0; c < centre.size(); ++c) {
    if (members[c].empty()) continue;
    std::vector<double> values;
    for (const auto i : members[c]) values.push_back(residuals[i]);
    const double typical = median_of(std::move(values));
    const auto score = [&](std::size_t i) {
      return std::abs(residuals[i] - typical) + 0.02 * static_cast<double>(squared_distance(samples[i].at, centre[c]));
    };
    chosen.push_back(*std::ranges::min_element(members[c], {}, score));
  }
  std::ranges::sort(chosen);
  return chosen;
}

catalog::ErrorSummary error_summary(std::string regime, std::vector<double> errors) {
  catalog::ErrorSummary summary{.regime = std::move(regime), .n = static_cast<std::int64_t>(errors.size())};
  if (errors.empty()) return summary;
  for (double& e : errors) summary.bias += e, e = std::abs(e);
  const double n = static_cast<double>(errors.size());
  summary.bias /= n;
  summary.mean = std::accumulate(errors.begin(), errors.end(), 0.0) / n;
  std::ranges::sort(errors);
  const auto quantile = [&](double q) { return errors[std::min(errors.size() - 1, static_cast<std::size_t>(q * n))]; };
  summary.median = quantile(0.5), summary.p90 = quantile(0.9);
  return summary;
}

namespace {

constexpr std::size_t kFewestToTrain = 15;

/// The fold of every sample, one for all samples of a site: drawn, or in turn where chance would leave a fold without sites or
/// another without enough to be predicted from.
std::vector<std::size_t> folds_of(std::span<const FitSample> samples) {
  const RandomStream stream(kSeed, "folds");
  std::vector<std::size_t> fold;
  std::array<std::size_t, kFolds> n{};
  for (const auto& sample : samples) ++n[fold.emplace_back(stream.substream("site", sample.site).below(kFolds))];
  if (std::ranges::all_of(n, [&](std::size_t held) { return held > 0 && samples.size() - held >= kFewestToTrain; })) return fold;
  std::vector<std::uint64_t> sites;
  for (const auto& sample : samples)
    if (std::ranges::find(sites, sample.site) == sites.end()) sites.push_back(sample.site);
  for (std::size_t i = 0; i < samples.size(); ++i)
    fold[i] = static_cast<std::size_t>(std::ranges::find(sites, samples[i].site) - sites.begin()) % kFolds;
  return fold;
}

}  // namespace

OperatorFitResult fit_operator(std::span<const FitSample> samples, const FitOptions& options) {
  OperatorFitResult result;
  RandomStream random(kSeed, "fit");
  std::vector<std::size_t> all(samples.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::vector<std::size_t> fold = folds_of(samples);
  for (std::size_t f = 0; f < kFolds; ++f) {
    std::vector<std::size_t> held, rest;
    for (const auto i : all) (fold[i] == f ? held : rest).push_back(i);
    if (held.empty() || rest.size() < kFewestToTrain) continue;
    predict(samples, every(held, kHeldOutPerFold, random), trained_on(samples, rest, options, random), result.held_out);
  }
  std::vector<std::size_t> by_size = all;
  std::ranges::sort(by_size, {}, [&](std::size_t i) { return std::max({samples[i].load.work_s, samples[i].load.traffic_s, samples[i].load.serial_s}); });
  const auto cut = by_size.begin() + static_cast<std::ptrdiff_t>(by_size.size() * 9 / 10);
  const std::vector<std::size_t> smaller(by_size.begin(), cut), largest(cut, by_size.end());
  if (smaller.size() >= 20) predict(samples, every(largest, kHeldOutPerFold, random), trained_on(samples, smaller, options, random), result.extrapolated);

  Trained final_fit = trained_on(samples, all, options, random);
  result.formula = final_fit.formula;
  result.grid = std::move(final_fit.grid);
  result.grid_residuals = std::move(final_fit.residuals);
  return result;
}

}  // namespace waferwatt::cost
