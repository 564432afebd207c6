// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/power_cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/power/carbon.hpp"
#include "waferwatt/power/climate.hpp"
#include "waferwatt/power/levels.hpp"
#include "waferwatt/power/time_to_power.hpp"

namespace waferwatt::validation {
namespace {

constexpr const char* kPowerSchema = "waferwatt.power-cases/1";

struct Quantity1 {
  double value;
  const char* unit;
};

/// Why a case cannot be predicted.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const catalog::Accelerator& accelerator_of(const PowerCase& c, const catalog::Catalog& catalog) {
  if (c.fleet.empty()) throw Unusable("needs \"fleet\"");
  return catalog.accelerators.at(c.fleet.front().accelerator);
}

power::PowerLevels fleet_power(const PowerCase& c, const catalog::Catalog& catalog) {
  power::PowerLevels sum;
  for (const auto& part : c.fleet) sum += part.n * power::facility_power(catalog.accelerators.at(part.accelerator), catalog.system_of(part.accelerator));
  return sum;
}

Power decode_power(const PowerCase& c, const catalog::Catalog& catalog) {
  const auto& model = catalog.language_models.at(c.model);
  const cost::OperatorModel operators(accelerator_of(c, catalog), catalog);
  Time time;
  Energy energy;
  const auto add = [&](const cost::Estimate& e, double n) { time += n * e.time, energy += n * operators.energy(e); };
  const double hidden = static_cast<double>(model.hidden_size.value), layers = static_cast<double>(model.n_layers.value), heads = static_cast<double>(model.n_heads.value),
               kv_heads = static_cast<double>(model.kv_heads()), head = static_cast<double>(model.head_size()), ffn = static_cast<double>(model.ffn_size.value),
               split = c.tensor_parallel;
  add(operators.estimate(cost::Gemm{c.batch, (heads + 2 * kv_heads) * head / split, hidden}), layers);
  add(operators.estimate(cost::Gemm{c.batch, hidden, heads * head / split}), layers);
  add(operators.estimate(cost::Gemm{c.batch, 2 * ffn / split, hidden}), layers);
  add(operators.estimate(cost::Gemm{c.batch, hidden, ffn / split}), layers);
  add(operators.estimate(cost::DecodeAttention{c.batch, c.batch * c.context, heads / split, head, head, 2 * kv_heads * head * 2 / split * byte}), layers);
  add(operators.estimate(cost::Gemm{c.batch, static_cast<double>(model.vocabulary.value) / split, hidden}), 1);
  return energy / time;
}

Quantity1 emissions(const PowerCase& c, const catalog::Catalog& catalog) {
  if (!c.accelerator_time) throw Unusable("needs \"accelerator_time\"");
  const Power tdp = c.tdp ? *c.tdp : *accelerator_of(c, catalog).tdp;
  const Power rated = c.rated_server_power ? *c.rated_server_power : power::rated_server_power(accelerator_of(c, catalog), catalog.system_of(c.fleet.front().accelerator));
  const Energy energy = (c.tdp_only ? tdp : rated * c.load * c.network_and_storage * c.pue) * *c.accelerator_time;
  if (c.energy) return {energy.in(mega * watt_hour), "MWh"};
  return {(energy * c.intensity).in(1000 * kg_co2e), "tCO2e"};
}

double mean_pue(const PowerCase& c, const catalog::Catalog& catalog, const catalog::EnergyShelves& energy) {
  const auto kind = c.cooling == "liquid" ? power::CoolingKind::liquid : c.cooling == "legacy-air" ? power::CoolingKind::legacy_air : power::CoolingKind::air;
  const auto design = power::CoolingDesign::of(kind, power::HeatRejection::dry);
  const auto around = power::surroundings(catalog.grids.at(c.grid), energy.climates.find(c.grid), power::hour_of(Date::from_civil(2024, 1, 1)), 8784, RandomStream(1, "weather"));
  Power it, all;
  for (const auto& weather : around.weather.values()) {
    const auto load = power::facility_load(design, c.load * mega * watt, mega * watt, weather);
    it += load.it, all += load.total();
  }
  return all / it;
}

Quantity1 predict(const PowerCase& c, const catalog::Catalog& catalog, const catalog::EnergyShelves& energy) {
  switch (c.family) {
    case PowerFamily::site_power: return {fleet_power(c, catalog).nameplate.in(mega * watt), "MW"};
    case PowerFamily::build_time: {
      if (!c.cleared) throw Unusable("needs \"cleared\"");
      return {energy.campus_builds.at(c.build).building->at(*c.cleared).in(month), "month"};
    }
    case PowerFamily::node_power: {
      const auto& a = accelerator_of(c, catalog);
      return {power::server_power(a, catalog.system_of(a.id), c.load).in(kilo * watt) * c.fleet.front().n, "kW"};
    }
    case PowerFamily::decode_power: return {decode_power(c, catalog).in(watt), "W"};
    case PowerFamily::emissions: return emissions(c, catalog);
    case PowerFamily::electricity: {
      if (!c.base) throw Unusable("needs \"base\"");
      const Energy fleet = fleet_power(c, catalog).mean * year;
      return {(*c.base * std::pow(1 + c.growth, c.years) + fleet).in(tera * watt_hour), "TWh"};
    }
    case PowerFamily::pue: return {mean_pue(c, catalog, energy), "1"};
  }
  throw Unusable("unknown family");
}

double measured_of(const PowerCase& c, const std::string& unit) {
  const auto need = [&](bool there, const char* key) {
    if (!there) throw Unusable(fmt::format("needs the measured \"{}\"", key));
  };
  if (unit == "MW" || unit == "kW" || unit == "W") return need(c.power.has_value(), "power"), c.power->in((unit == "MW" ? mega : unit == "kW" ? kilo : 1.0) * watt);
  if (unit == "month") return need(c.time.has_value(), "time"), c.time->in(month);
  if (unit == "MWh" || unit == "TWh") return need(c.energy.has_value(), "energy"), c.energy->in((unit == "MWh" ? mega : tera) * watt_hour);
  if (unit == "tCO2e") return need(c.carbon.has_value(), "carbon"), c.carbon->in(1000 * kg_co2e);
  return need(c.ratio.has_value(), "ratio"), *c.ratio;
}

/// Build times from a straight line through the other cases: what the model would say of a campus it has not seen.
void add_left_out(const std::vector<PowerCase>& cases, PowerReport& report) {
  std::vector<const PowerCase*> builds;
  for (const auto& c : cases)
    if (c.family == PowerFamily::build_time && c.build == "greenfield" && c.cleared && c.time) builds.push_back(&c);
  if (builds.size() < 4) return;
  for (const auto* left_out : builds) {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const auto* c : builds) {
      if (c == left_out) continue;
      const double a = c->cleared->days(), b = c->time->in(month);
      n += 1, x += a, y += b, xx += a * a, xy += a * b;
    }
    const double slope = (n * xy - x * y) / (n * xx - x * x), value = y / n + slope * (left_out->cleared->days() - x / n);
    report.rows.push_back({left_out->id + " (left out)", "build_time left out", "month", left_out->time->in(month), value, false, {}});
  }
}

}  // namespace

