// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "waferwatt/power/hourly_text.hpp"

using namespace waferwatt;
using namespace waferwatt::power;

namespace {

struct Read {
  Hourly<double> series;
  HourlyRepairs repairs;
  std::string problems;
};

Read read(const std::string& text, HourlyColumns columns = {.time = "time", .value = "x"}) {
  Read r;
  Diagnostics diagnostics;
  r.series = read_hours("x.csv", text, columns, r.repairs, diagnostics);
  for (const auto& d : diagnostics.found()) r.problems += d.text() + "\n";
  return r;
}

}  // namespace

TEST_CASE("a series reads by its hours and repeats") {
  const auto r = read("time,x\n2024-01-01 00:00:00+00:00,1\n2024-01-01 01:00:00+00:00,-2.5\n");
  const HourIndex first = hour_of(Date::from_civil(2024, 1, 1));
  CHECK(r.problems.empty());
  CHECK_FALSE(r.repairs.any());
  CHECK(r.series.at(first + 1) == -2.5);  // negative prices are legal
  CHECK(r.series.at(first + 2) == 1);
  CHECK(r.series.at(first - 1) == -2.5);
}

TEST_CASE("zones are honoured") {
  const auto r = read("time,x\n2024-01-01T02:00:00+02:00,1\n");
  CHECK(r.series.first() == hour_of(Date::from_civil(2024, 1, 1)));
}

TEST_CASE("bad values and gaps are bridged by straight lines and counted") {
  const auto r = read("time,x\n2024-01-01 00:00,10\n2024-01-01 01:00,nan\n2024-01-01 02:00,\n2024-01-01 04:00,50\n");
  CHECK(r.problems.empty());
  CHECK(r.repairs.n_bad == 2);
  CHECK(r.repairs.n_missing == 1);
  CHECK(r.series.values() == std::vector<double>{10, 20, 30, 40, 50});
  CHECK(r.repairs.text() == "4 rows, 2 bad values bridged, 1 missing hours bridged");
}

TEST_CASE("values outside their limits are bad rows") {
  HourlyColumns columns{.time = "time", .value = "x", .low = 200};
  const auto r = read("time,x\n2022-10-01 00:00,400\n2022-10-01 01:00,43\n2022-10-01 02:00,380\n", columns);
  CHECK(r.repairs.n_bad == 1);
  CHECK(r.series.values()[1] == 390);
}

TEST_CASE("repeated hours become their mean, rows out of order are sorted") {
  const auto r = read("time,x\n2024-01-02 01:00,4\n2024-01-02 00:00,1\n2024-01-02 01:00,6\n");
  CHECK(r.repairs.n_repeated == 1);
  CHECK(r.repairs.n_out_of_order == 1);
  CHECK(r.series.values() == std::vector<double>{1, 5});
}

TEST_CASE("a year of local clocks is the year in UTC, on both hemispheres") {
  // Berlin 2024: at 01:00 UTC on 31 March and on 27 October; Sydney 2024: at 16:00 UTC on 6 April back, on 5 October forward.
  const HourIndex first = hour_of(Date::from_civil(2024, 1, 1));
  const auto at = [](int month, int day, int hour) { return hour_of(Date::from_civil(2024, month, day)) + hour; };
  for (const auto& [zone, summer_from, summer_until] : {std::tuple{1, at(3, 31, 1), at(10, 27, 1)}, std::tuple{10, at(10, 5, 16), at(4, 6, 16)}}) {
    std::string text = "time,x\n";
    std::vector<double> expected;
    for (int i = 0; i < 8784; ++i) {
      const HourIndex hour = first + i;
      const bool is_summer = summer_from < summer_until ? hour >= summer_from && hour < summer_until : hour >= summer_from || hour < summer_until;
      const HourIndex local = hour + zone + is_summer;
      const Date date = Date::from_days(std::floor(static_cast<double>(local) / 24));
      text += fmt::format("{} {:02}:00,{}\n", date.text(), local % 24, i);
      expected.push_back(i);
    }
    const auto r = read(text, {.time = "time", .value = "x", .utc_offset_hours = static_cast<double>(zone)});
    CHECK(r.problems.empty());
    CHECK(r.repairs.n_daylight_saving == 2);
    CHECK(r.repairs.n_missing + r.repairs.n_repeated + r.repairs.n_out_of_order == 0);
    CHECK(r.series.first() == first);
    CHECK(r.series.values() == expected);
  }
}

