// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/io/csv.hpp"
#include "waferwatt/io/row_file.hpp"

using namespace waferwatt;

namespace {

struct TemporaryFile {
  TemporaryFile() { std::filesystem::remove(path); }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string text() const {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string path = (std::filesystem::temp_directory_path() / ("waferwatt-rows-" + std::to_string(::getpid()) + ".csv")).string();
};

}  // namespace

TEST_CASE("rows written one by one are the bytes of the same table") {
  core::Table table("t", {{"name, full", core::Table::Kind::text}, {"n", core::Table::Kind::integer}, {"x_s"}});
  const TemporaryFile file;
  io::RowFile rows(file.path, {"name, full", "n", "x_s"});
  for (const auto& [name, n, x] : {std::tuple{"plain", 1, 0.1}, {"a \"quoted\", one", -2, std::nan("")}, {"", 3, 1e300}}) {
    table.add({std::string{name}, std::int64_t{n}, x});
    rows.add(name), rows.add(std::int64_t{n}), rows.add(x);
    rows.end_row();
  }
  rows.close();
  std::stringstream whole;
  io::write_csv(whole, table);
  CHECK(file.text() == whole.str());
  CHECK(file.text() == "\"name, full\",n,x_s\nplain,1,0.1\n\"a \"\"quoted\"\", one\",-2,\n,3,1e+300\n");
}

TEST_CASE("a file of rows is never written over, and a place that cannot be written is refused") {
  const TemporaryFile file;
  io::RowFile(file.path, {"x"}).close();
  CHECK_THROWS_WITH(io::RowFile(file.path, {"x"}), "error: " + file.path + ": exists; results are never overwritten silently");
  CHECK_THROWS_WITH(io::RowFile("/no/such/folder/rows.csv", {"x"}), "error: /no/such/folder/rows.csv: cannot be written");
}

