// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/record.hpp"

#include <catch2/catch.hpp>

namespace waferwatt::io {
namespace {

struct Part {
  std::string name;
  double share = 0;
  static const Record<Part>& record() {
    static const auto record =
        Record<Part>("part", "A part.")
            .required("name", &Part::name, {.doc = "Its name."})
            .optional("share", &Part::share, {.doc = "Its share.", .at_least = 0.0, .at_most = 1.0});
    return record;
  }
};

struct Disk {
  DataSize capacity;
  std::int64_t n_heads = 2;
  bool is_spinning = true;
  std::optional<Power> power;
  std::vector<Part> parts;
  std::map<std::string, double> weights;
  Ramp<Money> price;
  static const Record<Disk>& record() {
    static const auto record =
        Record<Disk>("disk", "A disk.")
            .required("capacity", &Disk::capacity,
                      {.doc = "Bytes.", .above = 0 * core::byte, .at_most = core::peta * core::byte})
            .optional("n_heads", &Disk::n_heads, {.doc = "Heads.", .at_least = 1})
            .optional("is_spinning", &Disk::is_spinning, {.doc = "Turns."})
            .optional("power", &Disk::power, {.doc = "Draw.", .at_least = 0 * core::watt})
            .optional("parts", &Disk::parts, {.doc = "Parts."})
            .optional("weights", &Disk::weights, {.doc = "Weights."})
            .optional("price", &Disk::price, {.doc = "Price.", .above = 0 * core::usd})
            .check([](const Disk& disk, const FieldComplaint& complain) {
              if (disk.n_heads > 8 && !disk.is_spinning) complain("n_heads", "heads need a disk that spins");
            });
    return record;
  }
};

std::string complaints(std::string_view text, Disk& disk) {
  Diagnostics diagnostics;
  const Value value = parse_json("d.json", text, diagnostics);
  ReadContext context{diagnostics};
  Disk::record().read(value, "", context, disk);
  std::string all;
  for (const auto& diagnostic : diagnostics.found()) all += diagnostic.text() + "\n";
  return all;
}
std::string complaints(std::string_view text) {
  Disk disk;
  return complaints(text, disk);
}

}  // namespace

TEST_CASE("a record is read with units, defaults, lists, maps and ramps") {
  Disk disk;
  CHECK(complaints(R"({"capacity": "4 TB", "power": "6.5 W", "parts": [{"name": "motor", "share": 0.25}],
                       "weights": {"a": 1, "_note": "passed over"}, "price": [["2024", "100 USD"], ["2025", "50 USD"]], "$comment": "x"})",
                   disk)
            .empty());
  CHECK(disk.capacity == 4 * core::tera * core::byte);
  CHECK(disk.n_heads == 2);
  CHECK(disk.power == 6.5 * core::watt);
  CHECK(disk.parts.at(0).share == 0.25);
  CHECK(disk.weights == std::map<std::string, double>{{"a", 1.0}});
  // Half of 2024's 366 days after the start: halfway between 100 and 50 USD.
  CHECK(disk.price.at(Date::from_civil(2024, 7, 2)).in(core::usd) == Approx(75));
}

TEST_CASE("all problems of a record are reported in one run") {
  CHECK(complaints("{\"n_haeds\": 3,\n \"n_heads\": 0,\n \"is_spinning\": \"yes\",\n \"power\": 6,\n \"parts\": "
                   "[{\"share\": 2}, 5]}") ==
        "d.json:1:1: error at /: missing key \"capacity\", a data size (e.g. \"80 GB\")\n"
        "d.json:2:13: error at /n_heads: must be at least 1, got the number 0\n"
        "d.json:3:17: error at /is_spinning: expected true or false, got the text \"yes\"\n"
        "d.json:4:11: error at /power: expected a power (e.g. \"700 W\"), got the number 6; a quantity is a text with "
        "its unit\n"
        "d.json:5:12: error at /parts/0: missing key \"name\", a text\n"
        "d.json:5:22: error at /parts/0/share: must be at most 1, got the number 2\n"
        "d.json:5:26: error at /parts/1: expected an object (part), got the number 5\n"
        "d.json:1:13: error at /n_haeds: unknown key \"n_haeds\"; did you mean \"n_heads\"?\n");
}

