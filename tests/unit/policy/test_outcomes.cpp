// SPDX-License-Identifier: Apache-2.0
// What became of each chip under each rule, as it is known.
#include <catch2/catch.hpp>

#include "waferwatt/policy/rulebook.hpp"

using namespace waferwatt;
using namespace waferwatt::policy;

namespace {

const catalog::Catalog& all() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}
Rulebook rules(const std::vector<std::string>& ids) {
  static const auto shelf = catalog::load_policies(WAFERWATT_SOURCE_DIR "/models");
  std::vector<catalog::Policy> policies;
  for (const auto& id : ids) policies.push_back(shelf.at(id));
  return Rulebook(policies);
}
Rulebook every_rule() {
  return rules({"us-2022-10", "us-2023-10", "us-2023-10-notified", "us-2025-01-diffusion", "us-2025-04-letters", "us-2025-08-licences", "us-2026-01-case-by-case",
                "us-2026-01-transit-tariff", "china-2025-08-discouraged", "china-2026-01-customs"});
}
Chip chip(const std::string& id) { return chip_of(all().accelerators.at(id), all()); }
Date on(int year, unsigned month, unsigned day) { return Date::from_civil(year, month, day); }
Ruling in_china(const Rulebook& book, const std::string& id, Date date) { return book.rule(chip(id), "China", date); }

}  // namespace

TEST_CASE("performance is the largest of rate times bits, density that over the dies") {
  // A100: 624 x 8 = 312 x 16; H100: 1,979 x 8; H20: 296 x 8, over 814 mm2; B200: 9,000 x 4 = 4,500 x 8; MI325X: 2,614.9 x 8.
  CHECK(chip("nvidia-a100-sxm-80gb").tpp == Approx(4992));
  CHECK(chip("nvidia-h100-sxm").tpp == Approx(15832));
  CHECK(chip("nvidia-h800-sxm").tpp == Approx(15832));
  CHECK(chip("nvidia-l40s").tpp == Approx(5864));
  CHECK(chip("nvidia-h20").tpp == Approx(2368));
  CHECK(chip("nvidia-h20").density.value() == Approx(2368.0 / 814));
  CHECK(chip("nvidia-b200").tpp == Approx(36000));
  CHECK(chip("amd-mi325x").tpp == Approx(20919.2));
}

TEST_CASE("October 2022: A100 and H100 are caught, A800 and H800 are free") {
  const auto book = rules({"us-2022-10"});
  const Date date = on(2023, 4, 1);
  CHECK_FALSE(in_china(book, "nvidia-a100-sxm-80gb", date).is_open);
  CHECK_FALSE(in_china(book, "nvidia-h100-sxm", date).is_open);
  CHECK(in_china(book, "nvidia-a800-sxm", date).is_open);
  CHECK(in_china(book, "nvidia-h800-sxm", date).is_open);
  CHECK(in_china(book, "nvidia-l40s", date).is_open);
  CHECK(in_china(book, "nvidia-h100-sxm", on(2022, 10, 1)).is_open);
  // The rest of the world buys on, and a rule that was replaced no longer holds.
  CHECK(book.rule(chip("nvidia-h100-sxm"), "Germany", date).is_open);
  CHECK(in_china(book, "nvidia-h100-sxm", on(2023, 12, 1)).is_open);
}

TEST_CASE("October 2023: A800, H800 and L40S are caught, H20 is free") {
  const auto book = rules({"us-2023-10", "us-2023-10-notified"});
  const Date date = on(2024, 6, 1);
  for (const char* id : {"nvidia-a800-sxm", "nvidia-h800-sxm", "nvidia-l40s", "nvidia-a100-sxm-80gb", "nvidia-h100-sxm", "nvidia-b200", "amd-mi300x"}) {
    CAPTURE(id);
    CHECK_FALSE(in_china(book, id, date).is_open);
  }
  CHECK(in_china(book, "nvidia-h20", date).is_open);
  // A band of its own: 2,400 to 4,800 at 1.6 to 5.92 a square millimetre, or 1,600 and more at 3.2 to 5.92.
  CHECK_FALSE(book.rule({.id = "band", .tpp = 3000, .density = 2.0}, "China", date).is_open);
  CHECK_FALSE(book.rule({.id = "small and dense", .tpp = 1700, .density = 4.0}, "China", date).is_open);
  CHECK(book.rule({.id = "small", .tpp = 1500, .density = 5.0}, "China", date).is_open);
  CHECK(book.rule({.id = "large and sparse", .tpp = 3000, .density = 1.5}, "China", date).is_open);
  CHECK(book.rule({.id = "game", .tpp = 3000, .density = 6.5, .for_datacentres = false}, "China", date).is_open);
  CHECK_FALSE(book.rule({.id = "large game", .tpp = 5284, .density = 8.7, .for_datacentres = false}, "China", date).is_open);
}

