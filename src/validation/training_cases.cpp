// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/training_cases.hpp"

#include <fmt/format.h>

#include "training_csv.hpp"
#include "training_row.hpp"
#include "waferwatt/training/memory.hpp"

namespace waferwatt::validation {
namespace {

TrainingCases read_json(const std::string& file, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const Value document = io::read_json_file(file, diagnostics);
  diagnostics.throw_if_any();
  const auto* rows = document.get_if<Value::List>();
  if (!rows) throw InputError(file + ": a list of cases is expected");
  TrainingCases found;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    std::string id = text_of((*rows)[i], "id");
    add_row(found, (*rows)[i], id.empty() ? fmt::format("row {}", i + 1) : id, catalog);
  }
  return found;
}

}  // namespace

TrainingCases read_training_cases(const std::string& file, const catalog::Catalog& catalog) {
  return file.ends_with(".json") ? read_json(file, catalog) : read_training_csv(file, catalog);
}

void TrainingCases::add(TrainingCases other) {
  std::ranges::move(other.cases, std::back_inserter(cases));
  std::ranges::move(other.skipped, std::back_inserter(skipped));
}

struct Predictor::Cache {
  const catalog::Catalog& catalog;
  std::map<std::pair<std::string, double>, cost::OperatorModel> operators;

  /// Rows may give the same accelerator another memory bandwidth.
  const cost::OperatorModel& of(const catalog::Accelerator& a) {
    const std::pair key{a.id, a.memory_bandwidth->in(byte / second)};
    const auto at = operators.find(key);
    return at != operators.end() ? at->second : operators.try_emplace(key, a, catalog).first->second;
  }
};

Predictor::Predictor(const catalog::Catalog& catalog) : cache_(new Cache{catalog, {}}) {}
Predictor::~Predictor() = default;

namespace {

DataSize counted(const training::MemoryUse& use, MemoryCount count) {
  switch (count) {
    case MemoryCount::planned:
      return use.states() + use.activations;
    case MemoryCount::allocated:
      return use.allocated();
    case MemoryCount::device:
      return use.total();
  }
  return use.total();
}

}  // namespace

TrainingPrediction Predictor::predict(const TrainingCase& c, const training::Software& software) const {
  const auto step = training::step(c.model, c.plan, {cache_->of(c.accelerator), c.network, software});
  return {step.iteration_time(), counted(training::peak_memory(c.model, c.plan), c.memory_counts), step.breakdown};
}

Time Predictor::time(const TrainingCase& c, const training::Software& software) const {
  return training::step(c.model, c.plan, {cache_->of(c.accelerator), c.network, software}).iteration_time();
}

}  // namespace waferwatt::validation
