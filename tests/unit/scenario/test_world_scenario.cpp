// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/world_scenario.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <iterator>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/scenario/own_rules.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;
using Catch::Contains;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

/// Reads and checks the scenario's own part: the header's members are dropped.
WorldScenario read(io::Value value, Diagnostics& diagnostics) {
  if (auto* members = value.get_if<io::Value::Object>())
    std::erase_if(*members, [](const auto& member) {
      return member.key == "schema" || member.key == "kind" || member.key == "name" || member.key == "question";
    });
  io::ReadContext context{diagnostics};
  WorldScenario scenario;
  WorldScenario::record().read(value, "", context, scenario);
  if (diagnostics.empty()) check(scenario, shipped(), diagnostics);
  return scenario;
}

const std::string kSmall = R"({"start": "2024-01", "end": "2025-01", "known_at": "2026-05-31",
  "products": [{"accelerator": "nvidia-h100-sxm", "mix": 1}],
  "buyers": [{"name": "meta", "company": "meta", "budget": "1 BUSD/year", "vendors": {"nvidia": 1.0}, "power": "100 MW", "grid": "us-pjm"},
             {"name": "xai", "budget": "3 BUSD/year", "vendors": {"nvidia": 1.0}, "power": "20 MW", "grid": "us-pjm"}],
  "demand": {"tokens": "1 Ttoken/month", "model": "llama-3-1-8b"}})";

/// All problems of a text, one a line.
std::string problems(const std::string& json) {
  Diagnostics diagnostics;
  auto value = io::parse_json("w.json", json, diagnostics);
  read(std::move(value), diagnostics);
  std::string text;
  for (const auto& diagnostic : diagnostics.found()) text += diagnostic.text() + "\n";
  return text;
}

/// The small scenario with a part replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kSmall;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

double metric(const Result& result, const std::string& name, const std::map<std::string, std::string>& dims = {}) {
  for (const Metric& m : result.metrics)
    if (m.name == name && m.dims == dims) return m.value;
  FAIL("no metric " << name);
  return 0;
}

const Table& table(const Result& result, std::string_view name) {
  for (const Table& t : result.tables)
    if (t.name() == name) return t;
  FAIL("no table");
  return result.ledger;
}

void check_ledger(const Result& result) {
  REQUIRE(result.ledger.n_rows() > 0);
  for (const char* column : {"waiting_accelerator_weeks", "waiting_h100e_weeks"})
    for (const double value : result.ledger.numbers(column)) {
      REQUIRE(std::isfinite(value));
      REQUIRE(value >= 0);
    }
}

}  // namespace

TEST_CASE("the shipped world delivers NVIDIA's accelerators of 2023 to 2025 within 20 percent") {
  // Epoch AI's counts of April 2026: 1.294, 3.838 and 4.458 M.
  Diagnostics diagnostics;
  const auto value = io::read_json_file(WAFERWATT_SOURCE_DIR "/scenarios/compute-famine.json", diagnostics);
  const auto scenario = read(value, diagnostics);
  diagnostics.throw_if_any();
  const Result result = run(scenario, shipped(), {});
  const auto nvidia = [&](const char* year) {
    return metric(result, "accelerators_delivered", {{"vendor", "nvidia"}, {"year", year}});
  };
  CHECK(nvidia("2023") == Approx(1.294e6).epsilon(0.2));
  CHECK(nvidia("2024") == Approx(3.838e6).epsilon(0.2));
  CHECK(nvidia("2025") == Approx(4.458e6).epsilon(0.2));
  CHECK(metric(result, "balance_error") < 1e-9);
  check_ledger(result);

  // Every year, and the whole run, has a binding; shares of a scope sum to 1.
  for (const char* scope : {"", "2023", "2024", "2025", "2026", "2027", "2028"}) {
    CAPTURE(scope);
    double shares = 0;
    for (const auto& binding : result.binds)
      if (binding.scope == scope) shares += binding.share;
    CHECK(shares == Approx(1));
  }
  CHECK(table(result, "years").n_rows() == 6);
  // Six years, fourteen buyers and all together, six resources.
  CHECK(table(result, "marginal_values").n_rows() == 6);
  CHECK(table(result, "views").n_rows() == 6 * 15 * 6);
  for (const double gain : table(result, "views").numbers("h100e_weeks_gain_fraction")) CHECK(std::isfinite(gain));
  for (const char* column : {"h100e_weeks_per_unit", "tokens_per_unit", "training_flop_per_unit", "usd_per_unit", "tco2e_per_unit"})
    for (const double value : table(result, "values_of_capacity").numbers(column)) CHECK(std::isfinite(value));
  for (const auto& column : {"tokens_served", "energy_twh", "carbon_mtco2e", "training_flop", "cost_usd_per_mtoken"})
    for (const double number : table(result, "years").numbers(column)) {
      CHECK(std::isfinite(number));
      CHECK(number >= 0);
    }
  CHECK(table(result, "capabilities").n_rows() == scenario.products.size() * scenario.demand.tiers.size());
  CHECK(table(result, "training_capabilities").n_rows() == scenario.products.size());
}

