// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured training iterations and how well the model predicts them.
//
// Two forms are read:
//   CSV with the columns gpus, global_batch, micro_batch, hidden_size, attention_heads, layers,
//   sequence_length, tensor_parallel, data_parallel, pipeline_parallel, iteration_time_ms: GPT-style models
//   trained with Megatron of 2021 on A100 with HDR InfiniBand;
//   JSON, a list of objects with id, source, model, hardware, plan, measured, replayable: published results.
//   Those whose `replayable` is "full" are simulated; others are skipped with the reason.
#include <map>
#include <optional>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/training/step.hpp"

namespace waferwatt::validation {

struct TrainingCase {
  std::string id, group;
  std::string software;  ///< name of a software stack
  catalog::LanguageModel model;
  catalog::Accelerator accelerator;
  network::TwoLevelNetwork network;
  std::int64_t n_accelerators = 1;
  training::Plan plan;
  Time measured;
  std::optional<DataSize> measured_memory;  ///< of one accelerator
};

struct SkippedCase {
  std::string id, reason;
};

struct TrainingCases {
  std::vector<TrainingCase> cases;
  std::vector<SkippedCase> skipped;
};

/// \param with_partial simulate also rows whose `replayable` is "partial", absent members at their usual values
/// \throws InputError when the file cannot be read or lacks columns
TrainingCases read_training_cases(const std::string& file, const catalog::Catalog&, bool with_partial = false);

struct TrainingPrediction {
  Time time;
  DataSize memory;  ///< of the fullest accelerator
  training::Breakdown breakdown;
};
TrainingPrediction prediction(const TrainingCase&, const catalog::Catalog&, const training::Software&);

struct PercentErrors {
  std::size_t n = 0;
  double median = 0, mean = 0, p90 = 0;  ///< of the absolute error in per cent
  double bias = 0;                       ///< mean of the signed error in per cent
};
PercentErrors percent_errors(std::vector<double> signed_percent);

struct TrainingReport {
  std::size_t n_cases = 0;
  std::vector<SkippedCase> skipped;
  std::map<std::string, PercentErrors> metrics;                         ///< by metric
  std::map<std::string, std::map<std::string, PercentErrors>> groups;  ///< by group, then metric
  /// Predicted and measured times, worst first.
  struct Row {
    std::string id, group;
    double measured_s = 0, predicted_s = 0, error_percent = 0;
  };
  std::vector<Row> rows;

  io::Value json() const;
  std::string text() const;
};
TrainingReport validate_training(const TrainingCases&, const catalog::Catalog&);

/// Rows of figures that ship with the project: the SC'21 and selective-recomputation tables of Megatron,
/// Llama 3's table of plans, DeepSeek-V3.
TrainingCases shipped_training_cases(const catalog::Catalog&);

}  // namespace waferwatt::validation
