// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/diagnostic.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;

TEST_CASE("a diagnostic says where and what") {
  CHECK(Diagnostic{"a.json", 3, 14, "/start", "must be a date"}.text() ==
        "a.json:3:14: error at /start: must be a date");
  CHECK(Diagnostic{"a.json", 3, 14, "", "is empty"}.text() == "a.json:3:14: error: is empty");
  CHECK(Diagnostic{"a.json", 0, 0, "", "cannot be read"}.text() == "a.json: error: cannot be read");
  CHECK(Diagnostic{"", 0, 0, "", "no scenario"}.text() == "error: no scenario");
}

TEST_CASE("all problems are thrown together in order of file and line") {
  Diagnostics diagnostics;
  CHECK_NOTHROW(diagnostics.throw_if_any());
  CHECK(diagnostics.empty());
  diagnostics.add({"b.json", 1, 1, "", "third"});
  diagnostics.add({"a.json", 9, 2, "", "second"});
  diagnostics.add({"a.json", 2, 5, "", "first"});
  diagnostics.add({"b.json", 1, 1, "", "fourth"});
  try {
    diagnostics.throw_if_any();
    FAIL("nothing thrown");
  } catch (const InputError& error) {
    CHECK(std::string{error.what()} ==
          "a.json:2:5: error: first\na.json:9:2: error: second\nb.json:1:1: error: third\nb.json:1:1: error: fourth");
    CHECK(error.diagnostics().size() == 4);
  }
  CHECK(std::string{InputError("plain").what()} == "error: plain");
}

TEST_CASE("the edit distance counts single-character changes") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "abc") == 3);
  // kitten -> sitten -> sittin -> sitting.
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("h100", "h200") == 1);
  CHECK(edit_distance("ab", "ba") == 2);
}

TEST_CASE("the edit distance is a metric") {
  const auto seed = GENERATE(range(1, 31));
  RandomStream random(static_cast<std::uint64_t>(seed), "edit distance");
  const auto word = [&] {
    std::string text(random.below(7), 'a');
    for (char& c : text) c = static_cast<char>('a' + random.below(3));
    return text;
  };
  const std::string a = word(), b = word(), c = word();
  CAPTURE(a, b, c);
  CHECK((edit_distance(a, b) == 0) == (a == b));
  CHECK(edit_distance(a, b) == edit_distance(b, a));
  CHECK(edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c));
  CHECK(edit_distance(a, b) <= std::max(a.size(), b.size()));
}

TEST_CASE("a near miss suggests the nearest name, else names that contain it, else all") {
  const std::vector<std::string> known = {"nvidia-h100-sxm", "nvidia-h200-sxm", "amd-mi300x"};
  CHECK(suggestion("nvidia-h100-sxn", known, "ids") == "; did you mean \"nvidia-h100-sxm\"?");
  CHECK(suggestion("amd-mi300", known, "ids") == "; did you mean \"amd-mi300x\"?");
  CHECK(suggestion("nvidia", known, "ids") == "; did you mean one of nvidia-h100-sxm, nvidia-h200-sxm?");
  CHECK(suggestion("zz-top-of-the-line", known, "ids") == "; known ids: nvidia-h100-sxm, nvidia-h200-sxm, amd-mi300x");
  CHECK(suggestion("anything", {}, "ids") == "");
  std::vector<std::string> many;
  for (int i = 0; i < 41; ++i) many.push_back("name-number-" + std::to_string(100 + i));
  const std::string text = suggestion("qqqqqqqqqqqqqqqqqqqq", many, "ids");
  CHECK(text.find("name-number-139, ...") != std::string::npos);
  CHECK(text.find("name-number-140") == std::string::npos);
}
