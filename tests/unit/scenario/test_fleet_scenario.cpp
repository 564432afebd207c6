// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/io/csv.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"
#include "waferwatt/scenario/power_scenario.hpp"
#include "waferwatt/scenario/runner.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

const catalog::Catalog& models() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

std::shared_ptr<const catalog::Catalog> shared_models() { return {std::shared_ptr<void>{}, &models()}; }

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

class TemporaryFolder {
 public:
  TemporaryFolder() { std::filesystem::create_directories(folder_); }
  ~TemporaryFolder() { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return path(name);
  }

 private:
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("waferwatt-fleet-" + std::to_string(::getpid()));
};

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

TEST_CASE("a deployment's power, and the part of the time that it serves, are those of its serving scenario") {
  const TemporaryFolder folder;
  const std::string file = folder.write("chat.json", R"({"schema": "waferwatt.scenario/1", "extends": ")" WAFERWATT_SOURCE_DIR
                                                     R"(/scenarios/serve-llama3-70b-azure-like.json", "workload": {"n_requests": 600}})");
  const auto result = play(R"({"horizon": "2 day",
    "sites": [{"name": "a", "system": "nvidia-dgx-h200", "n_accelerators": 64, "grid": "us-pjm", "relative_failure_rate": 0}],
    "jobs": [{"name": "chat", "kind": "serving", "n_accelerators": 64, "traits": {"scenario": ")" + file + R"("}}]})");
  const auto serving = run_isolated(load(file, shared_models())).result;
  const double mean_w = metric(serving, "accelerator_energy") / metric(serving, "accelerator_hours") / 3600, busy = metric(serving, "busy_fraction");
  CHECK(mean_w > 150);
  CHECK(mean_w < 700);
  CHECK(busy < 0.999);
  // DGX H200: 10.2 kW / 8 = 1,275 W an accelerator, 700 W of it TDP; IT with network and storage 1,472 W.
  const double it_w = 1472 * (mean_w + (0.257 + 0.43 * mean_w / 700) * 575) / 1275;
  CHECK(metric(result, "energy") / metric(result, "pue", {{"site", "a"}}) == Approx(64 * 48 * it_w / 1e6).epsilon(1e-6));
  CHECK(metric(result, "accelerator_hours", {{"use", "useful"}}) == Approx(64 * 48 * busy));
  CHECK(metric(result, "accelerator_hours", {{"use", "idle"}}) == Approx(64 * 48 * (1 - busy)));
  CHECK(metric(result, "ledger_error") < 1e-9);
}

TEST_CASE("a scenario that does not say what a job draws is refused where it is named") {
  const auto refusal = [](const std::string& kind, const std::string& file) {
    try {
      play(R"({"horizon": "1 day", "sites": [{"name": "a", "system": "nvidia-dgx-h100", "n_accelerators": 64, "grid": "us-pjm"}],
        "jobs": [{"name": "j", "kind": ")" + kind + R"(", "n_accelerators": 64, "traits": {"scenario": ")" + file + R"("}}]})");
    } catch (const InputError& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };
  const std::string at = WAFERWATT_SOURCE_DIR "/scenarios/test.json:2:", path = ": error at /jobs/0/traits/scenario: ";
  CHECK_THAT(refusal("serving", "train-llama3-70b-h100.json"),
             Catch::StartsWith(at) && Catch::EndsWith(path + "expected a serving scenario for a job of kind serving, this one is of kind training"));
  CHECK_THAT(refusal("training", "power-claim-500t.json"), Catch::EndsWith(path + "expected a training scenario for a job of kind training, this one is of kind power"));
  const TemporaryFolder folder;
  const std::string huge = folder.write("huge.json", R"({"schema": "waferwatt.scenario/1", "extends": ")" WAFERWATT_SOURCE_DIR
                                                     R"(/scenarios/train-llama3-70b-h100.json", "n_accelerators": 64, "parallel": {"data": 64, "tensor": 1, "pipeline": 1}, "zero_stage": 0, "global_batch": 64})");
  CHECK_THAT(refusal("training", huge), Catch::Contains(path + "expected a scenario with a result; this one has none: "));
}

