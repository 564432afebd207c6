// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a system can do with a workload, simulated once and kept on disk by the content of all that went in.
#include <filesystem>
#include <functional>
#include <string>

#include "waferwatt/cost/measured_surfaces.hpp"
#include "waferwatt/serving/capability.hpp"

namespace waferwatt::scenario {

/// What an accelerator of a cluster does in training, under the best plan that was found.
struct TrainingCapability {
  double utilisation = 0;        ///< model FLOP over peak FLOP in the plan's format
  FlopRate rate;                 ///< model FLOP of one accelerator
  Power mean_power, idle_power;  ///< of the accelerator alone; idle: powered and without work
  DataSize memory;               ///< of one accelerator
  std::string plan, infeasible;  ///< infeasible: the reason with its numbers; empty when there is a plan
};

/// The cluster by which accelerators are compared in training.
struct ReferenceTraining {
  std::int64_t n_accelerators = 256, global_batch = 512, sequence_length = 4096;
};

class CapabilityStore {
 public:
  /// \param folder where results are kept; empty: nowhere
  CapabilityStore(const catalog::Catalog& catalog, std::filesystem::path folder);

  /// WAFERWATT_CACHE, or waferwatt under the user's cache folder; empty where neither is known or it is "off".
  static std::filesystem::path default_folder();

  serving::ServingCapability serving(const catalog::LanguageModel&, const catalog::Accelerator&, const serving::ReferenceWorkload&) const;
  TrainingCapability training(const catalog::LanguageModel&, const catalog::Accelerator&, const ReferenceTraining& = {}) const;

 private:
  /// What was kept under the name, or what `make` makes, which is then kept.
  std::string bytes(const std::string& what, const std::function<std::string()>& make) const;

  const catalog::Catalog& catalog_;
  mutable cost::MeasuredSurfaces surfaces_;
  std::filesystem::path folder_;
  std::string base_;  ///< fingerprint of the program and of the parts of the catalog that every capability may read
};

}  // namespace waferwatt::scenario
