// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/sweep_run.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <set>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::scenario {

/// A kind for these tests alone: a beam that bends or breaks.
struct Beam {
  Power load = 1 * core::watt;
  std::int64_t length = 1;
  std::string mood = "calm";

  static const io::Record<Beam>& record() {
    static const auto record = io::Record<Beam>("beam", "A beam.")
                                   .optional("load", &Beam::load, {.doc = "Load.", .at_least = 0 * core::watt})
                                   .optional("length", &Beam::length, {.doc = "Length.", .at_least = 1})
                                   .optional("mood", &Beam::mood, {.doc = "How it ends."});
    return record;
  }
};

void check(const Beam&, const catalog::Catalog&, Diagnostics&) {}

Result run(const Beam& beam, const catalog::Catalog&, const RunContext& context) {
  if (beam.mood == "crash") std::abort();
  if (beam.mood == "infeasible") throw InfeasibleError("needs 2 m, has 1 m");
  Result result;
  result.headline = "bent";
  result.binds = {{beam.length > 2 ? "steel" : "load", "", 1.0, ""}};
  result.metrics = {{"stress", {{"part", "flange"}, {"side", "top"}}, 10.0 / static_cast<double>(beam.length), "Pa", {}, {}},
                    {"bend", {}, beam.load.in(core::watt) * static_cast<double>(beam.length), "W", {}, {}},
                    {"seed", {}, static_cast<double>(context.seed), "1", {}, {}}};
  return result;
}

