// SPDX-License-Identifier: Apache-2.0
#pragma once
// Scenario kind "serving": a model on accelerators under load.
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/serving/summary.hpp"

namespace waferwatt::scenario {

/// Of 8-bit weights: one scale for a tensor, or one for 128 numbers.
enum class WeightScales { tensor, block };

/// Replicas that are alike: how each is split and batches, and how many there are.
struct ServingReplicas {
  std::optional<catalog::Reference<catalog::Accelerator>> accelerator;
  std::int64_t tensor_parallel = 1, data_parallel = 1, pipeline_parallel = 1, n_replicas = 1;
  bool expert_parallel = true, two_batch_overlap = false;
  std::int64_t redundant_experts = 0;
  std::optional<std::string> backend;                  ///< whose kernels and host work; absent: the calibrated ones
  std::optional<catalog::NumberFormat> weight_format;  ///< absent: the model's own
  std::optional<WeightScales> weight_scales;           ///< absent: as the model was released
  catalog::NumberFormat kv_format = catalog::NumberFormat::bf16;
  serving::EngineSettings engine;
  serving::Role role = serving::Role::mixed;
  std::optional<MoneyRate> accelerator_hour_price;
  io::Location where;

  static const io::Record<ServingReplicas>& record();
};

/// What the search for a deployment may choose from; empty lists: what the scenario has.
struct ServingSearch {
  std::vector<catalog::Reference<catalog::Accelerator>> accelerators;
  std::map<std::string, MoneyRate> accelerator_hour_prices;  ///< by accelerator
  std::vector<std::int64_t> tensor_parallel, pipeline_parallel;
  std::vector<serving::SchedulerPolicy> policies;
  std::int64_t max_replicas = 64;

  static const io::Record<ServingSearch>& record();
};

struct ServingScenario : ServingReplicas {
  catalog::Reference<catalog::LanguageModel> model;
  std::vector<ServingReplicas> groups;  ///< instead of one group written at the top
  serving::Router router = serving::Router::least_outstanding;
  serving::Workload workload;
  serving::ServiceLevel service_level;
  serving::Admission admission;
  std::optional<serving::Autoscaling> autoscaling;
  std::optional<serving::Failures> failures;
  std::optional<Bandwidth> transfer_bandwidth;
  catalog::Reference<catalog::Grid> grid{"us-average"};
  Date date = Date::from_civil(2025, 1, 1);  ///< at which the grid's carbon intensity is read
  double pue = 1.2;
  std::optional<std::string> requests_file;
  ServingSearch search;

  static const io::Record<ServingScenario>& record();
};

/// Unknown ids, formats the accelerator does not compute in, roles without their counterpart, unreadable traces.
void check(const ServingScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics);

/// Tables: percentiles, timeline, groups, workload, and requests (one row each; of many requests only in
/// `requests_file`). Ledger: what the requests' time went to, and what the accelerators' iterations waited for.
Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context);

/// The same on a loop of the caller's.
Result run(const ServingScenario& scenario, const catalog::Catalog& catalog, const RunContext& context,
           engine::EventLoop& loop);

/// The deployment a scenario describes.
serving::Deployment deployment_of(const ServingScenario& scenario, const catalog::Catalog& catalog);
serving::Rates rates_of(const ServingScenario& scenario, const catalog::Catalog& catalog);

/// What a deployment search is to make least.
enum class ServingObjective { accelerators, cost, energy };

/// The fewest replicas of each accelerator, split and policy that hold the service level, best first, and why the
/// others lose. Results do not depend on the number of jobs.
Result deployment_search(const ServingScenario& scenario, const catalog::Catalog& catalog, ServingObjective objective,
                         std::uint64_t seed, unsigned n_jobs);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <>
struct EnumTexts<scenario::WeightScales> {
  static constexpr std::array values{std::pair{scenario::WeightScales::tensor, "tensor"}, std::pair{scenario::WeightScales::block, "block"}};
};
template <>
struct EnumTexts<scenario::ServingObjective> {
  static constexpr std::array values{std::pair{scenario::ServingObjective::accelerators, "accelerators"},
                                     std::pair{scenario::ServingObjective::cost, "cost"},
                                     std::pair{scenario::ServingObjective::energy, "energy"}};
};
}  // namespace waferwatt::io
