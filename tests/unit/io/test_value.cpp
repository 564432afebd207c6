// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/io/value.hpp"

namespace waferwatt::io {
namespace {

std::string complaints(std::string_view text) {
  Diagnostics diagnostics;
  parse_json("f.json", text, diagnostics);
  std::string all;
  for (const auto& diagnostic : diagnostics.found()) all += diagnostic.text() + "\n";
  return all;
}

Value parsed(std::string_view text) {
  Diagnostics diagnostics;
  Value value = parse_json("f.json", text, diagnostics);
  REQUIRE(diagnostics.empty());
  return value;
}

}  // namespace

TEST_CASE("every value knows its line and column") {
  const Value value = parsed("{\"a\": 1,\n  \"b\": [true,\n \"x\\\"y\", {\"c\": null}]}");
  const auto at = [](const Value& v) { return std::pair{v.place().line, v.place().column}; };
  CHECK(at(value) == std::pair{1, 1});
  CHECK(at(*value.find("a")) == std::pair{1, 7});
  const auto& list = *value.find("b")->get_if<Value::List>();
  CHECK(at(*value.find("b")) == std::pair{2, 8});
  CHECK(at(list[0]) == std::pair{2, 9});
  CHECK(at(list[1]) == std::pair{3, 2});
  CHECK(at(list[2]) == std::pair{3, 10});
  CHECK(at(*list[2].find("c")) == std::pair{3, 16});
  CHECK(*value.place().file == "f.json");
}

TEST_CASE("duplicate keys are found in every object, with the first place") {
  CHECK(complaints("{\"a\": {\"x\": 1,\n \"x\": 2}, \"a\": 3}") ==
        "f.json:2:2: error at /a/x: duplicate key \"x\"; first given on line 1\n"
        "f.json:2:11: error at /a: duplicate key \"a\"; first given on line 1\n");
}

TEST_CASE("texts that are no JSON are refused with a place") {
  CHECK(complaints("") == "f.json:1:1: error: the file is empty; expected a JSON object\n");
  CHECK(complaints(std::string(2, 0)).find("the JSON text ends too early; expected a value") != std::string::npos);
  CHECK(complaints("{\"a\": 1e400}").find("the number 1e400 is too large") != std::string::npos);
  CHECK(complaints("{\"a\": NaN}").find("NaN and Infinity are not numbers here") != std::string::npos);
  CHECK(complaints("{\"a\": Infinity}").find("NaN and Infinity are not numbers here") != std::string::npos);
  CHECK(complaints("{\"a\": [1,").find("the JSON text ends too early (2 brackets are still open)") !=
        std::string::npos);
  CHECK(complaints("{\"a\": \"open\n}").find("the text is not closed before the end of its line") != std::string::npos);
  CHECK(complaints("{\"a\": \"\xff\"}").find("the text is not UTF-8 here") != std::string::npos);
  CHECK(complaints("{\"a\": 1} x").find("f.json:1:10") != std::string::npos);
  CHECK(complaints(std::string(300, '[')).find("nested more than 200 levels deep") != std::string::npos);
}

TEST_CASE("a merge replaces members, adds new ones and removes those that are null") {
  // The examples of RFC 7396, section 3 and appendix A.
  const auto merged = [](const char* target, const char* patch) {
    Value value = parsed(target);
    merge_patch(value, parsed(patch));
    std::string text = to_json(value);
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
  };
  CHECK(merged(R"({"a":"b","c":{"d":"e","f":"g"}})", R"({"a":"z","c":{"f":null}})") == R"({"a":"z","c":{"d":"e"}})");
  CHECK(merged(R"({"a":["b"]})", R"({"a":"c"})") == R"({"a":"c"})");
  CHECK(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})") == R"({"a":[1]})");
  CHECK(merged(R"(["a","b"])", R"({"a":1})") == R"({"a":1})");
  CHECK(merged(R"({})", R"({"a":{"bb":{"ccc":null}}})") == R"({"a":{"bb":{}}})");
}

TEST_CASE("a dotted path reaches into objects and lists") {
  Value value = parsed(R"({"a": {"b": [1, {"c": 2}]}})");
  set_path(value, "a.b.1.c", Value{7});
  set_path(value, "a.new.deep", Value{"x"});
  CHECK(value.find("a")->find("b")->get_if<Value::List>()->at(1).find("c")->number() == 7);
  CHECK(*value.find("a")->find("new")->find("deep")->get_if<std::string>() == "x");
  CHECK_THROWS_WITH(set_path(value, "a.b.2", Value{1}),
                    "error: --set a.b.2: \"2\" is no index of a list with 2 entries");
  CHECK_THROWS_AS(set_path(value, "a.b.x", Value{1}), InputError);
}

TEST_CASE("an override is JSON where it is JSON and a text elsewhere") {
  CHECK(parse_override("512").number() == 512);
  CHECK(*parse_override("true").get_if<bool>());
  CHECK(*parse_override("700 W").get_if<std::string>() == "700 W");
  CHECK(*parse_override("\"700\"").get_if<std::string>() == "700");
  CHECK(parse_override("[1, 2]").get_if<Value::List>()->size() == 2);
  CHECK(*parse_override("512").place().file == "--set");
}

TEST_CASE("what is written reads back to the same") {
  const char* text = R"({
  "list": [1, 2.5, "three", null, true],
  "nested": {"empty": {}, "none": [], "text": "a \"quoted\" \\ line\n"},
  "tiny": 1e-300,
  "large": 9007199254740993
}
)";
  CHECK(to_json(parsed(to_json(parsed(text)))) == to_json(parsed(text)));
  CHECK(*parsed(to_json(parsed(text))).find("large")->get_if<std::int64_t>() == 9007199254740993);
  CHECK(parsed(to_json(Value{Value::Object{{"x", Value{0.1 + 0.2}}}})).find("x")->number() == 0.1 + 0.2);
}

TEST_CASE("a missing file and a folder are diagnostics") {
  Diagnostics diagnostics;
  read_json_file("/no/such/file.json", diagnostics);
  read_json_file("/", diagnostics);
  REQUIRE(diagnostics.found().size() == 2);
  CHECK(diagnostics.found()[0].text() == "/no/such/file.json: error: no such file");
  CHECK(diagnostics.found()[1].text() == "/: error: this is a folder; expected a JSON file");
}

}  // namespace waferwatt::io
