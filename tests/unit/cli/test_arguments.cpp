// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cli/arguments.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/cli/terminal.hpp"

namespace waferwatt::cli {
namespace {

const std::vector<Option> kOptions = {{"--output", "-o", "DIR", "Folder."},
                                      {"--set", "", "PATH=VALUE", "Value.", true},
                                      {"--seed", "", "N", "Seed."},
                                      {"--force", "", "", "Yes."}};

Arguments parsed(std::vector<std::string> words) { return Arguments(kOptions, words); }

}  // namespace

TEST_CASE("options are read in all their spellings and in any order") {
  const Arguments arguments =
      parsed({"a.json", "-o", "out", "--set", "x=1", "--seed=7", "--set=y=2", "--force", "--", "--b.json"});
  CHECK(arguments.positional() == std::vector<std::string>{"a.json", "--b.json"});
  CHECK(arguments.value("--output") == "out");
  CHECK(arguments.values("--set") == std::vector<std::string>{"x=1", "y=2"});
  CHECK(arguments.whole_number("--seed") == 7u);
  CHECK(arguments.has("--force"));
  CHECK_FALSE(parsed({}).has("--force"));
  CHECK_FALSE(parsed({}).whole_number("--seed"));
}

TEST_CASE("wrong command lines say what is wrong") {
  CHECK_THROWS_WITH(parsed({"--sett", "x=1"}), "unknown option --sett; did you mean \"--set\"?");
  CHECK_THROWS_WITH(parsed({"-x"}), Catch::Contains("unknown option -x"));
  CHECK_THROWS_WITH(parsed({"--seed"}), "option --seed needs a value: --seed N");
  CHECK_THROWS_WITH(parsed({"--force=1"}), "option --force takes no value");
  CHECK_THROWS_WITH(parsed({"--seed", "1", "--seed", "2"}), "option --seed is given twice");
  CHECK_THROWS_WITH(parsed({"--seed", "1.5"}).whole_number("--seed"),
                    "option --seed needs a whole number of at least 0, got \"1.5\"");
  CHECK_THROWS_AS(parsed({"--seed", "99999999999999999999"}).whole_number("--seed"), UsageError);
  CHECK_THROWS_WITH(parsed({"--seed", "nan"}).positive_number("--seed"),
                    "option --seed needs a number above 0, got \"nan\"");
}

TEST_CASE("every command has a line of help, examples, and options that are described") {
  for (const auto& command : commands()) {
    INFO(command.name);
    CHECK(command.doc.ends_with('.'));
    CHECK(command.examples.find("waferwatt " + std::string{command.name}) != std::string_view::npos);
    CHECK(help_text().find(command.name) != std::string::npos);
    for (const auto& option : command.options) {
      CHECK(option.doc.ends_with('.'));
      CHECK(help_text(command).find(option.name) != std::string::npos);
    }
  }
}

TEST_CASE("the manual page and the completions know every command and option") {
  const std::string manual = manual_page();
  CHECK(manual.starts_with(".TH WAFERWATT 1"));
  for (const auto& command : commands()) {
    INFO(command.name);
    CHECK(manual.find(".SS \\fBwaferwatt " + std::string{command.name}) != std::string::npos);
    for (const auto shell : {"bash", "zsh"}) {
      const std::string text = completion_script(shell);
      CHECK(text.find(std::string{command.name} + ")") != std::string::npos);
      for (const auto& option : command.options) CHECK(text.find(option.name) != std::string::npos);
    }
  }
  CHECK_THROWS_WITH(completion_script("fish"), Catch::Contains("unknown shell \"fish\""));
}

TEST_CASE("the time left is that of the pace so far, once that can be told") {
  CHECK(time_left(0.01, 100).empty());
  CHECK(time_left(0.5, 0.5).empty());
  CHECK(time_left(0.25, 10) == "30 s left");
  CHECK(time_left(0.1, 60) == "9 min left");
  CHECK(time_left(0.05, 1000) == "5.3 h left");
}

TEST_CASE("a stream that is no terminal gets plain text") {
  std::FILE* const file = std::tmpfile();
  CHECK_FALSE(style_of(file).has_colours);
  CHECK_FALSE(style_of(file).has_sparklines);
  std::fclose(file);
}

}  // namespace waferwatt::cli