TEST_CASE("an unknown key far from all keys gets the list of keys") {
  CHECK(complaints(R"({"capacity": "1 TB", "colour": "red"})") ==
        "d.json:1:32: error at /colour: unknown key \"colour\"; known keys: capacity, n_heads, is_spinning, power, "
        "parts, weights, price\n");
}

TEST_CASE("limits are checked at both ends") {
  CHECK(complaints(R"({"capacity": "0 B"})") ==
        "d.json:1:14: error at /capacity: must be above 0 B, got the text \"0 B\"\n");
  CHECK(complaints(R"({"capacity": "2 PB"})") ==
        "d.json:1:14: error at /capacity: must be at most 1 PB, got the text \"2 PB\"\n");
  CHECK(complaints(R"({"capacity": "1 PB"})").empty());
}

TEST_CASE("wrong dimensions and ambiguous units say what to write") {
  CHECK(complaints(R"({"capacity": "80 GB/s"})") ==
        "d.json:1:14: error at /capacity: expected a data size (e.g. \"80 GB\"), got \"80 GB/s\", which is a "
        "bandwidth\n");
  CHECK(complaints(R"({"capacity": "80 Gb"})").find("write Gbit or GB") != std::string::npos);
}

TEST_CASE("the dates of a ramp have to rise, and every point's value is checked") {
  CHECK(
      complaints(R"({"capacity": "1 TB", "price": [["2024", "1 USD"], ["2023", "1 USD"], ["2025", "0 USD"], "x"]})") ==
      "d.json:1:52: error at /price/1/0: dates must rise: 2023-01-01 comes after 2024-01-01\n"
      "d.json:1:79: error at /price/2/1: must be above 0 USD, got the text \"0 USD\"\n"
      "d.json:1:89: error at /price/3: expected a point [date, value], got the text \"x\"\n");
  CHECK(complaints(R"({"capacity": "1 TB", "price": []})").find("a ramp needs at least one [date, value] point") !=
        std::string::npos);
}

TEST_CASE("rules over several fields run only when all fields were read") {
  CHECK(complaints(R"({"capacity": "1 TB", "n_heads": 9, "is_spinning": false})") ==
        "d.json:1:33: error at /n_heads: heads need a disk that spins\n");
  CHECK(complaints(R"({"capacity": "1 TB", "n_heads": 9, "is_spinning": false, "power": 1})").find("need a disk") ==
        std::string::npos);
}

TEST_CASE("a record is written as it is read") {
  Disk disk;
  REQUIRE(
      complaints(
          R"({"capacity": "4 TB", "power": "6.5 W", "parts": [{"name": "motor"}], "price": [["2024-03-15", "100 USD"], ["2025", "50 USD"]]})",
          disk)
          .empty());
  const std::string text = to_json(Disk::record().write(disk));
  Disk again;
  CHECK(complaints(text, again).empty());
  CHECK(to_json(Disk::record().write(again)) == text);
  CHECK(text.find("\"capacity\": \"4 TB\"") != std::string::npos);
  CHECK(complaints(to_json(Disk::record().write(Disk{.capacity = 1 * core::byte}))).empty());
}

TEST_CASE("the schema names types, limits, defaults and required keys") {
  const Value schema = json_schema(Disk::record());
  CHECK(*schema.find("required")->get_if<Value::List>()->at(0).get_if<std::string>() == "capacity");
  const Value& properties = *schema.find("properties");
  CHECK(*properties.find("capacity")->find("description")->get_if<std::string>() ==
        "Bytes. Limits: above 0 B, at most 1 PB.");
  CHECK(properties.find("n_heads")->find("default")->number() == 2);
  CHECK(properties.find("parts")->find("items")->find("properties")->find("share"));
  CHECK(*schema.find("additionalProperties")->get_if<bool>() == false);
}

TEST_CASE("the reference page lists the record and the records inside it") {
  const std::string page = markdown_reference(Disk::record());
  CHECK(page.find("## disk") == 0);
  CHECK(page.find("### part") != std::string::npos);
  CHECK(page.find("| `n_heads` | a whole number | at least 1 | `2` | Heads. |") != std::string::npos);
}

}  // namespace waferwatt::io
