// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured training iterations and how well the model predicts them.
//
// Two forms are read:
//   CSV with the columns gpus, global_batch, micro_batch, hidden_size, attention_heads, layers,
//   sequence_length, tensor_parallel, data_parallel, pipeline_parallel, iteration_time_ms: GPT-style models
//   trained with Megatron of 2021 on A100 in nodes of eight with four HDR InfiniBand adapters;
//   JSON, a list of objects with id, source, model, hardware, plan, measured, replayable: published results.
//   Rows whose `replayable` is "full" are simulated, and those that are "partial" with what they lack at its usual
//   value, as groups and a metric of their own; others are skipped with the reason.
#include <map>
#include <memory>
#include <optional>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/training/step.hpp"
#include "waferwatt/validation/skipped.hpp"

namespace waferwatt::validation {

/// What a measurement of memory counts.
enum class MemoryCount {
  planned,    ///< states and activations, as papers compute them
  allocated,  ///< by the framework, at most
  device      ///< all that is used of the accelerator
};

struct TrainingCase {
  std::string id, group;
  std::string software;  ///< name of a software stack
  bool software_is_known = true;  ///< false: the default stands in for it
  bool is_partial = false;        ///< what the row does not say is at its usual value
  catalog::LanguageModel model;
  catalog::Accelerator accelerator;
  network::TwoLevelNetwork network;
  std::int64_t n_accelerators = 1;
  training::Plan plan;
  Time measured;  ///< zero: only memory
  std::optional<DataSize> measured_memory;  ///< of one accelerator
  MemoryCount memory_counts = MemoryCount::device;
};

struct TrainingCases {
  std::vector<TrainingCase> cases;
  std::vector<Skipped> skipped;

  void add(TrainingCases other);
};

/// \throws InputError when the file cannot be read or lacks columns
TrainingCases read_training_cases(const std::string& file, const catalog::Catalog&);

struct TrainingPrediction {
  Time time;
  DataSize memory;  ///< of the fullest accelerator, as the case counts it
  training::Breakdown breakdown;
};

/// Predicts cases; accelerators' operator models are kept between them. Not for several threads at once.
class Predictor {
 public:
  explicit Predictor(const catalog::Catalog&);
  ~Predictor();

  TrainingPrediction predict(const TrainingCase&, const training::Software&) const;
  Time time(const TrainingCase&, const training::Software&) const;

 private:
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

struct PercentErrors {
  std::size_t n = 0;
  double median = 0, mean = 0, p90 = 0;  ///< of the absolute error in per cent
  double bias = 0;                       ///< mean of the signed error in per cent
};
PercentErrors percent_errors(std::vector<double> signed_percent);

struct TrainingReport {
  std::size_t n_cases = 0, n_assumed_software = 0;
  std::vector<Skipped> skipped;
  std::map<std::string, PercentErrors> metrics;                         ///< by metric
  std::map<std::string, std::map<std::string, PercentErrors>> groups;  ///< by group, then metric
  /// Predicted and measured times, worst first.
  struct Row {
    std::string id, group;
    double measured_s = 0, predicted_s = 0, error_percent = 0;
    bool held_out = false;  ///< of the half that no number was fitted to
    training::Breakdown breakdown;
    DataSize memory, measured_memory;  ///< zero where none was measured
  };
  std::vector<Row> rows;

  /// Every case as a line of CSV, with the parts of its predicted iteration.
  std::string points() const;

  io::Value json() const;
  std::string text() const;
};
TrainingReport validate_training(const TrainingCases&, const catalog::Catalog&);

/// Rows of figures that ship with the project: the SC'21 and selective-recomputation tables of Megatron,
/// Llama 3's table of plans, DeepSeek-V3, runs of Megatron-Core on B200.
TrainingCases shipped_training_cases(const catalog::Catalog&);

}  // namespace waferwatt::validation
