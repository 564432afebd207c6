// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "serving_prediction.hpp"
#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/core/least_squares.hpp"
#include "waferwatt/validation/serving_halves.hpp"

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;

// What a residual usually is: goals are 8 % for times per token and rates, 20 % for first tokens.
constexpr double kUsual = 0.1, kUsualFirstToken = 0.2;
constexpr double kCountedAs = 0.75;  // a source of n cases counts as n to this power: a long table does not drown the others
constexpr double kPriorWeight = 0.02;  // of the sum over all measurements
// Host and kernel times trade against each other along a flat valley, which is walked in small gains. It has hollows:
// searches begin at what is plausible, and with all numbers so much larger and smaller.
constexpr double kElsewhere = 0.3;
constexpr double kLeastGain = 5e-4;
constexpr int kMostIterations = 100;

double position(const ProfileParameter& p, double value) { return p.scale > 0 ? std::log1p(value / p.scale) : std::log(value); }
double value_at(const ProfileParameter& p, double position) {
  return std::clamp(p.scale > 0 ? p.scale * std::expm1(position) : std::exp(position), p.low, p.high);
}

BackendProfile profile_at(BackendProfile profile, std::span<const double> positions) {
  const auto parameters = profile_parameters();
  for (std::size_t j = 0; j < positions.size(); ++j) parameters[j].set(profile, value_at(parameters[j], positions[j]));
  return profile;
}

std::string source_of(const ServingCase& c) {
  return fmt::format("{}{}", c.source.empty() ? "table of measurements" : c.source, c.disaggregation ? ", workers of their own" : "");
}

struct Parts {
  std::vector<ServingCase> fitted, held_out, left_out;
};

Parts parts_of(const ServingCases& cases, const std::string& backend, const std::vector<std::string>& without) {
  Parts parts;
  OnceEach once;
  for (const ServingCase& c : cases.cases) {
    if (c.backend != backend || !is_fit_for_profiles(c) || !once.is_new(c)) continue;
    const bool is_left_out = std::ranges::find(without, c.model->id) != without.end() || std::ranges::find(without, c.accelerator->id) != without.end();
    (is_left_out ? parts.left_out : is_fitted_half(c) ? parts.fitted : parts.held_out).push_back(c);
  }
  return parts;
}

void check_names(const ServingCases& cases, const std::vector<std::string>& names) {
  std::set<std::string> known;
  for (const ServingCase& c : cases.cases) known.insert({c.model->id, c.accelerator->id});
  for (const std::string& name : names)
    if (!known.contains(name))
      throw InputError(fmt::format("\"{}\" is no model or accelerator of these cases{}", name, core::suggestion(name, {known.begin(), known.end()}, "names")));
}

/// Predictions against measurements, as residuals of one profile after another.
class Objective {
 public:
  Objective(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog, unsigned n_jobs)
      : cases_(cases), predictor_(cases, catalog), n_jobs_(n_jobs) {
    std::map<std::string, double> sizes;
    for (const ServingCase& c : cases) ++sizes[source_of(c)];
    double all = 0;
    for (const auto& [source, n] : sizes) all += std::pow(n, kCountedAs);
    for (const ServingCase& c : cases) {
      const double n = sizes.at(source_of(c)), each = std::pow(n, kCountedAs) / n / all;
      if (c.tpot_s) weights_.push_back(each);
      if (c.ttft_s) weights_.push_back(each);
      if (measured_rate(c)) weights_.push_back(each);
    }
  }

  const std::vector<double>& weights() const { return weights_; }

  std::vector<double> residuals(const BackendProfile& profile) {
    const auto predictions = predictor_.predict([&](const ServingCase&) { return profile; }, n_jobs_);
    std::vector<double> z;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const ServingCase& c = cases_[i];
      const ServingPrediction& p = predictions[i];
      const auto add = [&](std::optional<double> measured, double predicted, double usual) {
        if (measured) z.push_back(p.infeasible.empty() ? std::log(predicted / *measured) / usual : 0);  // whether it fits is not the profile's
      };
      add(c.tpot_s, p.tpot_s, kUsual);
      add(c.ttft_s, p.ttft_s, kUsualFirstToken);
      add(measured_rate(c), predicted_rate(c, p), kUsual);
    }
    return z;
  }

  double loss(const BackendProfile& profile) {
    const auto z = residuals(profile);
    double sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i) sum += weights_[i] * std::log1p(z[i] * z[i]);
    return sum;
  }

 private:
  const std::vector<ServingCase>& cases_;
  ServingPredictor predictor_;
  unsigned n_jobs_;
  std::vector<double> weights_;
};

