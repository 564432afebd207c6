// SPDX-License-Identifier: Apache-2.0
#pragma once
// Scenario kind "serving": a model on accelerators under load.
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/serving/summary.hpp"

namespace waferwatt::scenario {

struct ServingScenario {
  catalog::Reference<catalog::LanguageModel> model;
  catalog::Reference<catalog::Accelerator> accelerator;
  std::int64_t tensor_parallel = 1, n_replicas = 1;
  serving::Router router = serving::Router::least_outstanding;
  bool expert_parallel = true;
  std::optional<catalog::NumberFormat> weight_format;  ///< absent: the model's own
  catalog::NumberFormat kv_format = catalog::NumberFormat::bf16;
  serving::EngineSettings engine;
  serving::Workload workload;
  serving::ServiceLevel service_level;
  catalog::Reference<catalog::Grid> grid{"us-average"};
  Date date = Date::from_civil(2025, 1, 1);  ///< at which the grid's carbon intensity is read
  double pue = 1.2;
  std::optional<MoneyRate> accelerator_hour_price;

  static const io::Record<ServingScenario>& record();
};

/// Unknown ids, and formats the accelerator does not compute in.
void check(const ServingScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics);

/// Tables: requests (one row each), percentiles, timeline. Ledger: what the requests' time went to,
/// and what the accelerators' iterations waited for.
/// Makes a SimgridLoop: at most one run in a process.
Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context);

/// The same on a loop of the caller's.
Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context,
           engine::EventLoop& loop);

}  // namespace waferwatt::scenario
