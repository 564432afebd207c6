// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/unit_text.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"

namespace waferwatt::core {
namespace {

std::string complaint(std::string_view text) {
  try {
    parse_unit_text(text);
  } catch (const UnitTextError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("units, prefixes and compound units are read") {
  CHECK(parse_quantity<Power>("700 W") == 700 * watt);
  CHECK(parse_quantity<Power>("0.7kW") == 700 * watt);
  CHECK(parse_quantity<Bandwidth>("3.35 TB/s").in(tera * byte / second) == Approx(3.35));
  CHECK(parse_quantity<Bandwidth>("400 Gbit/s") == 50 * giga * byte / second);
  CHECK(parse_quantity<DataSize>("80 GiB") == 80 * gibi * byte);
  CHECK(parse_quantity<FlopRate>("989 TFLOP/s") == 989 * tera * flop / second);
  CHECK(parse_quantity<WaferRate>("35000 wafer/month").in(wafer / month) == Approx(35000));
  CHECK(parse_quantity<EnergyPrice>("0.08 USD/kWh").in(usd / (kilo * watt_hour)) == Approx(0.08));
  CHECK(parse_quantity<TokenPrice>("0.3 USD/Mtoken").in(usd / (mega * token)) == Approx(0.3));
  CHECK(parse_quantity<CarbonIntensity>("400 gCO2e/kWh").in(kg_co2e / (kilo * watt_hour)) == Approx(0.4));
  CHECK(parse_quantity<Money>("1.5 BUSD") == 1.5e9 * usd);
  CHECK(parse_quantity<Time>("-5 ms") == -0.005 * second);
  CHECK(parse_quantity<Energy>("2 W*h").in(watt_hour) == Approx(2));
}

TEST_CASE("spellings with two meanings are refused with what to write") {
  const std::pair<const char*, const char*> refused[] = {
      {"989 TFLOPS", "TFLOP/s (a rate) or TFLOP (an amount)"}, {"1 GFLOPS", "GFLOP/s"}, {"1 PFLOPS", "PFLOP/s"}, {"1 EFLOPS", "EFLOP/s"},
      {"1 FLOPS", "FLOP/s"}, {"1 TOPS", "TFLOP/s"}, {"1 b", "bit or B"}, {"1 kb", "kbit or kB"}, {"1 Mb", "Mbit or MB"}, {"1 Gb", "Gbit or GB"},
      {"1 Tb", "Tbit or TB"}, {"1 Mbps", "Mbit/s"}, {"1 Gbps", "Gbit/s"}, {"1 Tbps", "Tbit/s"}, {"1 GBps", "GB/s"}, {"1 TBps", "TB/s"},
      {"1 m", "min, month, mm or ms"}, {"1 M", "a prefix with a unit"}, {"1 d", "day"}, {"1 y", "year"}, {"1 yr", "year"}, {"1 hr", "h"},
      {"1 hour", "h"}, {"1 sec", "s"}, {"1 mo", "month"}, {"1 $", "USD"}, {"1 t", "tCO2e or Ttoken"}, {"1 g", "gCO2e"}, {"1 kg", "kgCO2e"},
      {"1 K", "k as a prefix"}, {"1 kW-h", "kWh"}, {"1 GUSD", "BUSD"}, {"1 unit", "accelerator or package"}, {"1 wpm", "wafer/month"},
      {"5 %", "a plain number between 0 and 1"}, {"1 GB/sec", "s"}, {"1 $/kWh", "USD"}};
  for (const auto& [text, instead] : refused) {
    INFO(text);
    CHECK(complaint(text).find("is not accepted; write") != std::string::npos);
    CHECK(complaint(text).find(instead) != std::string::npos);
  }
}

TEST_CASE("unknown units suggest what was meant") {
  CHECK(complaint("700 watts") == "unknown unit \"watts\"; did you mean \"W\"?");
  CHECK(complaint("7 tokens") == "unknown unit \"tokens\"; did you mean \"token\"?");
  CHECK(complaint("7 kw") == "unknown unit \"kw\"; did you mean \"kW\"?");
  CHECK(complaint("7 furlong") == "unknown unit \"furlong\"");
}

TEST_CASE("texts that are no quantities are refused") {
  CHECK(complaint("W") == "\"W\" does not start with a number");
  CHECK(complaint("700") == "\"700\" has no unit");
  CHECK(complaint("nan W") == "\"nan W\" is not a finite number");
  CHECK(complaint("inf W") == "\"inf W\" is not a finite number");
  CHECK(complaint("1e999 W").find("too large or too small") != std::string::npos);
  for (const char* text : {"", " 700 W", "700  W", "700 W ", "700 W/", "700 /s", "700 W//s", "0x10 W"}) {
    INFO(text);
    CHECK(complaint(text) != "accepted");
  }
}

TEST_CASE("another dimension than expected is named") {
  CHECK_THROWS_WITH(parse_quantity<Power>("700 Wh"), "expected a power (e.g. \"700 W\"), got \"700 Wh\", which is an energy");
  CHECK_THROWS_WITH(parse_quantity<Bandwidth>("1 GFLOP/s"), Catch::Contains("which is a FLOP rate"));
}

TEST_CASE("quantities print in the unit that people use and read back to the same value") {
  CHECK(to_text(700 * watt) == "700 W");
  CHECK(to_text(1.2e6 * watt) == "1.2 MW");
  CHECK(to_text(3.35 * tera * byte / second) == "3.35 TB/s");
  CHECK(to_text(5 * micro * second) == "5 us");
  CHECK(to_text(35000 * wafer / month) == "35000 wafer/month");
  CHECK(to_text(0 * watt) == "0 W");
  RandomStream random(1, "unit text");
  for (int i = 0; i < 500; ++i) {
    const double base = random.lognormal(1.0, 12.0) * (random.uniform() < 0.5 ? -1 : 1);
    for (const Dimension dimension : {Time::dimension, Power::dimension, Energy::dimension, Bandwidth::dimension, EnergyPrice::dimension,
                                      WaferRate::dimension, Dimension{.money = 1, .stack = -1}}) {
      INFO(format_unit_text(base, dimension));
      const double back = parse_unit_text_as(dimension, format_unit_text(base, dimension));
      CHECK(back == Approx(base).epsilon(1e-14));
    }
  }
}

}  // namespace waferwatt::core
