// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/scenario/scenario.hpp"

namespace waferwatt::cli {
namespace {

int check(const Arguments& arguments) {
  if (arguments.positional().empty()) throw UsageError("FILE is missing");
  int status = kOk;
  for (const auto& file : arguments.positional()) {
    try {
      const auto scenario = scenario::load(file, shared_catalog());
      fmt::print("{}: ok ({}, {})\n", file, scenario.header.kind, scenario.header.name);
    } catch (const InputError& error) {
      fmt::print(stderr, "{}\n", error.what());
      status = kBadInput;
    }
  }
  return status;
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .arguments = "FILE...",
          .doc = "Check scenario files and report everything that is wrong with them.",
          .examples = "  waferwatt check scenarios/*.json\n",
          .options = {},
          .run = check};
}

}  // namespace waferwatt::cli
