// SPDX-License-Identifier: Apache-2.0
// Every dimension, not one example of each rule.
#include <catch2/catch.hpp>
#include <cmath>

#include "waferwatt/core/random.hpp"
#include "waferwatt/core/unit_text.hpp"

using namespace waferwatt;

namespace {

std::string refusal(std::string_view text) {
  try {
    parse_unit_text(text);
    return "";
  } catch (const UnitTextError& error) {
    return error.what();
  }
}
std::string refusal_as(Dimension dimension, std::string_view text) {
  try {
    parse_unit_text_as(dimension, text);
    return "";
  } catch (const UnitTextError& error) {
    return error.what();
  }
}

/// Every dimension with a name of its own.
const std::vector<Dimension> kNamed = {Time::dimension,
                                       Frequency::dimension,
                                       Length::dimension,
                                       Area::dimension,
                                       DefectDensity::dimension,
                                       Energy::dimension,
                                       Power::dimension,
                                       DataSize::dimension,
                                       Bandwidth::dimension,
                                       FlopCount::dimension,
                                       FlopRate::dimension,
                                       Tokens::dimension,
                                       TokenRate::dimension,
                                       Money::dimension,
                                       MoneyRate::dimension,
                                       TokenPrice::dimension,
                                       EnergyPrice::dimension,
                                       DataPrice::dimension,
                                       WaferPrice::dimension,
                                       CarbonMass::dimension,
                                       CarbonIntensity::dimension,
                                       CarbonDensity::dimension,
                                       EnergyDensity::dimension,
                                       WaterVolume::dimension,
                                       WaferRate::dimension,
                                       PackagesPerWafer::dimension,
                                       AcceleratorRate::dimension};

/// Dimensions that occur but have no name: they are written in base units.
const std::vector<Dimension> kUnnamed = {PackagePrice::dimension,
                                         Wafers::dimension,
                                         {.stack = 1},
                                         {.die = 1},
                                         {.package = 1},
                                         {.accelerator = 1},
                                         {.money = 1, .stack = -1},
                                         {.time = 1, .energy = -1, .money = 1},
                                         {.length = -2, .money = 1},
                                         {.time = -2}};

}  // namespace

TEST_CASE("the example of every dimension reads as that dimension") {
  for (const Dimension dimension : kNamed) {
    CAPTURE(describe_dimension(dimension));
    CHECK(parse_unit_text(example_unit_text(dimension)).dimension == dimension);
    CHECK(describe_dimension(dimension).find("(e.g. \"" + example_unit_text(dimension) + "\")") != std::string::npos);
  }
  for (const Dimension dimension : kUnnamed) {
    CAPTURE(describe_dimension(dimension));
    CHECK(parse_unit_text(example_unit_text(dimension)).dimension == dimension);
    CHECK(describe_dimension(dimension).find("a quantity in ") == 0);
  }
  CHECK(describe_dimension({}) == "a plain number");
  CHECK(describe_dimension({.money = 1, .stack = -1}) == "a quantity in USD/stack");
  CHECK(example_unit_text({.money = 1, .stack = -1}) == "1 USD/stack");
}

TEST_CASE("random values of every dimension survive being written and read") {
  RandomStream random(1, "every dimension");
  for (const auto* list : {&kNamed, &kUnnamed})
    for (const Dimension dimension : *list)
      for (int i = 0; i < 200; ++i) {
        const double value = (random.uniform() < 0.5 ? -1 : 1) * std::pow(10.0, random.uniform(-12, 24));
        const std::string text = format_unit_text(value, dimension);
        CAPTURE(text, value);
        const double again = parse_unit_text_as(dimension, text);
        // Fifteen digits: off by half a unit of the last one at most.
        REQUIRE(std::abs(again / value - 1) < 1e-14);
        // The text of what was read is the same text: a file does not drift.
        REQUIRE(format_unit_text(again, dimension) == text);
      }
}