const io::Record<CaseFleet>& CaseFleet::record() {
  static const auto record = io::Record<CaseFleet>("case_fleet", "Accelerators of one kind.")
                                 .required("accelerator", &CaseFleet::accelerator, {.doc = "Accelerator id."})
                                 .required("n", &CaseFleet::n, {.doc = "How many.", .above = 0.0, .at_most = 1e9});
  return record;
}

const io::Record<PowerCase>& PowerCase::record() {
  using C = PowerCase;
  static const auto record =
      io::Record<C>("power_case", "Something measured or reported.")
          .required("id", &C::id, {.doc = "Id."})
          .required("family", &C::family, {.doc = "What is predicted."})
          .optional("source", &C::source, {.doc = "Where it is from."})
          .optional("note", &C::note, {.doc = "Remarks."})
          .optional("fitted", &C::fitted, {.doc = "The model was fitted with it."})
          .optional("goal", &C::goal, {.doc = "Largest relative error that passes.", .above = 0.0, .at_most = 10.0})
          .optional("power", &C::power, {.doc = "Measured power.", .above = 0 * watt})
          .optional("time", &C::time, {.doc = "Measured time.", .above = 0 * second})
          .optional("energy", &C::energy, {.doc = "Measured energy.", .above = 0 * joule})
          .optional("carbon", &C::carbon, {.doc = "Reported carbon.", .above = 0 * kg_co2e})
          .optional("ratio", &C::ratio, {.doc = "Reported PUE.", .at_least = 1.0, .at_most = 4.0})
          .optional("fleet", &C::fleet, {.doc = "Accelerators."})
          .optional("build", &C::build, {.doc = "Kind of campus."})
          .optional("cleared", &C::cleared, {.doc = "When land was cleared."})
          .optional("load", &C::load, {.doc = "GPU power over TDP (node_power); mean over rated power (emissions); IT over nameplate (pue).", .above = 0.0, .at_most = 1.5})
          .optional("accelerator_time", &C::accelerator_time, {.doc = "Accelerator-hours.", .above = 0 * second})
          .optional("tdp", &C::tdp, {.doc = "Of an accelerator that is not in the catalog.", .above = 0 * watt})
          .optional("rated_server_power", &C::rated_server_power, {.doc = "The same, with its share of the server.", .above = 0 * watt})
          .optional("pue", &C::pue, {.doc = "Of the site.", .at_least = 1.0, .at_most = 4.0})
          .optional("network_and_storage", &C::network_and_storage, {.doc = "IT over servers.", .at_least = 1.0, .at_most = 3.0})
          .optional("intensity", &C::intensity, {.doc = "Of its electricity.", .at_least = 0 * kg_co2e / watt_hour})
          .optional("tdp_only", &C::tdp_only, {.doc = "The report counts TDP times hours."})
          .optional("model", &C::model, {.doc = "Language model that decodes."})
          .optional("batch", &C::batch, {.doc = "Sequences.", .at_least = 1.0, .at_most = 1e6})
          .optional("context", &C::context, {.doc = "Tokens of each.", .at_least = 0.0, .at_most = 1e8})
          .optional("tensor_parallel", &C::tensor_parallel, {.doc = "Accelerators.", .at_least = 1.0, .at_most = 4096.0})
          .optional("base", &C::base, {.doc = "Energy of the base year without the fleet.", .above = 0 * joule})
          .optional("years", &C::years, {.doc = "From the base year.", .at_least = 0.0, .at_most = 50.0})
          .optional("growth", &C::growth, {.doc = "Of the base a year.", .at_least = -1.0, .at_most = 5.0})
          .optional("grid", &C::grid, {.doc = "Grid whose weather counts."})
          .optional("cooling", &C::cooling, {.doc = "air, liquid or legacy-air."});
  return record;
}