TEST_CASE("December 2024: all high-bandwidth memory in production is caught") {
  const auto book = rules({"us-2024-12-hbm"});
  for (const auto& [id, memory] : all().memories.all()) {
    CAPTURE(id);
    CHECK_FALSE(book.may_receive(memory, "China", on(2025, 1, 1)));
    CHECK(book.may_receive(memory, "China", on(2024, 12, 1)));
    CHECK(book.may_receive(memory, "United States", on(2025, 1, 1)));
  }
}

TEST_CASE("January 2025: the diffusion framework was rescinded before it took effect") {
  const auto policy = catalog::load_policies(WAFERWATT_SOURCE_DIR "/models").at("us-2025-01-diffusion");
  CHECK_FALSE(is_in_force(policy, on(2025, 5, 14)));
  CHECK_FALSE(is_in_force(policy, on(2025, 6, 1)));
  // 790 million TPP are 50,000 H100.
  CHECK(policy.tpp_quota->value / chip("nvidia-h100-sxm").tpp == Approx(50000).epsilon(0.01));
}

TEST_CASE("January 2025: what a foundry does not know of a chip it presumes; small chips and chips without stacked memory are free") {
  const auto book = rules({"us-2025-01-foundry"});
  const Date date = on(2025, 6, 1);
  CHECK_FALSE(book.may_be_made(chip("huawei-ascend-910c"), "China", date));
  CHECK(book.may_be_made(chip("huawei-ascend-910c"), "China", on(2024, 12, 1)));
  CHECK(book.may_be_made(chip("nvidia-h100-sxm"), "United States", date));
  CHECK(book.may_be_made({.id = "small", .transistors = 29e9, .has_stacked_memory = true}, "China", date));
  CHECK(book.may_be_made({.id = "no stacks", .transistors = 34e9}, "China", date));
  CHECK_FALSE(book.may_be_made({.id = "stacks", .transistors = 34e9, .has_stacked_memory = true}, "China", date));
}

TEST_CASE("April 2025: H20 and MI308 are caught by their memory's bandwidth") {
  const auto book = rules({"us-2023-10", "us-2023-10-notified", "us-2025-04-letters"});
  CHECK(in_china(book, "nvidia-h20", on(2025, 4, 8)).is_open);
  CHECK_FALSE(in_china(book, "nvidia-h20", on(2025, 4, 9)).is_open);
  const Chip mi308{.id = "mi308", .maker_country = "United States", .tpp = 3000, .density = 1.5, .memory_bandwidth = 5.3 * tera * byte / second};
  CHECK_FALSE(book.rule(mi308, "China", on(2025, 5, 1)).is_open);
  // A bound of its own each: 1,400 GB/s of memory, 1,100 of I/O, 1,700 together.
  const auto with = [&](double memory, double io) {
    return book.rule({.id = "x", .tpp = 1000, .density = 1, .memory_bandwidth = memory * giga * byte / second, .io = io * giga * byte / second}, "China", on(2025, 5, 1)).is_open;
  };
  CHECK(with(1000, 600));
  CHECK_FALSE(with(1400, 0));
  CHECK_FALSE(with(100, 1100));
  CHECK_FALSE(with(1000, 700));
}

TEST_CASE("August 2025: a licence for H20 costs 15 % of the price, and the buyer's own state stops it") {
  auto ids = std::vector<std::string>{"us-2023-10", "us-2025-04-letters", "us-2025-08-licences"};
  const auto licensed = in_china(rules(ids), "nvidia-h20", on(2025, 9, 1));
  CHECK(licensed.is_open);
  CHECK(licensed.licence == "us-2025-08-licences");
  CHECK(licensed.revenue_share == Approx(0.15));
  CHECK(licensed.closed_by == std::vector<std::string>{"us-2025-04-letters"});
  CHECK_FALSE(in_china(rules(ids), "nvidia-h100-sxm", on(2025, 9, 1)).is_open);
  ids.push_back("china-2025-08-discouraged");
  CHECK_FALSE(in_china(rules(ids), "nvidia-h20", on(2025, 9, 1)).is_open);
}