std::map<std::string, ServingReport> errors_by_source(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog, const BackendProfile& profile) {
  std::map<std::string, ServingCases> sources;
  for (const ServingCase& c : cases) sources[source_of(c)].cases.push_back(c);
  std::map<std::string, ServingReport> reports;
  for (const auto& [source, of_source] : sources) {
    reports[source] = validate_serving(of_source, catalog, [&](const ServingCase&) { return profile; });
    reports[source].rows.clear();  // they point into cases that end here
  }
  return reports;
}

core::LeastSquaresFit best_fit(core::LeastSquares problem) {
  std::optional<core::LeastSquaresFit> best;
  for (const double away : {0.0, kElsewhere, -kElsewhere}) {
    problem.start = problem.prior;
    for (double& x : problem.start) x += away;
    const auto found = core::fit(problem);
    if (!best || found.loss < best->loss) best = found;
  }
  return *best;
}

/// Three digits tell a fitted number.
double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

}  // namespace

ServingFit fit_backend(const ServingCases& cases, const std::string& backend, const catalog::Catalog& catalog, unsigned n_jobs,
                       const std::vector<std::string>& without) {
  constexpr std::size_t kFewest = 20;
  check_names(cases, without);
  const Parts parts = parts_of(cases, backend, without);
  const auto& half = parts.fitted;
  if (half.size() < kFewest)
    throw InputError(fmt::format("backend \"{}\": {} cases in the half that is fitted, at least {} are needed", backend, half.size(), kFewest));
  const auto* shipped = serving::find_backend(backend);
  BackendProfile profile = shipped ? *shipped : BackendProfile{.name = backend};
  Objective objective(half, catalog, n_jobs);

  core::LeastSquares problem;
  problem.weights = objective.weights(), problem.prior_weight = kPriorWeight;
  problem.least_gain = kLeastGain, problem.most_iterations = kMostIterations;
  problem.residuals = [&](std::span<const double> x) { return objective.residuals(profile_at(profile, x)); };
  for (const ProfileParameter& p : profile_parameters()) {
    problem.prior.push_back(position(p, p.prior));
    problem.low.push_back(position(p, p.low)), problem.high.push_back(position(p, p.high));
  }
  const auto found = best_fit(problem);

  ServingFit fit{.profile = profile_at(profile, found.x), .n_cases = half.size(), .first_loss = objective.loss(profile_at(profile, problem.prior)),
                 .shipped_loss = objective.loss(profile), .fitted = {}, .held_out = {}, .left_out = {}};
  for (const ProfileParameter& p : profile_parameters()) p.set(fit.profile, rounded(p.get(fit.profile)));
  fit.loss = objective.loss(fit.profile);
  fit.fitted = errors_by_source(half, catalog, fit.profile);
  fit.held_out = errors_by_source(parts.held_out, catalog, fit.profile);
  fit.left_out = errors_by_source(parts.left_out, catalog, fit.profile);
  return fit;
}

std::string text_of(const ServingFit& fit) {
  std::string out = fmt::format("profile of {}, on {} cases: loss {:.4f}, at the start {:.4f}, of the shipped profile {:.4f}\n", fit.profile.name, fit.n_cases,
                                fit.loss, fit.first_loss, fit.shipped_loss);
  for (const ProfileParameter& p : profile_parameters()) out += fmt::format("  {:<28} {:>9.4g} {}\n", p.name, p.get(fit.profile), p.unit);
  const auto table = [&](const char* half, const std::map<std::string, ServingReport>& reports) {
    for (const auto& [source, report] : reports)
      for (const auto& [metric, e] : report.metrics)
        out += fmt::format("  {:<8} {:<52} {:<12} n {:>4}  median {:>5.1f} %  mean {:>5.1f} %  p90 {:>5.1f} %  bias {:>+6.1f} %\n", half, source.substr(0, 52), metric,
                           e.n, e.median, e.mean, e.p90, e.bias);
  };
  table("fitted", fit.fitted);
  table("held out", fit.held_out);
  table("left out", fit.left_out);
  return out;
}

}  // namespace waferwatt::validation