TEST_CASE("a small world's metrics, tables and ledger agree") {
  Diagnostics diagnostics;
  const auto scenario = read(io::parse_json("w.json", kSmall, diagnostics), diagnostics);
  diagnostics.throw_if_any();
  const Result result = run(scenario, shipped(), {});
  CHECK(metric(result, "balance_error") < 1e-9);
  check_ledger(result);

  const Table& deliveries = table(result, "deliveries");
  double total = 0, paid_usd = 0;
  for (const double n : deliveries.numbers("accelerators_delivered")) total += n;
  for (const double p : deliveries.numbers("paid_usd")) paid_usd += p;
  CHECK(total == Approx(metric(result, "accelerators_delivered", {{"vendor", "nvidia"}, {"year", "2024"}})));
  CHECK(total == Approx(metric(result, "accelerators_delivered", {{"owner", "meta"}, {"year", "2024"}}) +
                        metric(result, "accelerators_delivered", {{"owner", "xai"}, {"year", "2024"}})));
  // Two buyers grant 4 BUSD in the year, and nobody spends what it was not granted.
  CHECK(paid_usd > 0);
  CHECK(paid_usd <= 4.02e9);
  // Served is at most demanded; energised power at most the 120 MW there are.
  CHECK(metric(result, "tokens_served", {{"year", "2024"}}) <=
        metric(result, "tokens_demanded", {{"year", "2024"}}) * (1 + 1e-9));
  CHECK(metric(result, "power_energised", {{"year", "2024"}}) <= 0.12 * (1 + 1e-9));
  // xai buys for 3 BUSD a year what 20 MW cannot carry: power is charged.
  double charged = 0;
  for (std::size_t i = 0; i < result.ledger.n_rows(); ++i)
    if (result.ledger.texts("resource")[i] == "power" && result.ledger.texts("owner")[i] == "xai")
      charged += result.ledger.numbers("waiting_accelerator_weeks")[i];
  CHECK(charged > 0);
  // NVIDIA's fiscal year 2025 begins with February 2024: January is the last quarter of 2024.
  const auto revenue = [&](const char* span, const char* of) { return metric(result, "vendor_revenue", {{"vendor", "nvidia"}, {span, of}}); };
  CHECK(revenue("fiscal_quarter", "2024-Q4") == Approx(revenue("fiscal_year", "2024")));
  double quarters = 0;
  for (const char* quarter : {"2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"}) quarters += revenue("fiscal_quarter", quarter);
  CHECK(quarters == Approx(revenue("fiscal_year", "2025")));
  CHECK(metric(result, "buyers_failed") == 0);
}

TEST_CASE("where nobody has a budget capital binds, and a world without a fleet has no rent") {
  Diagnostics diagnostics;
  const auto headline = [&](const std::string& fleet) {
    std::string json = with(R"("budget": "1 BUSD/year")", R"("budget": "0 USD/year", "initial_fleet": [{"accelerator": "nvidia-h100-sxm", "n_accelerators": 1000, "delivered": ")" + fleet + R"("}])");
    json.replace(json.find("3 BUSD/year"), 11, "0 USD/year");
    const auto scenario = read(io::parse_json("w.json", json, diagnostics), diagnostics);
    diagnostics.throw_if_any();
    engine::BareLoop loop;
    return run(scenario, shipped(), {}, loop).headline;
  };
  CHECK_THAT(headline("2023-01"), Contains("what binds is capital, since nobody has a budget") && Contains("1000 H100-equivalents run on"));
  // Delivered in 2018 it is at the end of its six years in 2024.
  CHECK_THAT(headline("2018-06"), Contains("at the end nothing runs"));
}

