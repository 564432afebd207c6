// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "serving_prediction.hpp"
#include "waferwatt/validation/serving_halves.hpp"

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;

constexpr double kMilli = 1e3, kMicro = 1e6;

serving::ExpertKernel experts_of(const BackendProfile& p) { return p.experts.value_or(serving::ExpertKernel{20 * micro * second, 0.4, 0.6}); }

template <class Change>
void change_experts(BackendProfile& p, Change change) {
  p.experts = experts_of(p);
  change(*p.experts);
}

constexpr ProfileParameter kParameters[] = {
    {"first_token_steps", "steps", [](const BackendProfile& p) { return p.first_token_steps; },
     [](BackendProfile& p, double x) { p.first_token_steps = x; }, 4, true, 0, 40},
    {"layer_overhead", "us", [](const BackendProfile& p) { return p.layer_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.layer_overhead = x * micro * second; }, 4, true, 0, 60},
    {"experts.compute_efficiency", "", [](const BackendProfile& p) { return experts_of(p).compute_efficiency; },
     [](BackendProfile& p, double x) { change_experts(p, [x](auto& e) { e.compute_efficiency = x; }); }, 1.4, false, 0.05, 1},
    {"experts.memory_efficiency", "", [](const BackendProfile& p) { return experts_of(p).memory_efficiency; },
     [](BackendProfile& p, double x) { change_experts(p, [x](auto& e) { e.memory_efficiency = x; }); }, 1.2, false, 0.2, 1},
    {"experts.launch", "us", [](const BackendProfile& p) { return experts_of(p).launch.in(second) * kMicro; },
     [](BackendProfile& p, double x) { change_experts(p, [x](auto& e) { e.launch = x * micro * second; }); }, 1.3, false, 5, 100},
    {"step_overhead", "us", [](const BackendProfile& p) { return p.step_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.step_overhead = x * micro * second; }, 1.6, false, 50, 8000},
    {"sequence_overhead", "us", [](const BackendProfile& p) { return p.sequence_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.sequence_overhead = x * micro * second; }, 2, false, 0.5, 200},
    {"decode_kernels", "", [](const BackendProfile& p) { return p.decode_kernels; },
     [](BackendProfile& p, double x) { p.decode_kernels = x; }, 1.1, false, 0.6, 2},
    {"prefill_experts", "", [](const BackendProfile& p) { return p.prefill_experts; },
     [](BackendProfile& p, double x) { p.prefill_experts = x; }, 1.15, false, 0.5, 3},
    {"prefill_kernels", "", [](const BackendProfile& p) { return p.prefill_kernels; },
     [](BackendProfile& p, double x) { p.prefill_kernels = x; }, 1.15, false, 0.5, 3},
    {"eager_layer", "us", [](const BackendProfile& p) { return p.eager_layer.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.eager_layer = x * micro * second; }, 1.6, false, 10, 2500},
    {"request_overhead", "ms", [](const BackendProfile& p) { return p.request_overhead.in(second) * kMilli; },
     [](BackendProfile& p, double x) { p.request_overhead = x * milli * second; }, 1.5, false, 1, 400},
};

/// Quadratic near zero, linear beyond 8 %, logarithmic beyond 40 %: measurements with settings that files do not tell
/// (speculative decoding, cached prompts) must not bend the fit.
double loss(double log_error) {
  constexpr double kScale = 0.08, kFar = 0.4;
  const double x = std::abs(log_error), soft = std::sqrt(1 + std::pow(std::min(x, kFar) / kScale, 2)) - 1;
  return x <= kFar ? soft : soft + std::log(x / kFar);
}

