// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/run.hpp"

#include <catch2/catch.hpp>

#include "gpt.hpp"

using namespace waferwatt;
using namespace waferwatt::training;

namespace {

Step ten_seconds() {
  Step s;
  s.breakdown.compute = 8 * second, s.breakdown.data = 2 * second;
  s.energy = 20 * kilo * joule;  // of 4 accelerators: 500 W each
  return s;
}

const Plan kPlan{.parallel = {4, 1, 1, 1}, .global_batch = 100, .micro_batch = 1, .sequence_length = 1000};

}  // namespace

TEST_CASE("a run is its number of iterations") {
  // 1 M tokens at 100,000 an iteration: 10 iterations of 10 s on 4 accelerators: 400 accelerator-seconds.
  const Surroundings around{.server_share = 300 * watt,
                            .pue = 1.5,
                            .carbon_intensity = 400 * kg_co2e / (1000 * kilo * watt_hour),
                            .energy_price = 0.1 * usd / (kilo * watt_hour),
                            .accelerator_price = 3.6 * usd / hour};
  const auto totals = run_totals(ten_seconds(), kPlan, 1e6 * token, around);
  CHECK(totals.n_iterations == 10);
  CHECK(totals.duration.in(second) == Approx(100));
  CHECK(totals.accelerator_time.in(second) == Approx(400));
  CHECK(totals.accelerator_energy.in(joule) == Approx(200e3));
  CHECK(totals.it_energy.in(joule) == Approx(200e3 + 300 * 400));
  CHECK(totals.facility_energy.in(joule) == Approx(1.5 * 320e3));
  CHECK(totals.carbon.in(kg_co2e) == Approx(480e3 / 3.6e6 * 0.4));
  CHECK(totals.accelerator_cost.in(usd) == Approx(0.4));
  CHECK(totals.cost().in(usd) == Approx(0.4 + 480e3 / 3.6e6 * 0.1));
  CHECK(totals.token_rate(1e6 * token).in(token / second) == Approx(10000));
  // A part of an iteration is a whole one.
  CHECK(run_totals(ten_seconds(), kPlan, 1000001 * token, around).n_iterations == 11);
}

TEST_CASE("the rest of the server is what its nameplate leaves beyond the accelerator") {
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const auto& dgx = shipped().systems.at("nvidia-dgx-h100");
  CHECK(server_share(h100, &dgx).in(watt) == Approx((1472 - 700) * 0.75));
  CHECK(server_share(h100, nullptr) == Power{});
}

TEST_CASE("an owned accelerator costs its price and server over four years") {
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const auto& dgx = shipped().systems.at("nvidia-dgx-h100");
  const auto price = owned_accelerator_price(h100, &dgx, Date::from_civil(2023, 7, 1));
  REQUIRE(price);
  CHECK(price->in(usd / hour) == Approx(35000 * 1.64 / (4 * 8760)).epsilon(0.01));
  auto unknown = h100;
  unknown.price.reset();
  CHECK_FALSE(owned_accelerator_price(unknown, &dgx, Date{}));
}
