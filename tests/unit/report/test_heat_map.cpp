// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/heat_map.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using Catch::Matchers::Contains;

TEST_CASE("the heat map has a row for each kind of links and a cell for each switch, as dark as its hottest link") {
  scenario::Result result;
  CHECK(report::heat_map_section(result).empty());
  core::Table table("link_use", {{"kind", core::Table::Kind::text}, {"first_switch", core::Table::Kind::integer}, {"n_links", core::Table::Kind::integer},
                                 {"mean_utilisation"}, {"largest_utilisation"}});
  table.add({"gpu -> leaf", std::int64_t{0}, std::int64_t{32}, 0.25, 0.5});
  table.add({"gpu -> leaf", std::int64_t{1}, std::int64_t{32}, 0.75, 0.875});
  table.add({"leaf -> spine", std::int64_t{0}, std::int64_t{1}, 1.0, 1.0});
  result.tables.push_back(table);
  const std::string html = report::heat_map_section(result);
  CHECK_THAT(html, Contains("gpu -&gt; leaf: switch 1, 32 links, 75.0 % of the time in the mean, 87.5 % the hottest"));
  CHECK_THAT(html, Contains("opacity=\"0.875\""));
  CHECK_THAT(html, Contains(">88 %</text>"));   // the hottest of the first row
  CHECK_THAT(html, Contains(">100 %</text>"));  // of the second
}