/// Mean loss; a source counts by the square root of its cases, so that a long table does not drown the others.
double objective(const std::vector<ServingCase>& cases, ServingPredictor& predictor, const BackendProfile& profile) {
  constexpr double kFirstTokenWeight = 0.35;
  const auto predictions = predictor.predict([&](const ServingCase&) { return profile; });
  struct Source {
    double sum = 0, n = 0;
  };
  std::map<std::string, Source> sources;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!predictions[i].infeasible.empty()) continue;
    auto& [sum, n] = sources[cases[i].source];
    ++n;
    if (cases[i].tpot_s) sum += loss(std::log(predictions[i].tpot_s / *cases[i].tpot_s));
    if (!cases[i].tpot_s && cases[i].tokens_per_s) sum += loss(std::log(predictions[i].tokens_per_s / *cases[i].tokens_per_s));
    if (cases[i].ttft_s) sum += kFirstTokenWeight * loss(std::log(predictions[i].ttft_s / *cases[i].ttft_s));
  }
  double all = 0, weights = 0;
  for (const auto& [name, source] : sources) {
    all += source.sum / std::sqrt(source.n);
    weights += std::sqrt(source.n);
  }
  return weights > 0 ? all / weights : 0;
}

std::vector<ServingCase> of_half(const ServingCases& cases, const std::string& backend, bool fitted) {
  std::vector<ServingCase> out;
  OnceEach once;
  for (const ServingCase& c : cases.cases)
    if (c.backend == backend && is_fit_for_profiles(c) && is_fitted_half(c) == fitted && once.is_new(c)) out.push_back(c);
  return out;
}

}  // namespace

std::span<const ProfileParameter> profile_parameters() { return kParameters; }

ServingFit fit_backend(const ServingCases& cases, const std::string& backend, const catalog::Catalog& catalog, int n_rounds) {
  constexpr std::size_t kFewest = 20;
  constexpr double kShrink = 0.6;
  constexpr int kMostSteps = 3;
  const auto fitted = of_half(cases, backend, true);
  if (fitted.size() < kFewest)
    throw InputError(fmt::format("backend \"{}\": {} cases in the half that is fitted, at least {} are needed", backend, fitted.size(), kFewest));
  const auto* shipped = serving::find_backend(backend);
  BackendProfile best = shipped ? *shipped : BackendProfile{.name = backend};
  ServingPredictor predictor(fitted, catalog);
  double least = objective(fitted, predictor, best);
  double shrink = 1;
  for (int round = 0; round < n_rounds; ++round, shrink *= kShrink)
    for (const ProfileParameter& p : profile_parameters())
      for (const double sign : {1.0, -1.0})
        for (int i = 0; i < kMostSteps; ++i) {  // on in a direction that helps
          const double old = p.get(best), step = p.is_sum ? p.step * shrink : 1 + (p.step - 1) * shrink;
          BackendProfile candidate = best;
          p.set(candidate, std::clamp(p.is_sum ? old + sign * step : old * std::pow(step, sign), p.low, p.high));
          const double value = p.get(candidate) != old ? objective(fitted, predictor, candidate) : least;
          if (value >= least) break;
          best = candidate, least = value;
        }
  const auto errors = [&](bool half) {
    return validate_serving({.cases = of_half(cases, backend, half)}, catalog, [&](const ServingCase&) { return best; });
  };
  return {.profile = best, .fitted = errors(true), .held_out = errors(false)};
}

std::string text_of(const ServingFit& fit) {
  std::string out = fmt::format("profile of {}\n", fit.profile.name);
  for (const ProfileParameter& p : profile_parameters()) out += fmt::format("  {:<28} {:>9.4g} {}\n", p.name, p.get(fit.profile), p.unit);
  const auto table = [&](const char* half, const ServingReport& report) {
    for (const auto& [metric, e] : report.metrics)
      out += fmt::format("  {:<10} {:<12} n {:>4}  median {:>5.1f} %  mean {:>5.1f} %  p90 {:>5.1f} %  bias {:>+6.1f} %\n", half, metric, e.n, e.median, e.mean, e.p90, e.bias);
  };
  table("fitted", fit.fitted);
  table("held out", fit.held_out);
  return out;
}

}  // namespace waferwatt::validation
