// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/workload.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

std::string complaint_about(const std::string& json) {
  Diagnostics diagnostics;
  const io::Value value = io::parse_json("w.json", json, diagnostics);
  io::ReadContext context{diagnostics};
  Workload workload;
  Workload::record().read(value, "", context, workload);
  return diagnostics.empty() ? "" : diagnostics.found().front().message;
}

}  // namespace

TEST_CASE("Poisson arrivals come at the rate asked for, and lengths keep their median and bounds") {
  Workload workload;
  workload.preset = "azure-2023-conversation";
  workload.rate = 5.0 / second;
  workload.n_requests = 20000;
  RequestSource source(workload, RandomStream(7, "requests"));
  std::vector<std::int64_t> inputs;
  Request request, last;
  while (source.next(request)) {
    REQUIRE(request.arrival_s >= last.arrival_s);
    REQUIRE(request.input_tokens >= 2);
    REQUIRE(request.output_tokens <= 1000);
    last = request;
    inputs.push_back(request.input_tokens);
  }
  REQUIRE(inputs.size() == 20000);
  // 20,000 arrivals at 5/s take 4,000 s; their sum's relative standard deviation is 1/sqrt(20000) = 0.7 %.
  CHECK(last.arrival_s == Approx(4000).epsilon(0.03));
  std::nth_element(inputs.begin(), inputs.begin() + 10000, inputs.end());
  CHECK(static_cast<double>(inputs[10000]) == Approx(1020).epsilon(0.03));
}

TEST_CASE("A preset's mean lengths are near those of its trace") {
  // Means of the trace: conversation 1,155 in and 211 out. Straight lines between quantiles miss them by a little.
  const auto lengths = length_preset("azure-2023-conversation");
  REQUIRE(lengths);
  RandomStream random(3, "lengths");
  double input = 0, output = 0;
  constexpr int kDraws = 50000;
  for (int i = 0; i < kDraws; ++i) {
    input += static_cast<double>(lengths->input.sample(random));
    output += static_cast<double>(lengths->output.sample(random));
  }
  CHECK(input / kDraws == Approx(1155).epsilon(0.03));
  CHECK(output / kDraws == Approx(211).epsilon(0.03));
}

TEST_CASE("A workload ends at its duration") {
  Workload workload;
  workload.preset = "azure-2023-code";
  workload.rate = 10.0 / second;
  workload.duration = 30 * second;
  RequestSource source(workload, RandomStream(1, "requests"));
  int n = 0;
  Request request;
  while (source.next(request)) {
    REQUIRE(request.arrival_s < 30);
    ++n;
  }
  CHECK(n == Approx(300).margin(60));
}

TEST_CASE("Each incomplete workload is told what is missing") {
  CHECK(complaint_about(R"({"preset": "azure-2023-code", "rate": "1 1/s", "n_requests": 5})") == "");
  CHECK(complaint_about(R"({"preset": "azure-2023-cod", "rate": "1 1/s", "n_requests": 5})")
            .find("did you mean \"azure-2023-code\"") != std::string::npos);
  CHECK(complaint_about(R"({"rate": "1 1/s", "n_requests": 5})") ==
        "give either \"preset\", or \"input\" and \"output\"");
  CHECK(complaint_about(R"({"preset": "azure-2023-code", "n_requests": 5})") ==
        "give either \"rate\" or \"concurrency\"");
  CHECK(complaint_about(R"({"preset": "azure-2023-code", "rate": "1 1/s"})") ==
        "give \"n_requests\" or \"duration\", or the workload never ends");
  CHECK(
      complaint_about(
          R"({"input": {"median": 5, "minimum": 9, "maximum": 8}, "output": {"median": 5}, "concurrency": 1, "n_requests": 5})") ==
      "the minimum must not be above the maximum");
}
