// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/table.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

using namespace waferwatt;
using Catch::Message;

namespace {

Table fleet() { return Table("fleet", {{"owner", Table::Kind::text}, {"n", Table::Kind::integer}, {"power_w"}}); }

}  // namespace

TEST_CASE("rows of a table are read back by column") {
  Table table = fleet();
  CHECK(table.n_rows() == 0);
  table.add({std::string{"meta"}, std::int64_t{3}, 700.0});
  table.add({std::string{"xai"}, std::int64_t{5}, 1000.0});
  CHECK(table.name() == "fleet");
  CHECK(table.n_rows() == 2);
  CHECK(table.n_columns() == 3);
  CHECK(table.column_names() == std::vector<std::string>{"owner", "n", "power_w"});
  CHECK(table.texts("owner") == std::vector<std::string>{"meta", "xai"});
  CHECK(table.integers("n") == std::vector<std::int64_t>{3, 5});
  CHECK(table.numbers("power_w") == std::vector<double>{700, 1000});
  CHECK(std::get<std::vector<double>>(table.column(std::size_t{2})).back() == 1000);
}

TEST_CASE("rows that do not fit the columns are refused and leave the table as it was") {
  Table table = fleet();
  CHECK_THROWS_MATCHES(table.add({std::string{"meta"}}), std::logic_error,
                       Message("table fleet has 3 columns, the row has 1"));
  CHECK_THROWS_MATCHES(table.add({std::string{"meta"}, 3.0, 700.0}), std::logic_error,
                       Message("table fleet, column n: a cell of another kind"));
  CHECK(table.n_rows() == 0);
}

TEST_CASE("an unknown column is named with those there are") {
  CHECK_THROWS_MATCHES(fleet().column("tokens"), std::out_of_range,
                       Message("table fleet has no column tokens; it has owner, n, power_w"));
  CHECK_THROWS_AS(fleet().numbers("owner"), std::bad_variant_access);
}

TEST_CASE("columns make a table when they fit together") {
  const auto table =
      Table::from_columns("t", {"a", "b"}, {std::vector<double>{1, 2}, std::vector<std::string>{"x", "y"}});
  CHECK(table.n_rows() == 2);
  CHECK(table.texts("b").back() == "y");
  CHECK_THROWS_MATCHES(Table::from_columns("t", {"a"}, {}), std::logic_error,
                       Message("table t: 1 names for 0 columns"));
  CHECK_THROWS_MATCHES(Table::from_columns("t", {"a", "b"}, {std::vector<double>{1}, std::vector<double>{}}),
                       std::logic_error, Message("table t: columns of different length"));
  CHECK(Table{}.n_rows() == 0);
}