TEST_CASE("a file of jobs has the rows of the table, as they end") {
  const TemporaryFolder folder;
  const std::string fleet = R"("sites": [{"name": "a", "system": "nvidia-dgx-h100", "n_accelerators": 64, "grid": "us-pjm"}],
    "generator": {"n_jobs": 300, "mean_gap": "10 min", "sizes": [1, 8, 72], "weights": [0.6, 0.3, 0.1]})";
  const std::string file = folder.path("jobs.csv");
  const auto result = play("{" + fleet + R"(, "jobs_file": ")" + file + "\"}");
  std::stringstream table;
  io::write_csv(table, result.tables.front());
  const auto lines = [](std::istream& in) {
    std::multiset<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  };
  std::ifstream written(file);
  const auto rows = lines(written);
  CHECK(rows.size() == 301);
  CHECK(rows == lines(table));
  CHECK(metric(result, "jobs_rejected") > 0);
  CHECK_THROWS_WITH(play("{" + fleet + R"(, "jobs_file": ")" + file + "\"}"), "error: " + file + ": exists; results are never overwritten silently");
  // More jobs than the table may have: no part of a table that looks like all of it.
  const auto large = play("{" + fleet + R"(, "largest_job_table": 299})");
  CHECK(large.tables.front().name() == "trace");
  CHECK_THAT(large.headline, Catch::Contains("300 jobs are too many for a table: name a \"jobs_file\" for their rows"));
  CHECK(metric(large, "wait", {{"statistic", "mean"}}) == metric(result, "wait", {{"statistic", "mean"}}));
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

TEST_CASE("every shipped fleet has each accelerator-hour in one of twelve accounts and each joule at the meter") {
  std::size_t n_fleets = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WAFERWATT_SOURCE_DIR "/scenarios")) {
    const std::string file = entry.path().string();
    if (!entry.path().filename().string().starts_with("fleet-") || entry.path().extension() != ".json") continue;
    CAPTURE(file);
    ++n_fleets;
    const auto result = run_isolated(load(file, shared_models())).result;
    CHECK(metric(result, "ledger_error") < 1e-9);
    CHECK(metric(result, "energy_error") < 1e-9);
    // By site: twelve accounts, none negative, whose shares of the delivered hours, counted on their own, add up to one.
    std::map<std::string, double> shares;
    std::map<std::string, std::set<std::string>> uses;
    const auto& sites = result.ledger.texts("site");
    for (std::size_t i = 0; i < sites.size(); ++i) {
      CHECK(result.ledger.numbers("accelerator_hours_h")[i] >= 0);
      shares[sites[i]] += result.ledger.numbers("share")[i];
      uses[sites[i]].insert(result.ledger.texts("use")[i]);
    }
    for (const auto& [site, share] : shares) {
      CHECK(share == Approx(1).epsilon(1e-9));
      CHECK(uses[site].size() == 12);
    }
  }
  CHECK(n_fleets >= 3);
}

TEST_CASE("every shipped study of power conserves energy and the hours of delivered accelerators") {
  std::size_t n_operations = 0, n_options = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WAFERWATT_SOURCE_DIR "/scenarios")) {
    const std::string file = entry.path().string();
    if (!entry.path().filename().string().starts_with("power-") || entry.path().extension() != ".json") continue;
    CAPTURE(file);
    const auto result = run_isolated(load(file, shared_models())).result;
    for (const auto& m : result.metrics) {
      if (m.name != "energy_error") continue;
      CHECK(m.value < 1e-9);
      ++n_operations;
    }
    // Options of a study get the same chips on the same days: whatever runs or waits, their hours are the same.
    std::map<std::string, double> hours;
    for (std::size_t i = 0; i < result.ledger.n_rows(); ++i) hours[result.ledger.texts("option")[i]] += result.ledger.numbers("accelerator_hours_h")[i];
    for (const auto& [option, sum] : hours) {
      CHECK(sum == Approx(hours.begin()->second).epsilon(1e-12));
      ++n_options;
    }
  }
  CHECK(n_operations >= 4);
  CHECK(n_options >= 9);
}

