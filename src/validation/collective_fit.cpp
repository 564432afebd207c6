// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/collective_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "collective_cases.hpp"
#include "waferwatt/io/value.hpp"

namespace waferwatt::validation {
namespace {

using Cases = std::vector<const CollectiveCase*>;
using catalog::CollectiveCurve;

constexpr std::size_t kMostPoints = 24;  // of a curve; tables with more sizes are put in bins
constexpr double kFarAway = 4;           // times the median, either way
constexpr std::size_t kFolds = 4;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

std::vector<double> times_of(const Cases& cases) {
  std::vector<double> times;
  for (const auto* c : cases) times.push_back(c->time_us);
  return times;
}

/// NCCL first, versions from new to old, those without a version last.
struct NewestFirst {
  bool operator()(const std::string& a, const std::string& b) const {
    const std::string x = library_family(a), y = library_family(b);
    if (x != y) return std::tuple(x != "nccl", x) < std::tuple(y != "nccl", y);
    return numbers(a) > numbers(b);
  }
  static std::vector<int> numbers(const std::string& version) {
    std::vector<int> all;
    for (std::size_t i = 0; i < version.size(); ++i) {
      if (!std::isdigit(static_cast<unsigned char>(version[i]))) continue;
      all.push_back(0);
      for (; i < version.size() && std::isdigit(static_cast<unsigned char>(version[i])) && all.back() < 10'000'000; ++i) all.back() = 10 * all.back() + (version[i] - '0');
    }
    return all;
  }
};

struct CurveKey {
  std::string accelerator, operation, library;
  std::int64_t n_ranks, n_nodes;
  friend bool operator<(const CurveKey& a, const CurveKey& b) {
    if (a.accelerator != b.accelerator) return a.accelerator < b.accelerator;
    if (library_family(a.library) != library_family(b.library)) return NewestFirst{}(a.library, b.library);
    if (a.operation != b.operation) return a.operation < b.operation;
    if (a.library != b.library) return NewestFirst{}(a.library, b.library) || (!NewestFirst{}(b.library, a.library) && a.library < b.library);
    return std::tie(a.n_ranks, a.n_nodes) < std::tie(b.n_ranks, b.n_nodes);
  }
};

std::map<double, Cases> by_size(const Cases& cases) {
  std::map<double, Cases> sizes;
  for (const auto* c : cases) sizes[c->size].push_back(c);
  return sizes;
}

/// Medians by size, or in bins.
CollectiveCurve curve_of(const Cases& cases) {
  CollectiveCurve curve;
  const auto sizes = by_size(cases);
  if (sizes.size() <= kMostPoints) {
    for (const auto& [size, same] : sizes) {
      curve.sizes_byte.push_back(size);
      curve.times_us.push_back(median(times_of(same)));
    }
    return curve;
  }
  const double first = std::log(sizes.begin()->first), width = (std::log(sizes.rbegin()->first) - first) / kMostPoints;
  std::map<std::size_t, Cases> bins;
  for (const auto& [size, same] : sizes) {
    const auto bin = std::min(kMostPoints - 1, static_cast<std::size_t>((std::log(size) - first) / width));
    bins[bin].insert(bins[bin].end(), same.begin(), same.end());
  }
  for (const auto& [bin, inside] : bins) {
    std::vector<double> logs;
    for (const auto* c : inside) logs.push_back(std::log(c->size));
    curve.sizes_byte.push_back(std::exp(median(std::move(logs))));
    curve.times_us.push_back(median(times_of(inside)));
  }
  return curve;
}

/// Median error of cases that the others' curve tells.
double held_out_error(const Cases& cases) {
  std::map<std::string, std::size_t> fold_of;  // by configuration, or by size
  const auto group = [](const CollectiveCase& c) { return c.is_exchange_of_tokens ? c.configuration : fmt::format("{:020.0f}", c.size); };
  for (const auto* c : cases) fold_of.emplace(group(*c), 0);
  const std::size_t n_folds = cases.front()->is_exchange_of_tokens ? kFolds : 2;
  std::size_t next = 0;
  for (auto& [name, fold] : fold_of) fold = next++ % n_folds;
  std::vector<double> errors;
  for (std::size_t fold = 0; fold < n_folds; ++fold) {
    Cases fitted, held;
    for (const auto* c : cases) (fold_of[group(*c)] == fold ? held : fitted).push_back(c);
    if (fitted.empty()) continue;
    const CollectiveCurve curve = curve_of(fitted);
    for (const auto* c : held) errors.push_back(std::abs(curve.time(c->size).in(micro * second) / c->time_us - 1));
  }
  return errors.empty() ? 0 : median(std::move(errors));
}

/// Without the times that are far from the others of their size.
Cases without_outliers(const Cases& cases, std::vector<Skipped>& skipped) {
  Cases kept;
  for (const auto& [size, same] : by_size(cases)) {
    const double middle = median(times_of(same));
    for (const auto* c : same) {
      const double ratio = c->time_us / middle;
      if (same.size() >= 3 && !c->is_exchange_of_tokens && (ratio > kFarAway || ratio < 1 / kFarAway))
        skipped.push_back({c->id, fmt::format("{:.4g} us is {:.3g} times the median of its size, {:.4g} us", c->time_us, ratio, middle)});
      else
        kept.push_back(c);
    }
  }
  return kept;
}

std::string list_of(const std::vector<double>& values, int digits) {
  std::string text;
  for (const double v : values) text += fmt::format("{}{:.{}g}", text.empty() ? "" : ", ", v, digits);
  return "[" + text + "]";
}

}  // namespace

CollectiveFit fit_collectives(const catalog::Catalog& catalog, const std::vector<std::string>& files, const std::string& source) {
  CollectiveFit fit;
  std::vector<CollectiveCase> rows;
  for (const auto& file : files) {
    auto more = read_collective_cases(catalog, file, fit.skipped);
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  fit.n_rows = static_cast<std::int64_t>(rows.size() + fit.skipped.size());
  std::map<CurveKey, Cases> groups;
  for (const CollectiveCase& c : rows) groups[{c.accelerator, c.operation, c.library, c.n_ranks, c.n_nodes}].push_back(&c);
  for (const auto& [key, all] : groups) {
    const Cases cases = without_outliers(all, fit.skipped);
    CollectiveCurve curve = curve_of(cases);
    if (curve.sizes_byte.size() < 2) {
      for (const auto* c : cases) fit.skipped.push_back({c->id, "the only size of its curve"});
      continue;
    }
    curve.operation = key.operation;
    curve.library = key.library;
    curve.n_ranks = key.n_ranks;
    curve.n_nodes = key.n_nodes;
    if (const std::string& own = cases.front()->source; !own.empty() && own != source) curve.source = own;
    curve.n_points = static_cast<std::int64_t>(cases.size());
    curve.held_out_error = held_out_error(cases);
    if (fit.calibrations.empty() || fit.calibrations.back().accelerator != key.accelerator)
      fit.calibrations.push_back({.id = key.accelerator, .accelerator = key.accelerator, .curves = {}, .source = source,
                                  .note = "Medians by size over number formats and repetitions, in bins where there are more than 24 sizes; between sizes "
                                          "log-log. Made by waferwatt calibrate collectives; docs/models/network.md.",
                                  .quality = catalog::Quality::derived});
    fit.calibrations.back().curves.push_back(std::move(curve));
  }
  return fit;
}

std::string collective_text(const catalog::CollectiveCalibration& calibration) {
  std::string text = fmt::format("{{\n \"id\": \"{}\",\n \"accelerator\": \"{}\",\n \"source\": \"{}\",\n \"quality\": \"{}\",\n \"note\": \"{}\",\n \"curves\": [",
                                 calibration.id, calibration.accelerator, calibration.source, io::enum_text(calibration.quality), calibration.note);
  bool first = true;
  for (const auto& curve : calibration.curves) {
    text += fmt::format("{}\n  {{\n   \"operation\": \"{}\",\n   \"library\": \"{}\",\n", first ? "" : ",", curve.operation, curve.library);
    if (curve.source) text += fmt::format("   \"source\": \"{}\",\n", *curve.source);
    text += fmt::format("   \"n_ranks\": {},\n", curve.n_ranks);
    if (curve.n_nodes != 1) text += fmt::format("   \"n_nodes\": {},\n", curve.n_nodes);
    text += fmt::format("   \"sizes_byte\": {},\n   \"times_us\": {},\n   \"n_points\": {},\n   \"held_out_error\": {:.3g}\n  }}",
                        list_of(curve.sizes_byte, 9), list_of(curve.times_us, 4), curve.n_points, curve.held_out_error);
    first = false;
  }
  return text + "\n ]\n}\n";
}

}  // namespace waferwatt::validation