TEST_CASE("exact text reads back to the very value") {
  RandomStream random(2, "exact text");
  for (const auto* list : {&kNamed, &kUnnamed})
    for (const Dimension dimension : *list)
      for (int i = 0; i < 10000; ++i) {
        const double value = (random.uniform() < 0.5 ? -1 : 1) * std::pow(10.0, random.uniform(-15, 27));
        const std::string text = exact_unit_text(value, dimension);
        if (parse_unit_text_as(dimension, text) != value) FAIL(text << " is not " << value);
      }
  for (const char* text : {"700 W", "0.08 USD/kWh", "35000 wafer/month", "0.09 1/cm2", "400 gCO2e/kWh", "26 mm"}) {
    const auto [base, dimension] = parse_unit_text(text);
    CHECK(exact_unit_text(base, dimension) == text);
  }
}

TEST_CASE("numbers beyond a double's range are refused, whatever the unit") {
  CHECK(refusal("1e300 ZFLOP") == "\"1e300 ZFLOP\" is too large or too small a number");
  CHECK(refusal("1e999 W") == "\"1e999 W\" is too large or too small a number");
  CHECK(refusal("1e-320 pJ") == "\"1e-320 pJ\" is too large or too small a number");
  CHECK(refusal("1e-999 W") == "\"1e-999 W\" is too large or too small a number");
  CHECK(refusal("0 pJ") == "");
}

TEST_CASE("a unit that is missing beside a sign is named") {
  for (const char* text : {"5 W/", "5 W*", "5 /s", "5 W//s", "5 W*/s"}) {
    CAPTURE(text);
    CHECK(refusal(text) == "a unit is missing beside \"/\" or \"*\"");
  }
}

TEST_CASE("every value is refused where another dimension is expected") {
  for (const Dimension expected : kNamed)
    for (const Dimension given : kNamed) {
      const std::string text = example_unit_text(given), message = refusal_as(expected, text);
      CAPTURE(text, message);
      if (expected == given)
        REQUIRE(message == "");
      else
        REQUIRE(message.find("expected " + describe_dimension(expected) + ", got \"" + text + "\", which is ") == 0);
    }
  CHECK(refusal_as(Money::dimension, "7 USD/stack") ==
        "expected an amount of money (e.g. \"30000 USD\"), got \"7 USD/stack\", which is USD/stack");
  CHECK(refusal_as(PackagePrice::dimension, "7 USD") ==
        "expected a quantity in USD/package, got \"7 USD\", which is an amount of money");
  CHECK(refusal_as(Power::dimension, "700") == "expected a power (e.g. \"700 W\"): \"700\" has no unit");
}

TEST_CASE("another case, a plural or a long name of a unit names the unit") {
  const std::pair<const char*, const char*> meant[] = {
      {"KW", "kW"},           {"Mw", "MW"},           {"w", "W"},         {"gwh", "GWh"},
      {"usd", "USD"},         {"mUSD", "MUSD"},       {"Wafer", "wafer"}, {"flop", "FLOP"},
      {"KB", "kB"},           {"wafers", "wafer"},    {"years", "year"},  {"Mtokens", "Mtoken"},
      {"days", "day"},        {"stacks", "stack"},    {"watt", "W"},      {"Watts", "W"},
      {"joules", "J"},        {"bytes", "B"},         {"seconds", "s"},   {"minutes", "min"},
      {"dollars", "USD"},     {"litre", "L"},         {"liters", "L"},    {"chips", "accelerator"},
      {"GPU", "accelerator"}, {"gpus", "accelerator"}};
  for (const auto& [wrong, right] : meant)
    CHECK(refusal(std::string{"5 "} + wrong) ==
          std::string{"unknown unit \""} + wrong + "\"; did you mean \"" + right + "\"?");
}

TEST_CASE("prefixes belong to the units that take them") {
  CHECK(refusal("5 kmonth") == "unknown unit \"kmonth\"");
  CHECK(refusal("5 KiW") == "unknown unit \"KiW\"");
  CHECK(refusal("5 kW/KiB") == "");
  CHECK(refusal("-inf W") == "\"-inf W\" is not a finite number");
  CHECK(refusal("") == "\"\" does not start with a number");
}

TEST_CASE("streams made in another order give the same numbers") {
  RandomStream a(7, "a");
  a.next();
  RandomStream b_after_a(7, "b"), b_alone(7, "b");
  for (int i = 0; i < 20; ++i) REQUIRE(b_after_a.next() == b_alone.next());
}
