// SPDX-License-Identifier: Apache-2.0
#include "calibration/arguments.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/diagnostic.hpp"

using namespace waferwatt;
using namespace waferwatt::calibration;
using Catch::Matchers::Contains;

TEST_CASE("without arguments the full profile goes to calibration.json") {
  const Arguments a = parse_arguments({});
  CHECK(a.profile == Profile::full);
  CHECK(a.output == "calibration.json");
  CHECK(a.deadline_s() <= 480);
}

TEST_CASE("options are read") {
  const Arguments a = parse_arguments({"--profile", "quick", "-o", "x.json", "--seed", "7", "--device", "1", "--only",
                                       "gemm,stream", "--time-limit", "60", "--force"});
  CHECK(a.profile == Profile::quick);
  CHECK(a.output == "x.json");
  CHECK(a.seed == 7);
  CHECK(a.device == 1);
  CHECK(a.only == std::vector<std::string>{"gemm", "stream"});
  CHECK(a.deadline_s() == 60);
  CHECK(a.force);
  for (const Point& p : wanted_points(a)) CHECK((p.op == "gemm" || p.op == "stream"));
}

TEST_CASE("the quick profile keeps two minutes") {
  CHECK(parse_arguments({"--profile", "quick"}).deadline_s() <= 120);
}

TEST_CASE("wrong arguments say what to write instead") {
  CHECK_THROWS_WITH(parse_arguments({"--fast"}), Contains("unknown option \"--fast\"") && Contains("--help"));
  CHECK_THROWS_WITH(parse_arguments({"--profile", "slow"}), Contains("quick or full"));
  CHECK_THROWS_WITH(parse_arguments({"--profile"}), Contains("--profile needs a value"));
  CHECK_THROWS_WITH(parse_arguments({"--seed", "x"}), Contains("--seed takes a number") && Contains("\"x\""));
  CHECK_THROWS_WITH(parse_arguments({"--device", "-1"}), Contains("--device takes a number that is not negative"));
  CHECK_THROWS_WITH(parse_arguments({"--only", "gem"}), Contains("no operator \"gem\"") && Contains("gemm"));
}

TEST_CASE("the plan counts every point") {
  const std::string plan = plan_text({});
  CHECK_THAT(plan, Contains("gemm bf16") && Contains("attention_decode bf16") && Contains("two passes"));
  CHECK_THAT(plan, Contains("in all: " + std::to_string(full_sweep().size())));
  // 8 points and 9 states: 90.2 s of sustained work; 450 s is the deadline.
  CHECK_THAT(plan, Contains("then 90 s of sustained work") && Contains("nothing starts after 450 s"));
  CHECK_THAT(usage(), Contains("Exit status") && Contains("no GPU"));
}
