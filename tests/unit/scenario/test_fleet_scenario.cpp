// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"
#include "waferwatt/scenario/power_scenario.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

const catalog::Catalog& models() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

template <class S>
S scenario_of(const std::string& text) {
  Diagnostics diagnostics;
  const auto value = io::parse_json(WAFERWATT_SOURCE_DIR "/scenarios/test.json", text, diagnostics);
  io::ReadContext context{diagnostics};
  S s;
  S::record().read(value, "", context, s);
  check(s, models(), diagnostics);
  diagnostics.throw_if_any();
  return s;
}

double metric(const Result& result, const std::string& name, const std::map<std::string, std::string>& dims = {}) {
  for (const auto& m : result.metrics)
    if (m.name == name && m.dims == dims) return m.value;
  FAIL("no metric " << name);
  return 0;
}

Result play(const std::string& text) {
  engine::BareLoop loop;
  return run(scenario_of<FleetScenario>(text), models(), {}, loop);
}

}  // namespace

TEST_CASE("a fleet's accounts add up and its hours split as the training scenario's iteration") {
  const auto result = play(R"({
    "sites": [{"name": "a", "system": "nvidia-dgx-h100", "n_accelerators": 2048, "grid": "us-pjm", "relative_failure_rate": 0}],
    "jobs": [{"name": "run", "n_accelerators": 2048, "duration": "10 day", "traits": {"scenario": "train-llama3-70b-h100.json"}}]})");
  CHECK(metric(result, "ledger_error") < 1e-9);
  CHECK(metric(result, "energy_error") < 1e-9);
  const double useful = metric(result, "accelerator_hours", {{"use", "useful"}}), bubble = metric(result, "accelerator_hours", {{"use", "bubble"}});
  CHECK(useful > 0.5 * 2048 * 240);
  CHECK(bubble > 0);
  CHECK(metric(result, "accelerator_hours", {{"use", "exposed communication"}}) > 0);
  // An accelerator at P watts: its server draws P + (0.257 + 0.43 P / 700) x 575 W of 1,275 W, IT the same part of 1,472 W.
  const auto at = result.headline.find(" W an accelerator");
  REQUIRE(at != std::string::npos);
  const double p = std::stod(result.headline.substr(result.headline.rfind(' ', at - 1)));
  CHECK(p > 400);
  CHECK(p < 700);
  const double it_mw = 1.472e-3 * (p + (0.257 + 0.43 * p / 700) * 575) / 1275;
  CHECK(metric(result, "energy") / metric(result, "pue", {{"site", "a"}}) == Approx(2048 * it_mw * 240).epsilon(0.002));
}

TEST_CASE("power events slow, and inference first spares deployments") {
  const std::string site = R"("horizon": "2 day", "capping": "inference-first", "sites": [{"name": "a", "system": "nvidia-dgx-h100", "n_accelerators": 64, "grid": "us-pjm",
    "power_events": [{"start": "6 h", "duration": "12 h", "fraction": 0.55}], "relative_failure_rate": 0}],)";
  const auto result = play("{" + site + R"("jobs": [{"name": "t", "n_accelerators": 32, "duration": "30 h"}, {"name": "s", "kind": "serving", "n_accelerators": 32}]})");
  const auto& jobs = result.tables.front();
  CHECK(jobs.numbers("capped_h")[0] > 0);
  CHECK(jobs.numbers("capped_h")[1] == 0);
  CHECK(metric(result, "ledger_error") < 1e-9);
}

TEST_CASE("options rank by when chips run") {
  const auto s = scenario_of<PowerScenario>(R"({"start": "2025-01", "duration": "5 year", "n_draws": 50, "options": [
    {"name": "grid", "build": "greenfield", "source": "grid-connection", "grid": "us-pjm", "system": "nvidia-gb200-nvl72", "cleared": "2025-01", "delivered": [["2026-01", 0], ["2027-01", 1000]]},
    {"name": "engines", "build": "greenfield", "source": "gas-engines", "grid": "us-pjm", "system": "nvidia-gb200-nvl72", "cleared": "2025-01", "delivered": [["2026-01", 0], ["2027-01", 1000]]}]})");
  const auto result = run(s, models(), {});
  CHECK(metric(result, "first_power", {{"option", "engines"}}) < metric(result, "first_power", {{"option", "grid"}}));
  CHECK(metric(result, "accelerator_hours_running", {{"option", "engines"}}) > metric(result, "accelerator_hours_running", {{"option", "grid"}}));
  // All delivered hours are somewhere: a ramp to 1,000 over 2026, then 1,000 to the end of 2029.
  const double all = metric(result, "accelerator_hours_running", {{"option", "grid"}}) + metric(result, "accelerator_hours_awaiting_site", {{"option", "grid"}}) +
                     metric(result, "accelerator_hours_awaiting_power", {{"option", "grid"}});
  CHECK(all == Approx(1000 * 24 * (365 / 2.0 + 365 * 3 + 1)).epsilon(0.003));
}

TEST_CASE("a heat wave costs work only where there is a limit") {
  const auto s = scenario_of<PowerScenario>(R"({"start": "2025-08", "duration": "20 day", "operations": [
    {"name": "free", "grid": "us-ercot", "it_nameplate": "100 MW", "heat_wave": {"start": "2025-08-05", "duration": "10 day"}},
    {"name": "tight", "grid": "us-ercot", "it_nameplate": "100 MW", "limit": "88 MW", "heat_wave": {"start": "2025-08-05", "duration": "10 day"}}]})");
  const auto result = run(s, models(), {});
  CHECK(metric(result, "work_fraction", {{"site", "free"}}) == Approx(1));
  CHECK(metric(result, "work_fraction", {{"site", "tight"}}) < 0.999);
  CHECK(metric(result, "energy_error", {{"site", "tight"}}) < 1e-9);
}