TEST_CASE("January 2026: H200 and MI325X pass case by case, B200, TPU v7 and MI355X fail") {
  const auto book = rules({"us-2023-10", "us-2025-04-letters", "us-2026-01-case-by-case", "us-2026-01-transit-tariff"});
  const Date date = on(2026, 2, 1);
  for (const char* id : {"nvidia-h200-sxm", "amd-mi325x", "nvidia-h100-sxm"}) {
    CAPTURE(id);
    const auto ruling = in_china(book, id, date);
    CHECK(ruling.is_open);
    CHECK(ruling.volume_share == Approx(0.5));
    CHECK(ruling.authority == "United States");
    CHECK(ruling.tariff == Approx(0.25));
  }
  for (const char* id : {"nvidia-b200", "google-tpu-v7", "amd-mi355x", "nvidia-gb300"}) {
    CAPTURE(id);
    CHECK_FALSE(in_china(book, id, date).is_open);
  }
  CHECK_FALSE(in_china(book, "nvidia-h200-sxm", on(2026, 1, 14)).is_open);
  // Chinese customs turned H200 back.
  CHECK_FALSE(in_china(every_rule(), "nvidia-h200-sxm", date).is_open);
  CHECK(in_china(every_rule(), "amd-mi325x", date).is_open);
}

TEST_CASE("what is made and sold at home is not export") {
  CHECK(in_china(every_rule(), "huawei-ascend-910c", on(2026, 6, 1)).is_open);
  for (const auto& [id, accelerator] : all().accelerators.all()) CHECK(every_rule().rule(chip(id), "United States", on(2026, 6, 1)).is_open);
}

TEST_CASE("enforcement lags and chips leak by parameters of their own") {
  auto policy = catalog::load_policies(WAFERWATT_SOURCE_DIR "/models").at("us-2023-10");
  policy.enforcement_lag = catalog::Fact<Time>{.value = 3 * month};
  policy.leak = catalog::Fact<double>{.value = 0.1};
  policy.leak_premium = catalog::Fact<double>{.value = 2};
  const Rulebook book({policy});
  CHECK(in_china(book, "nvidia-h800-sxm", on(2023, 12, 1)).is_open);
  const auto closed = in_china(book, "nvidia-h800-sxm", on(2024, 3, 1));
  CHECK_FALSE(closed.is_open);
  CHECK(closed.leak == Approx(0.1));
  CHECK(closed.leak_premium == Approx(2));
  CHECK(in_china(book, "nvidia-h20", on(2024, 3, 1)).leak == 0);
  const auto dates = book.change_dates();
  REQUIRE(dates.size() == 2);
  CHECK(dates[1] - dates[0] == 3 * month);
}

TEST_CASE("carbon prices and subsidies hold in their place and time") {
  const auto book = rules({"eu-carbon-price", "eu-gigafactories"});
  CHECK(book.carbon_price("Europe", on(2024, 7, 1)).in(usd / (1000 * kg_co2e)) == Approx(70));
  CHECK(book.carbon_price("China", on(2024, 7, 1)).base() == 0);
  CHECK(book.subsidy("Europe", on(2027, 1, 1)) == Approx(0.35));
  CHECK(book.subsidy("Europe", on(2026, 1, 1)) == 0);
}

TEST_CASE("policies that cannot hold together are found") {
  const auto shelf = catalog::load_policies(WAFERWATT_SOURCE_DIR "/models");
  auto second = shelf.at("eu-carbon-price");
  second.id = "another";
  const auto two_prices = contradictions({shelf.at("eu-carbon-price"), second});
  REQUIRE(two_prices.size() == 1);
  CHECK(two_prices[0].second == "policies \"eu-carbon-price\" and \"another\" both set the carbon-price of the same place at the same time");
  const auto twice = contradictions({shelf.at("us-2023-10"), shelf.at("us-2023-10")});
  REQUIRE(twice.size() == 1);
  CHECK(twice[0].second == "policy \"us-2023-10\" is given twice");
  const auto empty_licence = contradictions({shelf.at("us-2025-08-licences")});
  REQUIRE(empty_licence.size() == 1);
  CHECK_THAT(empty_licence[0].second, Catch::Contains("opens nothing"));
  CHECK(contradictions({shelf.at("us-2023-10"), shelf.at("us-2025-08-licences"), shelf.at("us-2025-01-diffusion")}).empty());
}