TEST_CASE("the first power of an option lies within its range, and one that never runs has no cost by the hour") {
  const auto s = scenario_of<PowerScenario>(R"({"start": "2026-01", "duration": "2 year", "n_draws": 201, "accelerator_hour_price": "2 USD/h", "options": [
    {"name": "rented", "build": "retrofit", "source": "gas-rented-turbines", "grid": "us-southeast", "system": "nvidia-gb200-nvl72", "cleared": "2025-09", "delivered": [["2026-01", 0], ["2027-01", 1000]]},
    {"name": "reactor", "build": "greenfield", "source": "nuclear-new", "grid": "us-pjm", "system": "nvidia-gb200-nvl72", "cleared": "2025-01", "delivered": [["2026-01", 0], ["2027-01", 1000]]}]})");
  const auto result = run(s, models(), {});
  for (const auto& m : result.metrics) {
    CAPTURE(m.name, m.dims);
    if (m.name == "first_power") CHECK((*m.low <= m.value && m.value <= *m.high));
    CHECK((m.name != "cost_per_running_hour" || m.dims.at("option") == "rented"));
  }
  const auto of = [&](const char* name) { return metric(result, name, {{"option", "rented"}}); };
  const double hours = of("accelerator_hours_running") + of("accelerator_hours_awaiting_site") + of("accelerator_hours_awaiting_power");
  CHECK(of("cost_per_running_hour") == Approx((2 * hours + of("energy_cost")) / of("accelerator_hours_running")));
  CHECK_THAT(result.headline, Catch::StartsWith("Cheapest by the hour that runs: rented. "));
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

TEST_CASE("a site takes a user's hours, and says what was repaired and what repeats") {
  const TemporaryFolder folder;
  // Two days: 100 USD/MWh on the first, -20 on the second, one hour lost, one unreadable.
  std::string prices = "timestamp,value\n";
  for (int h = 0; h < 48; ++h)
    if (h != 5) prices += fmt::format("2025-03-{:02} {:02}:00,{}\n", 1 + h / 24, h % 24, h == 30 ? "nan" : h < 24 ? "100" : "-20");
  const std::string file = folder.write("prices.csv", prices);
  const auto play_days = [&](const std::string& days) {
    const auto s = scenario_of<PowerScenario>(R"({"start": "2025-03-01", "duration": ")" + days + R"( day", "operations": [
      {"name": "site", "grid": "us-pjm", "it_nameplate": "10 MW", "load": 0.8, "temperature_series": {"file": ")" + folder.write("cold.csv", "timestamp,value\n2025-03-01 00:00,-5\n") +
                                              R"("}, "price_series": {"file": ")" + file + R"("}}]})");
    return run(s, models(), {});
  };
  const auto two = play_days("2"), four = play_days("4");
  // At -5 degrees no chiller runs: losses 0.12 + 0.28 MW, fans 4.5 % of the heat.
  const double facility = (8 + 0.4) * 1.045;
  CHECK(metric(two, "energy", {{"site", "site"}}) == Approx(48 * facility));
  CHECK(metric(two, "cost", {{"site", "site"}}) == Approx(24 * facility * (100 - 20)));
  CHECK_THAT(two.headline, Catch::Contains("prices.csv: 47 rows, 1 bad values bridged, 1 missing hours bridged;") && !Catch::Contains("prices.csv: has the hours"));
  CHECK_THAT(two.headline, Catch::Contains("cold.csv: has the hours of 2025-03-01 to 2025-03-01, which repeat"));
  CHECK(metric(four, "cost", {{"site", "site"}}) == Approx(2 * 24 * facility * (100 - 20)));
  CHECK_THAT(four.headline, Catch::Contains("prices.csv: has the hours of 2025-03-01 to 2025-03-02, which repeat"));
}

TEST_CASE("a limit below what idle accelerators draw is told as no solution") {
  const auto result = play(R"({"horizon": "2 day", "sites": [{"name": "a", "system": "nvidia-dgx-h100", "n_accelerators": 64, "grid": "us-pjm", "power_budget": "5 kW"}],
    "jobs": [{"name": "j", "n_accelerators": 8, "duration": "1 h"}]})");
  CHECK(result.infeasible == "the power limit is below what idle accelerators and their cooling draw for 48.0 h");
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