TEST_CASE("what a vendor sells beside its accelerators follows its own series") {
  // A half until the middle of July, nothing from the middle of August on: the middle of a month counts for all of it.
  Diagnostics diagnostics;
  const auto revenues = [&](const std::string& json) {
    const auto scenario = read(io::parse_json("w.json", json, diagnostics), diagnostics);
    diagnostics.throw_if_any();
    engine::BareLoop loop;
    const Result result = run(scenario, shipped(), {}, loop);
    std::vector<double> found;
    for (const char* quarter : {"2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"}) found.push_back(metric(result, "vendor_revenue", {{"vendor", "nvidia"}, {"fiscal_quarter", quarter}}));
    return found;
  };
  const auto alone = revenues(kSmall), both = revenues(with(R"("products")", R"("vendor_systems": {"nvidia": [["2024-07-15", 0.5], ["2024-08-15", 0]]}, "products")"));
  CHECK(both[0] == Approx(1.5 * alone[0]));
  CHECK(both[1] == Approx(1.5 * alone[1]));  // May to July
  CHECK(both[2] == Approx(alone[2]));
  CHECK(both[3] == Approx(alone[3]));
}

TEST_CASE("a buyer that cannot pay counts once, however often it is helped") {
  Diagnostics diagnostics;
  const auto scenario = read(io::parse_json("w.json", with(R"("budget": "3 BUSD/year")", R"("partners": ["meta"], "finance": {"cash": "0.01 BUSD", "credit": 0, "interest": 0.1}, "budget": "3 BUSD/year")"), diagnostics), diagnostics);
  diagnostics.throw_if_any();
  const Result result = run(scenario, shipped(), {});
  CHECK(metric(result, "buyers_failed") == 1);
  CHECK(metric(result, "buyers_absorbed") <= 1);
  CHECK(metric(result, "failures") >= 1);
}

TEST_CASE("sound worlds have no problems and read back to themselves") {
  CHECK(problems(kSmall) == "");
  Diagnostics diagnostics;
  const auto value = io::read_json_file(WAFERWATT_SOURCE_DIR "/scenarios/compute-famine.json", diagnostics);
  const auto written = WorldScenario::record().write(read(value, diagnostics));
  const auto again = WorldScenario::record().write(read(written, diagnostics));
  CHECK(diagnostics.empty());
  CHECK(io::to_json(again) == io::to_json(written));
}

TEST_CASE("problems of a world's span, products and buyers are named where they stand") {
  CHECK_THAT(problems(with("2025-01", "2023-01")),
             Contains("w.json:1:29: error at /end: must come after the start, 2024-01-01"));
  CHECK_THAT(problems(with("2025-01", "2075-01")), Contains("at /end: at most 50 years are simulated"));
  CHECK_THAT(problems(with(R"({"accelerator": "nvidia-h100-sxm", "mix": 1})", "")),
             Contains("at /products: give at least one product"));
  CHECK_THAT(problems(with(R"("name": "xai")", R"("name": "meta")")),
             Contains("at /buyers: buyer \"meta\" is given twice"));
  CHECK_THAT(problems(with("llama-3-1-8b", "llama-3-1-8c")),
             Contains("at /demand/model: unknown language_model \"llama-3-1-8c\"; did you mean \"llama-3-1-8b\"?"));
  CHECK_THAT(problems(with("1 Ttoken/month", "1 Ttoken")), Contains("at /demand/tokens: expected a token rate"));
  CHECK_THAT(problems(with(R"("model": )", R"("utilisation": 0, "model": )")),
             Contains("at /demand/utilisation: must be above 0, got the number 0"));
  CHECK_THAT(problems(with(R"("demand": )", R"("marginal_step": -1, "demand": )")),
             Contains("at /marginal_step: must be at least 0"));
  CHECK_THAT(problems(with(R"("demand": )", R"("economics": {"it_life": "0 year"}, "demand": )")),
             Contains("at /economics/it_life: must be above 0 s"));
  CHECK_THAT(problems(with("2026-05-31", "1999-05-31")), Contains("error at /known_at: nothing was known before 2000"));

  const std::string lone = R"({"start": "2024-01", "end": "2025-01", "known_at": "2026-05-31",
    "products": [{"accelerator": "nvidia-h100-sxm", "mix": 1}], "buyers": [], "demand": {"tokens": "1 Ttoken/month", "model": "llama-3-1-8b"}})";
  CHECK_THAT(problems(lone), Contains("at /buyers: give at least one buyer"));
}