const io::Record<PowerCaseFile>& PowerCaseFile::record() {
  using F = PowerCaseFile;
  static const auto record = io::Record<F>("power_cases", "Measured and reported power.")
                                 .required("schema", &F::schema, {.doc = "\"waferwatt.power-cases/1\"."})
                                 .required("cases", &F::cases, {.doc = "The cases."})
                                 .check([](const F& f, const io::FieldComplaint& complain) {
                                   if (f.schema != kPowerSchema) complain("schema", fmt::format("expected \"{}\"", kPowerSchema));
                                 });
  return record;
}

PowerReport validate_power(const std::string& file, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const io::Value document = io::read_json_file(file, diagnostics);
  diagnostics.throw_if_any();
  PowerCaseFile cases;
  io::ReadContext context{diagnostics};
  PowerCaseFile::record().read(document, "", context, cases);
  diagnostics.throw_if_any();
  const auto energy = catalog::EnergyShelves::load(catalog.folder);
  PowerReport report;
  for (const auto& c : cases.cases) {
    try {
      const auto [value, unit] = predict(c, catalog, energy);
      report.rows.push_back({c.id, io::enum_text(c.family), unit, measured_of(c, unit), value, c.fitted, c.goal});
    } catch (const Unusable& reason) {
      report.skipped.emplace_back(c.id, reason.what());
    } catch (const InputError& error) {
      report.skipped.emplace_back(c.id, error.what());
    }
  }
  add_left_out(cases.cases, report);
  return report;
}

}  // namespace waferwatt::validation