namespace {

const Kind kBeamKinds[] = {kind_of<Beam>("beam")};

Scenario beam(const std::string& rest) {
  return load_text("beam.json", R"({"schema": "waferwatt.scenario/1", "kind": "beam", "name": "beam", )" + rest + "}", std::make_shared<catalog::Catalog>(),
                   {.kinds = kBeamKinds});
}

std::string error_of(const std::string& rest) {
  try {
    const auto scenario = beam(rest);
    sweep_points(scenario);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

class MemoryStore final : public PointStore {
 public:
  std::optional<PointRecord> find(const std::string& key) const override {
    const auto at = kept.find(key);
    return at == kept.end() ? std::nullopt : std::optional{at->second};
  }
  void keep(const std::string& key, const PointRecord& record) override { kept[key] = record; }
  std::map<std::string, PointRecord> kept;
};

std::vector<double> bends(const SweepOutcome& sweep) { return sweep.outcome.result.tables.front().numbers("bend_w"); }

}  // namespace

TEST_CASE("a cartesian sweep has every combination, the last axis fastest") {
  const auto scenario = beam(R"("sweep": {"axes": {"load": ["1 W", "10 W"], "length": [1, 2, 3]}})");
  MemoryStore store;
  const auto sweep = run_sweep(scenario, "test", store, {});
  CHECK(bends(sweep) == std::vector<double>{1, 2, 3, 10, 20, 30});
  CHECK(sweep.outcome.result.headline == "bend goes from 1 W at load = 1 W, length = 1 to 30 W at load = 10 W, length = 3 (6 points).");
  // Two of six points are longer than 2.
  CHECK(sweep.outcome.result.binds.front().resource == "load");
  CHECK(sweep.outcome.result.binds.front().share == Approx(4.0 / 6));
  // Mean over lengths 1, 2, 3 at 10 W: 20.
  const auto& effects = sweep.outcome.result.tables.back();
  CHECK(effects.name() == "effects");
  CHECK(effects.texts("axis_value")[1] == "10 W");
  CHECK(effects.numbers("mean")[1] == Approx(20));
}

TEST_CASE("zipped axes go together and ranges have equal steps") {
  const auto scenario = beam(R"("sweep": {"mode": "zipped", "maximise": "bend", "axes": {"load": {"low": "1 W", "high": "100 W", "steps": 3, "scale": "log"}, "length": [1, 2, 3]}})");
  MemoryStore store;
  const auto sweep = run_sweep(scenario, "test", store, {});
  const auto values = bends(sweep);  // 1, 10, 100 W
  REQUIRE(values.size() == 3);
  CHECK(values[0] == 1);
  CHECK(values[1] == Approx(20));
  CHECK(values[2] == 300);
  CHECK(sweep.outcome.result.headline == "bend is highest, 300 W, at load = 100 W, length = 3; it is at least 1 W (3 points).");
}

TEST_CASE("named points are called by their names") {
  const auto scenario = beam(R"("sweep": {"mode": "zipped", "minimise": "bend", "names": ["long", "loaded"], "axes": {"load": ["1 W", "40 W"], "length": [3, 2]}})");
  MemoryStore store;
  const Result result = run_sweep(scenario, "test", store, {}).outcome.result;
  CHECK(result.headline == "bend in W: 3 with \"long\", 80 with \"loaded\"; lowest with \"long\" (2 points).");
  CHECK(result.tables.front().texts("name") == std::vector<std::string>{"long", "loaded"});
  const auto& effects = result.tables.back();
  CHECK(effects.texts("axis")[1] == "point");
  CHECK(effects.texts("axis_value")[1] == "loaded");
  CHECK(effects.numbers("mean")[1] == 80);
  CHECK_THAT(error_of(R"("sweep": {"names": ["one"], "axes": {"length": [3, 2]}})"), Catch::Contains("/sweep/names: 1 names for 2 points; give one for each"));
  CHECK_THAT(error_of(R"("sweep": {"names": ["one", "one"], "axes": {"length": [3, 2]}})"), Catch::Contains("/sweep/names: two points have the same name"));
  CHECK_THAT(error_of(R"("sweep": {"names": ["one", "two"], "mode": "sampled", "n_samples": 2, "axes": {"length": {"low": 1, "high": 2}}})"),
             Catch::Contains("/sweep/names: points of mode \"sampled\" have no names"));
}

TEST_CASE("a headline may be about a metric with dimensions") {
  const std::string axes = R"("axes": {"length": [1, 2, 5]}}, "load": "1 W")";
  MemoryStore store;
  const auto headline = [&](const std::string& asks) { return run_sweep(beam(R"("sweep": {)" + asks + axes), "test", store, {}).outcome.result.headline; };
  CHECK(headline(R"("about": "stress[part=flange;side=top]", )") == "stress of part flange, side top goes from 2 Pa at length = 5 to 10 Pa at length = 1 (3 points).");
  const auto result = run_sweep(beam(R"("sweep": {"about": "stress[part=flange;side=top]", )" + axes), "test", store, {}).outcome.result;
  CHECK(result.tables.front().numbers("stress_part_flange_side_top_pa") == std::vector<double>{10, 5, 2});
  CHECK(result.metrics.front().dims.at("of") == "lowest");
  CHECK(result.metrics.front().value == 2);
  CHECK(headline(R"("minimise": "stress[part=flange;side=top]", )") == "stress of part flange, side top is lowest, 2 Pa, at length = 5; it is at most 10 Pa (3 points).");
  CHECK_THROWS_WITH(headline(R"("about": "stress[part=flange;side=to]", )"), Catch::Contains("did you mean \"stress[part=flange;side=top]\"?"));
  CHECK_THAT(error_of(R"("sweep": {"about": "bend", "minimise": "bend", )" + axes), Catch::Contains("give \"about\", or \"minimise\" or \"maximise\""));
}

TEST_CASE("over two axes the headline tells the best of the second for each value of the first") {
  // bend = load x length: the longest for each load; stress = 10 / length is the least there.
  const std::string axes = R"("axes": {"load": ["2 W", "3 W"], "length": [1, 4]}})";
  MemoryStore store;
  CHECK(run_sweep(beam(R"("sweep": {"maximise": "bend", )" + axes), "test", store, {}).outcome.result.headline ==
        "bend is highest: 8 W at load = 2 W, length = 4; 12 W at load = 3 W, length = 4 (4 points).");
  CHECK(run_sweep(beam(R"("sweep": {"minimise": "bend", )" + axes), "test", store, {}).outcome.result.headline ==
        "bend is lowest: 2 W at load = 2 W, length = 1; 3 W at load = 3 W, length = 1 (4 points).");
}

TEST_CASE("a sweep whose points all give the same says so, not where it is highest") {
  const auto scenario = beam(R"("load": "2 W", "sweep": {"maximise": "bend", "axes": {"mood": ["calm", "calm"], "length": [3]}})");
  MemoryStore store;
  CHECK(run_sweep(scenario, "test", store, {}).outcome.result.headline == "bend is 6 W at all of them (2 points).");
}

TEST_CASE("sampled points meet every stratum of every axis once, and only the seed decides which") {
  const std::string text = R"("seed": 5, "sweep": {"mode": "sampled", "n_samples": 10, "axes": {"load": {"low": "0 W", "high": "10 W"}, "length": {"low": 1, "high": 1000}}})";
  const auto first = sweep_points(beam(text)), second = sweep_points(beam(text));
  std::set<int> strata;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(io::to_json(first[i].scenario->resolved()) == io::to_json(second[i].scenario->resolved()));
    strata.insert(static_cast<int>(core::parse_quantity<Power>(*first[i].values[0].get_if<std::string>()).in(core::watt)));
    CHECK(first[i].values[1].get_if<std::int64_t>());
  }
  CHECK(strata.size() == 10);
}

TEST_CASE("a crash or a lack of solution costs its point alone, and known points are not run again") {
  const auto scenario = beam(R"("seed": 3, "sweep": {"axes": {"mood": ["calm", "crash", "infeasible"], "length": [1, 2]}})");
  MemoryStore store;
  const auto sweep = run_sweep(scenario, "test", store, {.n_jobs = 2});
  CHECK(sweep.n_points == 6);
  CHECK(sweep.n_failed == 2);
  CHECK(sweep.n_infeasible == 2);
  const auto& table = sweep.outcome.result.tables.front();
  CHECK(table.texts("status") == std::vector<std::string>{"ok", "ok", "failed", "failed", "infeasible", "infeasible"});
  CHECK_THAT(table.texts("reason")[2], Catch::Contains("point 3"));
  CHECK(table.texts("reason")[4] == "needs 2 m, has 1 m");
  CHECK(table.numbers("seed")[0] == 3);
  CHECK(store.kept.size() == 4);

  const auto again = run_sweep(scenario, "test", store, {});
  CHECK(again.n_known == 4);
  CHECK(again.outcome.result.headline == sweep.outcome.result.headline);
  CHECK(bends(again)[1] == bends(sweep)[1]);
  // Another version of the program may have other results.
  MemoryStore copy = store;
  CHECK(run_sweep(scenario, "other", copy, {}).n_known == 0);
}

TEST_CASE("points that break a rule are skipped on request, with the reason") {
  MemoryStore store;
  const auto sweep = run_sweep(beam(R"("sweep": {"bad_points": "skip", "axes": {"length": [0, 1]}})"), "test", store, {});
  CHECK(sweep.n_skipped == 1);
  const auto& table = sweep.outcome.result.tables.front();
  CHECK(table.texts("status") == std::vector<std::string>{"skipped", "ok"});
  CHECK_THAT(table.texts("reason")[0], Catch::Contains("/length"));
}

TEST_CASE("an axis may vary the seed itself") {
  const auto points = sweep_points(beam(R"("sweep": {"axes": {"seed": [1, 2]}})"));
  CHECK(points[1].scenario->header.seed == 2);
}

TEST_CASE("what is wrong with a sweep is said where it was written, once") {
  CHECK_THAT(error_of(R"("sweep": {"axes": {"lenght": [1, 2]}})"), Catch::Contains("/lenght: unknown key \"lenght\"; did you mean \"length\"?"));
  const std::string twice = error_of(R"("sweep": {"axes": {"length": [1, 2], "load": ["1 W", "-1 W"]}})");
  CHECK_THAT(twice, Catch::Contains("/load"));
  CHECK(twice.find('\n') == std::string::npos);
  CHECK_THAT(error_of(R"("sweep": {"axes": {}})"), Catch::Contains("a sweep needs at least one axis"));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"length": []}})"), Catch::Contains("an axis needs at least one value"));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"length": {"low": 1, "high": 5}}})"), Catch::Contains("a range needs \"steps\" (or mode \"sampled\")"));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"load": {"low": "1 W", "high": "5 s", "steps": 2}}})"), Catch::Contains("different dimensions"));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"load": {"low": "6 W", "high": "5 W", "steps": 2}}})"), Catch::Contains("\"low\" must be below \"high\""));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"load": {"low": "0 W", "high": "5 W", "steps": 2, "scale": "log"}}})"), Catch::Contains("must be above zero"));
  CHECK_THAT(error_of(R"("sweep": {"mode": "zipped", "axes": {"length": [1, 2], "load": ["1 W"]}})"), Catch::Contains("\"length\" has 2, \"load\" has 1"));
  CHECK_THAT(error_of(R"("sweep": {"mode": "sampled", "axes": {"length": [1, 2]}})"), Catch::Contains("needs \"n_samples\""));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"length": {"low": 1, "high": 90000, "steps": 90000}, "mood": ["a", "b"]}})"), Catch::Contains("more than 100000 points"));
  CHECK_THAT(error_of(R"("sweep": {"axes": {"sweep.mode": ["zipped"]}})"), Catch::Contains("a sweep cannot vary itself"));
  MemoryStore store;
  CHECK_THROWS_WITH(run_sweep(beam(R"("sweep": {"minimise": "bent", "axes": {"length": [1]}})"), "test", store, {}),
                    Catch::Contains("/sweep: no metric \"bent\"; did you mean \"bend\"?"));
}

}  // namespace waferwatt::scenario
