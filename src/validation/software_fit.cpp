// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/software_fit.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::validation {
namespace {

constexpr double kFirstStep = 0.25, kLastStep = 0.02, kStay = 0.002;

/// A number's place in its range, 0 to 1: in proportion where it starts at zero, else in its logarithm.
double position(const training::SoftwareNumber& number, double value) {
  return number.low > 0 ? std::log(value / number.low) / std::log(number.high / number.low)
                        : (value - number.low) / (number.high - number.low);
}

double value_at(const training::SoftwareNumber& number, double position) {
  const double at = std::clamp(position, 0.0, 1.0);
  return number.low > 0 ? number.low * std::pow(number.high / number.low, at) : number.low + at * (number.high - number.low);
}

class Half {
 public:
  explicit Half(const Predictor& predictor) : predictor_(predictor) {}
  void add(const TrainingCase& c) { cases_.push_back(&c); }
  std::size_t size() const { return cases_.size(); }

  double error(const training::Software& software) const {
    double sum = 0;
    for (const auto* c : cases_) sum += std::abs(std::log(predictor_.time(*c, software) / c->measured));
    return cases_.empty() ? 0 : sum / static_cast<double>(cases_.size());
  }

 private:
  const Predictor& predictor_;
  std::vector<const TrainingCase*> cases_;
};

std::vector<training::SoftwareNumber> chosen(const std::vector<std::string>& names) {
  const auto& all = training::software_numbers();
  if (names.empty()) return all;
  std::vector<std::string> known;
  for (const auto& number : all) known.emplace_back(number.name);
  std::vector<training::SoftwareNumber> found;
  for (const auto& name : names) {
    const auto at = std::ranges::find(all, name, &training::SoftwareNumber::name);
    if (at == all.end()) throw InputError("unknown number \"" + name + "\"" + suggestion(name, known, "numbers"));
    found.push_back(*at);
  }
  return found;
}

}  // namespace

bool is_held_out(const TrainingCase& c) {
  // FNV-1a: the same halves everywhere.
  std::uint64_t hash = 14695981039346656037u;
  const std::string key = fmt::format("{} {} {} {} {}", c.model.n_layers.value, c.model.hidden_size.value, c.model.n_heads.value,
                                      c.model.vocabulary.value, c.accelerator.id);
  for (const char letter : key) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211u;
  return (hash >> 32) % 2 == 1;
}

SoftwareFit fit_software(const std::vector<TrainingCase>& cases, const catalog::Catalog& catalog, const training::Software& start,
                         const std::vector<std::string>& names) {
  const auto numbers = chosen(names);
  const Predictor predictor(catalog);
  Half fitted(predictor), held_out(predictor);
  for (const auto& c : cases)
    if (c.measured > Time{}) (is_held_out(c) ? held_out : fitted).add(c);
  if (fitted.size() == 0) throw InputError("no cases to fit");

  SoftwareFit fit{.software = start, .n_fitted = fitted.size(), .n_held_out = held_out.size()};
  const auto objective = [&](const training::Software& software) {
    double away = 0;
    for (const auto& n : numbers) away += std::abs(position(n, n.get(software)) - position(n, n.get(start)));
    return fitted.error(software) + kStay * away;
  };
  double best = objective(start);
  fit.fitted_before = 100 * fitted.error(start), fit.held_out_before = 100 * held_out.error(start);
  for (double step = kFirstStep; step > kLastStep; step /= 2) {
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& number : numbers) {
        for (const double direction : {step, -step}) {
          training::Software changed = fit.software;
          number.set(changed, value_at(number, position(number, number.get(fit.software)) + direction));
          if (const double error = objective(changed); error < best - 1e-9) {
            best = error, fit.software = changed, moved = true;
            break;
          }
        }
      }
    }
  }
  fit.fitted_after = 100 * fitted.error(fit.software), fit.held_out_after = 100 * held_out.error(fit.software);
  for (const auto& n : numbers)
    if (n.get(fit.software) != n.get(start)) fit.changed.emplace_back(n.name);
  return fit;
}

}  // namespace waferwatt::validation
