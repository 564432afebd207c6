// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "validate_sets.hpp"
#include "waferwatt/validation/serving_fit.hpp"
#include "waferwatt/validation/serving_requests.hpp"

namespace waferwatt::cli {
namespace {

int fit_profiles(const validation::ServingCases& cases, const Arguments& arguments, const catalog::Catalog& catalog) {
  const auto n_jobs = static_cast<unsigned>(arguments.whole_number("--jobs", 1).value_or(std::max(1u, std::thread::hardware_concurrency())));
  std::vector<std::string> backends;
  if (const auto backend = arguments.value("--backend")) backends.push_back(*backend);
  for (const auto& c : cases.cases)
    if (!arguments.has("--backend") && std::ranges::find(backends, c.backend) == backends.end()) backends.push_back(c.backend);
  for (const auto& backend : backends) fmt::print("{}\n", text_of(validation::fit_backend(cases, backend, catalog, n_jobs, arguments.values("--without"))));
  return kOk;
}

}  // namespace

int validate_serving(const Arguments& arguments) {
  const auto& catalog = *shared_catalog();
  const auto files = arguments.values("--cases");
  if (files.size() == 1 && std::filesystem::is_directory(files[0])) {
    const auto report = validation::validate_request_run(validation::read_request_run(files[0], catalog), catalog);
    fmt::print("{}", arguments.has("--json") ? io::to_json(report.json()) : report.text());
    return kOk;
  }
  validation::ServingCases cases;
  if (files.empty()) cases = validation::shipped_serving_cases(catalog);
  for (const auto& file : files) cases.add(validation::read_serving_cases(file, catalog));
  if (arguments.has("--without") && !arguments.has("--fit")) throw UsageError("--without needs --fit: nothing else leaves cases out");
  if (arguments.has("--fit")) return fit_profiles(cases, arguments, catalog);
  const auto report = validation::validate_serving(cases, catalog);
  if (const auto points = arguments.value("--points")) {
    std::ofstream out(*points);
    out << report.points();
    if (!out) throw InputError(*points + ": cannot be written");
  }
  fmt::print("{}", arguments.has("--json") ? io::to_json(report.json()) : report.text());
  return kOk;
}

}  // namespace waferwatt::cli
