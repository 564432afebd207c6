// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured and reported power, times, energy and carbon against the power model.
//
// A file is {"schema": "waferwatt.power-cases/1", "cases": [...]}. The family says
// what is predicted and which inputs count.
#include <map>
#include <optional>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

enum class PowerFamily { site_power, build_time, node_power, decode_power, emissions, electricity, pue };

struct CaseFleet {
  std::string accelerator;
  double n = 0;

  static const io::Record<CaseFleet>& record();
};

struct PowerCase {
  std::string id, source, note;
  PowerFamily family = PowerFamily::site_power;
  bool fitted = false;     ///< the model was fitted with it
  std::optional<double> goal;

  // What was measured: one of these.
  std::optional<Power> power;
  std::optional<Time> time;
  std::optional<Energy> energy;
  std::optional<CarbonMass> carbon;
  std::optional<double> ratio;

  // What is known of it.
  std::vector<CaseFleet> fleet;
  std::string build = "greenfield";
  std::optional<Date> cleared;
  double load = 1;                            ///< GPU power over TDP; mean over rated power of a training run
  std::optional<Time> accelerator_time;
  std::optional<Power> tdp, rated_server_power;  ///< of accelerators that are not in the catalog
  double pue = 1.1, network_and_storage = 1.155;
  CarbonIntensity intensity;
  bool tdp_only = false;                      ///< the report counts TDP times hours
  std::string model;
  double batch = 1, context = 0, tensor_parallel = 1;
  std::optional<Energy> base;                 ///< of a year
  double years = 0, growth = 0;
  std::string grid, cooling = "air";

  static const io::Record<PowerCase>& record();
};

struct PowerCaseFile {
  std::string schema;
  std::vector<PowerCase> cases;

  static const io::Record<PowerCaseFile>& record();
};

struct PowerPrediction {
  std::string id, family, unit;
  double measured = 0, predicted = 0;
  bool fitted = false;
  std::optional<double> goal;

  double error() const { return predicted / measured - 1; }
  bool passes() const { return !goal || std::abs(error()) <= *goal; }
};

struct PowerReport {
  std::vector<PowerPrediction> rows;
  std::vector<std::pair<std::string, std::string>> skipped;  ///< id and reason

  io::Value json() const;
  std::string text() const;
};

/// \throws InputError when the file cannot be read; cases that cannot be predicted are skipped with their reason
PowerReport validate_power(const std::string& file, const catalog::Catalog& catalog);

}  // namespace waferwatt::validation

namespace waferwatt::io {
template <> struct EnumTexts<validation::PowerFamily> {
  static constexpr std::array values{std::pair{validation::PowerFamily::site_power, "site_power"}, std::pair{validation::PowerFamily::build_time, "build_time"},
                                     std::pair{validation::PowerFamily::node_power, "node_power"}, std::pair{validation::PowerFamily::decode_power, "decode_power"},
                                     std::pair{validation::PowerFamily::emissions, "emissions"},   std::pair{validation::PowerFamily::electricity, "electricity"},
                                     std::pair{validation::PowerFamily::pue, "pue"}};
};
}  // namespace waferwatt::io
