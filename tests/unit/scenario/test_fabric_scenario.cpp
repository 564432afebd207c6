// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/fabric_scenario.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/scenario/scenario.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;
using Catch::Matchers::Contains;

namespace {

std::shared_ptr<const catalog::Catalog> shipped() {
  static const auto catalog = std::make_shared<const catalog::Catalog>(catalog::Catalog::load(std::string{WAFERWATT_SOURCE_DIR} + "/models"));
  return catalog;
}

/// 100 GB/s and 1 us inside, 10 GB/s and 4 us across.
const std::string kFabric = R"("fabric": {"n_accelerators": 32,
  "scale_up": {"id": "up", "name": "up", "kind": "nvlink-switch", "bandwidth": "100 GB/s", "latency": "1 us", "efficiency": 1, "domain_size": 8},
  "scale_out": {"id": "out", "name": "out", "kind": "infiniband", "bandwidth": "10 GB/s", "latency": "4 us", "efficiency": 1}}, "launch_time": "0 s")";

Scenario read(const std::string& members) {
  return load_text("test.json", R"({"schema": "waferwatt.scenario/1", "kind": "fabric", "name": "t", "question": "?", )" + members + "}", shipped());
}

Result play(const std::string& members) {
  const Scenario scenario = read(members);
  return scenario.model->run_with(*scenario.catalog, {});
}

const Table& table(const Result& result, const std::string& name) {
  for (const auto& t : result.tables)
    if (t.name() == name) return t;
  throw std::runtime_error("no table " + name);
}

}  // namespace

TEST_CASE("a study of a fabric reports closed form and flows side by side") {
  const auto result = play(kFabric + R"(, "collectives": ["all-reduce", "all-to-all"], "sizes": ["800 MB"], "groups": [8, 32])");
  const auto& t = table(result, "collectives");
  REQUIRE(t.n_rows() == 4);
  const auto& closed = t.numbers("closed_form_s");
  for (const char* flows : {"simgrid_s", "fluid_s"})
    for (std::size_t i = 0; i < 4; ++i) CHECK(closed[i] == Approx(t.numbers(flows)[i]).epsilon(1e-3));
  CHECK(t.numbers("time_s")[2] == Approx(7.001e-3));  // an exchange of 7/8 of 800 MB in a domain
}

TEST_CASE("two groups on one NIC show in the jobs, the links and the ledger") {
  // 100 MB and 50 MB from gpu 0 at 10 GB/s: alone 10.004 and 5.004 ms, together 15.004 and 10.004.
  const auto result = play(kFabric + R"(, "jobs": [
    {"name": "long", "collective": "send", "ranks": [0, 8], "size": "100 MB"},
    {"name": "short", "collective": "send", "ranks": [0, 16], "size": "50 MB"}])");
  const auto& jobs = table(result, "jobs");
  CHECK(jobs.numbers("mean_time_s")[0] == Approx(15.004e-3));
  CHECK(jobs.numbers("alone_s")[1] == Approx(5.004e-3));
  CHECK(table(result, "links").texts("link")[0] == "gpu 0 -> leaf 0");
  CHECK(table(result, "links").numbers("utilisation")[0] == Approx(15.0 / 15.004));
  double waited = 0;
  for (std::size_t i = 0; i < result.ledger.n_rows(); ++i)
    if (result.ledger.texts("use")[i] == "contention and faults") waited += result.ledger.numbers("time_s")[i];
  CHECK(waited == Approx(10e-3));
}

TEST_CASE("a group that a fault cuts off is infeasible with the reason") {
  const auto result = play(R"("fabric": {"n_accelerators": 2, "scale_out": "infiniband-ndr"},
    "jobs": [{"name": "x", "collective": "send", "size": "1 GB"}], "faults": [{"where": "gpu 0 -> leaf 0"}])");
  CHECK_THAT(result.infeasible, Contains("x: no way from gpu 0 to gpu 1"));
}

TEST_CASE("a fabric scenario that makes no sense is refused with the place") {
  const auto refused = [](const std::string& members, const std::string& message) {
    CHECK_THROWS_WITH(read(members), Contains(message));
  };
  refused(R"("fabric": {"n_accelerators": 16, "scale_up": "nvlink-4-8"})", "/fabric: n_accelerators: 16 accelerators are more than one domain of 8");
  refused(R"("fabric": {"n_accelerators": 16, "scale_up": "nvlink-9"})", "unknown fabric \"nvlink-9\"");
  refused(R"("fabric": {"n_accelerators": 16, "scale_out": "infiniband-ndr", "oversubscription": 0.5})", "/fabric/oversubscription");
  refused(kFabric + R"(, "groups": [64])", "/groups/0: a group of 64 ranks");
  refused(kFabric + R"(, "jobs": [{"name": "x", "collective": "all-reduce", "ranks": [1, 2, 1], "size": "1 MB"}])", "rank 1 stands twice");
  refused(kFabric + R"(, "faults": [{"where": "leaf 99"}])", "/faults/0: nothing in the fabric is called \"leaf 99\"");
  refused(kFabric + R"(, "faults": [{"where": "leaf 0", "n_times": 3}])", "more than one needs a duration and a longer period");
  refused(R"("fabric": {"n_accelerators": 2, "cables": [{"from": "gpu 0", "to": "gpu 1", "bandwidth": "0 GB/s"}]})", "/fabric/cables/0/bandwidth: must be above 0");
  refused(R"("fabric": {"n_accelerators": 3, "cables": [{"from": "gpu 0", "to": "gpu 1", "bandwidth": "1 GB/s"}]})", "no way from gpu 0 to gpu 2");
}

TEST_CASE("switches and cables at their prices are what a fabric costs") {
  const auto count = [](const Table& parts, const std::string& part) {
    for (std::size_t i = 0; i < parts.n_rows(); ++i)
      if (parts.texts("part")[i] == part) return static_cast<double>(parts.integers("count")[i]);
    throw std::runtime_error("no part " + part);
  };
  const auto result = play(kFabric + R"(, "sizes": ["1 MB"], "groups": [8], "part_prices": {"leaf": "20000 USD", "gpu -> leaf": "300 USD"})");
  const auto& parts = table(result, "parts");
  const double expected = 20000 * count(parts, "leaf") + 300 * count(parts, "gpu -> leaf");
  CHECK(count(parts, "gpu -> leaf") == 32);  // one NIC each
  for (const auto& metric : result.metrics)
    if (metric.name == "fabric_cost") CHECK(metric.value == Approx(expected));
  double sum = 0;
  for (const double cost : parts.numbers("cost_usd")) sum += cost;
  CHECK(sum == Approx(expected));
  CHECK_THROWS_WITH(read(kFabric + R"(, "sizes": ["1 MB"], "groups": [8], "part_prices": {"lef": "1 USD"})"), Contains("unknown part \"lef\"; did you mean \"leaf\"?"));
}