TEST_CASE("problems of a buyer's money are named") {
  const std::string budget = R"("company": "meta", "budget": "1 BUSD/year")";
  CHECK(problems(with(budget, R"("company": "meta", "capex_share": 0.3)")) == "");
  CHECK_THAT(problems(with(budget, budget + R"(, "capex_share": 0.3)")),
             Contains("at /buyers/0/budget: give either \"budget\" or \"capex_share\""));
  CHECK_THAT(problems(with(budget, R"("company": "meta")")),
             Contains("at /buyers/0/budget: give either \"budget\" or \"capex_share\""));
  CHECK_THAT(problems(with(budget, R"("capex_share": 0.3)")),
             Contains("at /buyers/0/capex_share: needs the \"company\" whose capital spending it is"));
  CHECK_THAT(problems(with(budget, R"("company": "meta", "capex_share": 1.3)")),
             Contains("must be at most 1, got the number 1.3"));
  CHECK_THAT(problems(with(budget, R"("company": "anthropic", "capex_share": 0.3)")),
             Contains("buyer \"meta\": the catalog knows no capital spending of \"anthropic\"; give a \"budget\""));
  CHECK_THAT(problems(with(R"("company": "meta")", R"("company": "metta")")),
             Contains("buyer \"meta\": unknown company \"metta\"; did you mean \"meta\"?"));
  CHECK_THAT(problems(with(R"({"nvidia": 1.0})", R"({"nvidia": 0.7})")),
             Contains("at /buyers/0/vendors: the shares must sum to 1, they sum to 0.7"));
  CHECK_THAT(problems(with(R"({"nvidia": 1.0})", R"({"nvidia": 0.7, "amd": 0.7})")),
             Contains("the shares must sum to 1, they sum to 1.4"));
  CHECK_THAT(problems(with(R"({"nvidia": 1.0})", R"({"nvidio": 1.0})")),
             Contains("buyer \"meta\": unknown vendor \"nvidio\"; did you mean \"nvidia\"?"));
  // Huawei is in the catalog, but nothing of it is sold in this world.
  CHECK_THAT(problems(with(R"({"nvidia": 1.0})", R"({"nvidia": 0.7, "huawei": 0.3})")),
             Contains("buyer \"meta\": unknown vendor \"huawei\"; known vendors: nvidia"));
}

TEST_CASE("problems of a buyer's site and fleet are named") {
  CHECK_THAT(problems(with("us-pjm", "us-pjn")),
             Contains("at /buyers/0/grid: unknown grid \"us-pjn\"; did you mean \"us-pjm\"?"));
  CHECK_THAT(problems(with("100 MW", "100 MWh")),
             Contains("at /buyers/0/power: expected a power (e.g. \"700 W\"), got \"100 MWh\", which is an energy"));
  CHECK_THAT(problems(with(R"("power": "100 MW")", R"("power": "100 MW", "pue": 0.9)")),
             Contains("at /buyers/0/pue: must be at least 1, got the number 0.9"));
  const auto fleet = [](const std::string& accelerator, const std::string& delivered = "2022-01") {
    return problems(with(R"("power": "100 MW")", R"("power": "100 MW", "initial_fleet": [{"accelerator": ")" +
                                                     accelerator + R"(", "n_accelerators": 5, "delivered": ")" +
                                                     delivered + R"("}])"));
  };
  CHECK(fleet("nvidia-h100-sxm", "2024-01") == "");
  CHECK_THAT(fleet("nvidia-h100-sxm", "2024-02"),
             Contains("at /buyers: buyer \"meta\": its initial fleet of nvidia-h100-sxm is delivered on 2024-02-01, after the start"));
  CHECK(fleet("nvidia-h100-sxm") == "");
  CHECK_THAT(fleet("nvidia-b200"),
             Contains("buyer \"meta\": the initial fleet's \"nvidia-b200\" is not among the products"));
  CHECK_THAT(fleet("nvidia-b201"), Contains("unknown accelerator \"nvidia-b201\"; did you mean \"nvidia-b200\"?"));
}

