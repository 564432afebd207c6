// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/date.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;

TEST_CASE("dates are read as year, month or day, a period meaning its start") {
  CHECK(Date::parse("1970-01-01")->days() == 0);
  CHECK(Date::parse("2024") == Date::from_civil(2024, 1, 1));
  CHECK(Date::parse("2024-03") == Date::from_civil(2024, 3, 1));
  CHECK(Date::parse("2024-03-15") == Date::from_civil(2024, 3, 15));
  // 54 years since 1970 with 13 leap days (1972 to 2020): 54 * 365 + 13 = 19,723.
  CHECK(Date::parse("2024")->days() == 19723);
  CHECK(Date::parse("1969-12-31")->days() == -1);
}

TEST_CASE("texts that are no dates and days that do not exist are refused") {
  for (const char* text :
       {"",        "24",      "2024-",      "2024-3",     "2024-3-5",      "2024/03",    "2024-03/15",
        "2024-13", "2024-00", "2024-01-00", "2024-04-31", "2023-02-29",    "1900-02-29", "2024-02-30",
        "-024",    "2024--1", "2024-+1",    "20x4",       "2024-03-15T00", " 2024",      "2024-03-1 "}) {
    CAPTURE(text);
    CHECK_FALSE(Date::parse(text).has_value());
  }
}

TEST_CASE("leap years have a 29th of February") {
  CHECK(Date::parse("2024-02-29").has_value());
  CHECK(Date::parse("2000-02-29").has_value());
  CHECK((*Date::parse("2024-03-01") - *Date::parse("2024-02-28")).in(day) == 2);
  CHECK((*Date::parse("2023-03-01") - *Date::parse("2023-02-28")).in(day) == 1);
  CHECK((*Date::parse("2025") - *Date::parse("2024")).in(day) == 366);
}

TEST_CASE("a date knows its year, month, quarter and text, also within a day") {
  const Date date = *Date::parse("2024-12-31") + 0.75 * day;
  CHECK(date.year() == 2024);
  CHECK(date.month() == 12);
  CHECK(date.quarter() == 4);
  CHECK(date.text() == "2024-12-31");
  const int quarters[] = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4};
  for (unsigned month = 1; month <= 12; ++month)
    CHECK(Date::from_civil(2025, month, 28).quarter() == quarters[month - 1]);
  CHECK(Date::from_civil(1969, 7, 20).text() == "1969-07-20");
  for (double days = -1000; days < 30000; days += 37) {
    const Date any = Date::from_days(days);
    REQUIRE(Date::parse(any.text()) == any);
  }
}

TEST_CASE("the next month starts on its first day, across years and leap days") {
  CHECK(Date::from_civil(2024, 1, 31).next_month().text() == "2024-02-01");
  CHECK(Date::from_civil(2024, 2, 1).next_month().text() == "2024-03-01");
  CHECK(Date::from_civil(2024, 12, 15).next_month().text() == "2025-01-01");
}

TEST_CASE("dates and spans add up and compare") {
  const Date date = Date::from_civil(2024, 2, 28);
  CHECK((date + 2 * day).text() == "2024-03-01");
  CHECK((date - 59 * day).text() == "2023-12-31");
  CHECK(((date + 1 * week) - date).in(day) == Approx(7));
  CHECK(date < date + 1 * hour);
  CHECK(Date::from_civil(2024, 1, 1) == *Date::parse("2024"));
}
