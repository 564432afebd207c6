// SPDX-License-Identifier: Apache-2.0
// Micro-batches that follow each other through stages, with a pencil.
#include <catch2/catch.hpp>

#include "plain_costs.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

/// Three stages of a millisecond each; so many requests of one prompt token and 11 answers, one in each micro-batch.
std::vector<RequestRecord> staged(double scheduling_ms, std::size_t n) {
  PlainCosts costs;
  costs.base_s = 1e-3 * (3 + scheduling_ms), costs.scheduling_s = 1e-3 * scheduling_ms;
  Deployment deployment;
  deployment.groups[0].plan.pipeline_parallel = 3;
  deployment.groups[0].engine.max_sequences = 3;
  return plain_run(deployment, std::vector<Request>(n, {.input_tokens = 1, .output_tokens = 11}), costs).requests;
}

}  // namespace

TEST_CASE("Short scheduling lies beside the stages but for a micro-batch's own: a token every T + h") {
  // h = 0.5 ms. The first leaves the host at 0.5 and the last stage at 3.5. The second leaves the host at 1, but the
  // first stage is free at 1.5 only: it ends at 4.5; the third at 5.5. The first begins again at 3.5, leaves the host at
  // 4, finds the first stage free since 3.5 and ends at 7: 3.5 ms a token.
  const auto requests = staged(0.5, 3);
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].first_token_s == Approx(3.5e-3));
  CHECK(requests[1].first_token_s == Approx(4.5e-3));
  CHECK(requests[2].first_token_s == Approx(5.5e-3));
  for (const RequestRecord& request : requests) CHECK(request.time_per_output_token_s() == Approx(3.5e-3));
}

TEST_CASE("Where scheduling is longer than a stage, the host is what a pipeline waits for: a token every m h") {
  // h = 2 ms. Hosts finish at 2, 4, 6; first tokens come 3 ms later. The first begins again at 5, but the host is free
  // at 6: 8, and its token at 11, 6 ms after the one before.
  const auto requests = staged(2, 3);
  CHECK(requests[0].first_token_s == Approx(5e-3));
  CHECK(requests[1].first_token_s == Approx(7e-3));
  CHECK(requests[2].first_token_s == Approx(9e-3));
  for (const RequestRecord& request : requests) CHECK(request.time_per_output_token_s() == Approx(6e-3));
}

TEST_CASE("A request that is alone in a pipeline waits for nobody's scheduling but its own") {
  CHECK(staged(2, 1)[0].time_per_output_token_s() == Approx(5e-3));  // T + h
  CHECK(charged_s(staged(2, 3)[0]) == Approx(staged(2, 3)[0].end_to_end_s()));
}