TEST_CASE("problems of what is sold to whom are named") {
  const auto product = [](const std::string& text) {
    return problems(with(R"("accelerator": "nvidia-h100-sxm", "mix": 1)", text));
  };
  CHECK(product(R"("accelerator": "nvidia-h100-sxm", "mix": 1, "only_to": ["xai"])") == "");
  CHECK_THAT(product(R"("accelerator": "nvidia-h100-sxm", "mix": 1, "only_to": ["xia"])"),
             Contains("nvidia-h100-sxm: unknown buyer \"xia\"; did you mean \"xai\"?"));
  CHECK_THAT(product(R"("accelerator": "nvidia-h100-sxm", "mix": 1, "not_to": ["somebody else"])"),
             Contains("nvidia-h100-sxm: unknown buyer \"somebody else\"; known buyers: meta, xai"));
  CHECK_THAT(product(R"("accelerator": "nvidia-h100-sxm", "mix": 1}, {"accelerator": "nvidia-h100-sxm", "mix": 1)"),
             Contains("accelerator \"nvidia-h100-sxm\" is given twice"));
  CHECK_THAT(product(R"("accelerator": "nvidia-h100-sxm", "mix": 1}, {"accelerator": "google-tpu-v5e", "mix": 1)"),
             Contains("the catalog knows no price of google-tpu-v5e; give a \"price\""));
  CHECK(
      product(
          R"("accelerator": "nvidia-h100-sxm", "mix": 1}, {"accelerator": "google-tpu-v5e", "mix": 1, "price": "2000 USD")") ==
      "");
  CHECK_THAT(product(R"("accelerator": "nvidia-h100-sxm", "mix": 1, "price": "0 USD")"),
             Contains("at /products/0/price: must be above 0 USD"));
  CHECK_THAT(
      product(
          R"("accelerator": "nvidia-h100-sxm", "mix": 1}, {"accelerator": "microsoft-maia-100", "mix": 1, "price": "8000 USD")"),
      Contains("microsoft has no share of tsmc-cowos, which packages microsoft-maia-100"));
  CHECK_THAT(product(R"("accelerator": "nvidia-h100-sxn", "mix": 1)"),
             Contains("unknown accelerator \"nvidia-h100-sxn\"; did you mean \"nvidia-h100-sxm\"?"));
}

TEST_CASE("an accelerator written out in the scenario is sold at its own price or told what is missing") {
  std::ifstream file(WAFERWATT_SOURCE_DIR "/models/accelerators/nvidia-h100-sxm.json");
  const std::string record{std::istreambuf_iterator<char>(file), {}};
  const auto sold = [&](const std::string& from, const std::string& to) {
    std::string text = record;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return problems(with(R"("accelerator": "nvidia-h100-sxm")", R"("accelerator": )" + text));
  };
  CHECK(sold("", "") == "");
  CHECK_THAT(sold(R"("id": "nvidia-h100-sxm")", R"("id": "my-h100")"), Contains("no system in the catalog holds my-h100"));
  CHECK_THAT(sold(R"("price": )", R"("_price": )"), Contains("the catalog knows no price of nvidia-h100-sxm; give a \"price\""));
}

TEST_CASE("rules of the caller's own hold in the run and in what it is measured against") {
  Diagnostics diagnostics;
  auto scenario = read(io::parse_json("w.json", kSmall, diagnostics), diagnostics);
  diagnostics.throw_if_any();
  int n_asked = 0;
  scenario.demand_curve = [&](const std::vector<TokenPrice>& prices, Date) {
    ++n_asked;
    return std::vector<TokenRate>(prices.size(), 1000 * token / second);
  };
  scenario.sales_rule = [](const supply::AllocationCase& question) {
    std::vector<double> parts;
    for (const auto& order : question.orders) parts.push_back(order.who == "xai" ? 1 : 0);
    return parts;
  };
  engine::BareLoop loop;
  const Result result = run(scenario, shipped(), {}, loop);
  CHECK(metric(result, "tokens_served", {{"year", "2024"}}) == Approx(1000.0 * 366 * 86400).epsilon(0.02));
  CHECK(metric(result, "h100_equivalents_owned", {{"owner", "meta"}, {"year", "2024"}}) == 0);
  CHECK(metric(result, "h100_equivalents_owned", {{"owner", "xai"}, {"year", "2024"}}) > 0);
  // Six re-runs for marginal values, too: more than a year of weeks seven times over.
  CHECK(n_asked > 7 * 52);
}
