// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/scenario/scenario.hpp"

namespace waferwatt::cli {
namespace {

io::Value json_of(const std::vector<core::Diagnostic>& diagnostics) {
  io::Value::List list;
  for (const auto& d : diagnostics)
    list.emplace_back(io::Value::Object{{"file", io::Value{d.file}}, {"line", io::Value{d.line}}, {"column", io::Value{d.column}}, {"path", io::Value{d.path}}, {"message", io::Value{d.message}}});
  return list;
}

int check(const Arguments& arguments) {
  if (arguments.positional().empty()) throw UsageError("FILE is missing");
  int status = kOk;
  io::Value::List checked;
  for (const auto& file : arguments.positional()) {
    io::Value::Object answer{{"file", io::Value{file}}};
    try {
      const auto scenario = scenario::load(file, shared_catalog());
      answer.push_back({"ok", io::Value{true}});
      answer.push_back({"kind", io::Value{scenario.header.kind}});
      answer.push_back({"name", io::Value{scenario.header.name}});
      if (!arguments.has("--json")) fmt::print("{}: ok ({}, {})\n", file, scenario.header.kind, scenario.header.name);
    } catch (const InputError& error) {
      answer.push_back({"ok", io::Value{false}});
      answer.push_back({"diagnostics", json_of(error.diagnostics())});
      if (!arguments.has("--json")) fmt::print(stderr, "{}\n", error.what());
      status = kBadInput;
    }
    checked.emplace_back(std::move(answer));
  }
  if (arguments.has("--json")) fmt::print("{}", io::to_json(io::Value{std::move(checked)}));
  return status;
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .arguments = "FILE... [--json]",
          .doc = "Check scenario files and report everything that is wrong with them.",
          .examples = "  waferwatt check scenarios/*.json\n",
          .options = {{"--json", "", "", "Print a list: each file with its kind and name, or with what is wrong and where."}},
          .run = check};
}

}  // namespace waferwatt::cli
