// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/runner.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "waferwatt/core/random.hpp"
#include "waferwatt/scenario/runner_bytes.hpp"

namespace waferwatt::scenario {

/// A kind for these tests alone: a rate over a time.
struct Tank {
  Power inflow;
  Time duration = 1 * core::hour;
  std::string mood = "calm";
  std::vector<std::int64_t> levels;

  static const io::Record<Tank>& record() {
    static const auto record = io::Record<Tank>("tank", "A tank that fills.")
                                   .required("inflow", &Tank::inflow, {.doc = "Power in.", .at_least = 0 * core::watt})
                                   .optional("duration", &Tank::duration, {.doc = "For how long."})
                                   .optional("mood", &Tank::mood, {.doc = "How it ends."})
                                   .optional("levels", &Tank::levels, {.doc = "Marks."});
    return record;
  }
};

void check(const Tank& tank, const catalog::Catalog&, Diagnostics& diagnostics) {
  if (tank.mood == "unchecked") diagnostics.add({.path = "/mood", .message = "the check sees it"});
}

Result run(const Tank& tank, const catalog::Catalog&, const RunContext& context) {
  context.progress(0.5, "filling");
  if (tank.mood == "crash") std::abort();
  if (tank.mood == "throw") throw std::runtime_error("the tank leaks");
  if (tank.mood == "wrong") throw InputError({Diagnostic{"tank.json", 3, 4, "/mood", "wrong mood"}});
  if (tank.mood == "infeasible") throw InfeasibleError("needs 2 J, has 1 J");
  if (tank.mood == "hang")
    while (true) {
    }
  Result result;
  result.headline = "full";
  result.metrics.push_back({"energy", {}, (tank.inflow * tank.duration).in(core::joule), "J", {}, {}});
  result.metrics.push_back(
      {"draw", {}, static_cast<double>(RandomStream(context.seed, "tank").below(1000000)), "1", {}, {}});
  return result;
}

namespace {

const Kind kTankKinds[] = {kind_of<Tank>("tank")};

/// Files that vanish with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("waferwatt-test-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

LoadOptions tank_options(std::vector<std::string> overrides = {}) {
  return {.overrides = std::move(overrides), .kinds = kTankKinds};
}

Scenario load_tank(const std::string& members, std::vector<std::string> overrides = {}) {
  const std::string text = R"({"schema": "waferwatt.scenario/1", "kind": "tank", "name": "t", )" + members + "}";
  return load_text("tank.json", text, std::make_shared<catalog::Catalog>(), tank_options(std::move(overrides)));
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

double metric(const Outcome& outcome, const std::string& name) {
  for (const auto& m : outcome.result.metrics)
    if (m.name == name) return m.value;
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

TEST_CASE("a scenario runs in a child and its result comes back") {
  // 100 W for the default hour: 100 * 3600 J.
  const Outcome outcome = run_isolated(load_tank(R"("inflow": "100 W")"));
  CHECK(outcome.result.headline == "full");
  CHECK(metric(outcome, "energy") == 360000.0);
  CHECK(outcome.wall_time > 0 * core::second);
  CHECK(outcome.peak_memory > core::mega * core::byte);
}

TEST_CASE("the same seed gives the same draw and another seed another") {
  const auto draw = [](const char* seed) {
    return metric(run_isolated(load_tank(R"("inflow": "1 W")", {seed})), "draw");
  };
  CHECK(draw("seed=1") == draw("seed=1"));
  CHECK(draw("seed=1") != draw("seed=2"));
}

TEST_CASE("errors of the run keep their type across the pipe") {
  CHECK_THROWS_AS(run_isolated(load_tank(R"("inflow": "1 W", "mood": "infeasible")")), InfeasibleError);
  try {
    run_isolated(load_tank(R"("inflow": "1 W", "mood": "wrong")"));
    FAIL("no error");
  } catch (const InputError& error) {
    REQUIRE(error.diagnostics().size() == 1);
    CHECK(error.diagnostics()[0].text() == "tank.json:3:4: error at /mood: wrong mood");
  }
}

TEST_CASE("a crash, an exception and a run that hangs become errors that name the scenario") {
  const auto message = [](const char* mood, RunOptions options = {}) {
    return message_of(
        [&] { run_isolated(load_tank(R"("inflow": "1 W", "mood": ")" + std::string{mood} + "\""), options); });
  };
  CHECK(message("crash").find("\"t\"") != std::string::npos);
  CHECK(message("throw").find("the tank leaks") != std::string::npos);
  CHECK(message("hang", {.timeout = 0.2 * core::second}).find("\"t\"") != std::string::npos);
  CHECK_THROWS_AS(run_isolated(load_tank(R"("inflow": "1 W", "mood": "crash")")), RunError);
}

TEST_CASE("progress of the child arrives at the caller") {
  std::string seen;
  run_isolated(load_tank(R"("inflow": "1 W")"), {.progress = [&](double fraction, const std::string& what) {
                 seen += what + std::to_string(fraction);
               }});
  CHECK(seen == "filling0.500000");
}

TEST_CASE("the resolved scenario holds the defaults and reads back to itself") {
  const Scenario scenario = load_tank(R"("inflow": "0.1 kW")");
  const std::string text = io::to_json(scenario.resolved());
  CHECK(text.find(R"("duration": "1 h")") != std::string::npos);
  CHECK(text.find(R"("inflow": "100 W")") != std::string::npos);
  CHECK(io::to_json(load_text("again", text, scenario.catalog, tank_options()).resolved()) == text);
}

TEST_CASE("extends merges over the file it names, relative to itself, and null removes") {
  const Folder folder;
  folder.write(
      "base/low.json",
      R"({"schema": "waferwatt.scenario/1", "kind": "tank", "name": "low", "inflow": "1 W", "mood": "glad", "levels": [1, 2]})");
  folder.write("base/middle.json", R"({"extends": "low.json", "inflow": "2 W", "mood": null})");
  const std::string top = folder.write("top.json", R"({"extends": "base/middle.json", "name": "top", "levels": [3]})");
  const Scenario scenario = load(top, std::make_shared<catalog::Catalog>(), tank_options({"duration=2 h"}));
  CHECK(io::to_json(scenario.resolved()) == R"({
  "schema": "waferwatt.scenario/1",
  "kind": "tank",
  "name": "top",
  "question": "",
  "seed": 1,
  "inflow": "2 W",
  "duration": "2 h",
  "mood": "calm",
  "levels": [3]
}
)");
}

TEST_CASE("a value keeps the place of the file that it was written in") {
  const Folder folder;
  const std::string base = folder.write(
      "base.json",
      "{\"schema\": \"waferwatt.scenario/1\",\n \"kind\": \"tank\", \"name\": \"b\",\n \"inflow\": \"1 V\"}");
  const std::string top = folder.write("top.json", "{\"extends\": \"base.json\",\n \"mood\": 3}");
  const std::string message =
      message_of([&] { load(top, std::make_shared<catalog::Catalog>(), tank_options({"levels=[\"x\"]"})); });
  CHECK(message.find(base + ":3:12: error at /inflow: ") != std::string::npos);
  CHECK(message.find(top + ":2:10: error at /mood: expected a text, got the number 3") != std::string::npos);
  CHECK(message.find("--set") != std::string::npos);
  CHECK(message.find("error at /levels/0: expected a whole number, got the text \"x\"") != std::string::npos);
}

TEST_CASE("extends in a circle is an error with the circle") {
  const Folder folder;
  const std::string a = folder.write("a.json", R"({"extends": "b.json"})");
  const std::string b = folder.write("b.json", R"({"extends": "./a.json"})");
  CHECK(message_of([&] { load(a, std::make_shared<catalog::Catalog>(), tank_options()); }) ==
        b + ":1:13: error at /extends: \"extends\" runs in a circle: " + a + " -> " + b + " -> " + a);
}

TEST_CASE("the check of a kind runs when its record was read without a problem") {
  CHECK(message_of([] { load_tank(R"("inflow": "1 W", "mood": "unchecked")"); }) ==
        "error at /mood: the check sees it");
  CHECK(message_of([] { load_tank(R"("inflow": "-1 W", "mood": "unchecked")"); }).find("the check sees it") ==
        std::string::npos);
}

TEST_CASE("a result survives the way through bytes") {
  Result result;
  result.headline = "h\0with a zero";
  result.infeasible = "needs 3";
  result.binds.push_back({"power", "2024", 0.25, "a quarter"});
  result.metrics.push_back({"m", {{"a", "b"}}, 1.5, "W", 1.0, std::nullopt});
  Table table("t", {{"x", Table::Kind::number}, {"n", Table::Kind::integer}, {"s", Table::Kind::text}});
  table.add({0.1, std::int64_t{-3}, std::string{"ä,\""}});
  table.add({std::numeric_limits<double>::infinity(), std::numeric_limits<std::int64_t>::max(), std::string{}});
  result.tables.push_back(table);
  const Result back = result_from_bytes(to_bytes(result));
  CHECK(back.headline == result.headline);
  CHECK(back.infeasible == "needs 3");
  CHECK(back.binds.at(0).share == 0.25);
  CHECK(back.metrics.at(0).dims.at("a") == "b");
  CHECK(back.metrics.at(0).low == 1.0);
  CHECK_FALSE(back.metrics.at(0).high);
  CHECK(back.tables.at(0).column_names() == table.column_names());
  CHECK(back.tables.at(0).numbers("x") == table.numbers("x"));
  CHECK(back.tables.at(0).integers("n") == table.integers("n"));
  CHECK(back.tables.at(0).texts("s") == table.texts("s"));
  CHECK(back.ledger.n_columns() == 0);
}

TEST_CASE("bytes cut short are an error, wherever they are cut") {
  Result result{.headline = "abc"};
  result.tables.push_back(Table("t", {{"x", Table::Kind::number}}));
  const std::string bytes = to_bytes(result);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    CHECK_THROWS_AS(result_from_bytes(std::string_view{bytes}.substr(0, n)), std::runtime_error);
  CHECK_THROWS_AS(result_from_bytes(bytes + "x"), std::runtime_error);
}

TEST_CASE("the schema of a kind joins the header and the kind's own keys") {
  const io::Value schema = json_schema(kTankKinds[0]);
  const io::Value& properties = *schema.find("properties");
  for (const char* key : {"schema", "kind", "name", "seed", "extends", "inflow", "duration"})
    CHECK(properties.find(key));
  CHECK(*properties.find("kind")->find("const")->get_if<std::string>() == "tank");
}

TEST_CASE("a scenario's name becomes a folder's name") {
  CHECK(folder_name("Llama 3 70B on 2,048 H100") == "Llama-3-70B-on-2-048-H100");
  CHECK(folder_name("../..etc") == "etc");
  CHECK(folder_name("a.b_c-d") == "a.b_c-d");
}

}  // namespace waferwatt::scenario