TEST_CASE("summer time without its other end, in a file that goes on, is a missing or a repeated hour") {
  std::string lost = "time,x\n";
  for (int h = 0; h < 24 * 300; ++h)
    if (h != 2) {
      const Date date = Date::from_civil(2024, 3, 31) + (h / 24) * day;
      lost += fmt::format("{} {:02}:00,1\n", date.text(), h % 24);
    }
  const auto r = read(lost);
  CHECK(r.repairs.n_daylight_saving == 0);
  CHECK(r.repairs.n_missing == 1);
  CHECK(r.series.values().size() == 24 * 300);
}

TEST_CASE("daylight saving of local clocks is told from other gaps") {
  // 2024-03-31 is a Sunday: 02:00 does not exist; 2024-10-27: 02:00 comes twice.
  const auto spring = read("time,x\n2024-03-31 01:00,1\n2024-03-31 03:00,3\n");
  CHECK(spring.repairs.n_daylight_saving == 1);
  CHECK(spring.repairs.n_missing == 0);
  CHECK(spring.series.values() == std::vector<double>{1, 3});
  const auto autumn = read("time,x\n2024-10-27 02:00,1\n2024-10-27 02:00,3\n2024-10-27 03:00,5\n");
  CHECK(autumn.repairs.n_daylight_saving == 1);
  CHECK(autumn.repairs.n_repeated == 0);
  CHECK(autumn.series.values() == std::vector<double>{1, 3, 5});
  CHECK(autumn.series.first() == hour_of(Date::from_civil(2024, 10, 27)) + 1);
  const auto weekday = read("time,x\n2024-04-03 01:00,1\n2024-04-03 03:00,3\n");
  CHECK(weekday.repairs.n_daylight_saving == 0);
  CHECK(weekday.repairs.n_missing == 1);
}

TEST_CASE("what cannot be read is refused with its line") {
  CHECK(read("time,y\n").problems == "x.csv:1:1: error: no column \"x\"; did you mean \"y\"?\n");
  CHECK(read("time,x\nyesterday,1\n").problems ==
        "x.csv:2:1: error: \"yesterday\" is no time; write \"2024-03-31 05:00\" or \"2024-03-31T05:00:00+02:00\"\n");
  CHECK(read("time,x\n2024-01-01 00:15,1\n").problems == "x.csv:2:1: error: \"2024-01-01 00:15\" is not a full hour; give hourly means\n");
  CHECK(read("time,x\n2024-01-01 00:00,1\n2024-01-01 12:00,1\n").problems ==
        "x.csv:3:1: error: 11 hours without a value before this row; at most 6 are bridged (longest_gap)\n");
  CHECK(read("x,time\n1\n").problems == "x.csv:2:1: error: the row has 1 cells and no \"time\"\n");
  CHECK(read("time,x\n2024-01-01 00:00:00+z,1\n").problems == "x.csv:2:1: error: \"2024-01-01 00:00:00+z\" has no zone that can be read; write \"+02:00\" or \"Z\"\n");
  std::string many = "time,x\n";
  for (int i = 0; i < 13; ++i) many += "yesterday,1\n";
  CHECK(read(many).problems.find("x.csv:1:1: error: 3 more times cannot be read\n") != std::string::npos);
  CHECK(read("time,x\n").problems == "x.csv:1:1: error: no hours; expected a header and one row an hour\n");
  CHECK(read("time,x\n2024-01-01 00:00,nan\n").problems.find("has no value between") != std::string::npos);
}
