// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/provenance.hpp"

namespace waferwatt::cli {
namespace {

constexpr Option kHelp{"--help", "-h", "", "Show this help."};

const Command& find_command(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& command : commands()) {
    if (command.name == name) return command;
    known.emplace_back(command.name);
  }
  throw UsageError(fmt::format("unknown command \"{}\"{}", name, core::suggestion(name, known, "commands")));
}

int run_words(const std::vector<std::string>& words) {
  if (words.empty()) {
    fmt::print(stderr, "{}", help_text());
    return kUsage;
  }
  if (words[0] == "--version") {
    fmt::print("waferwatt {} ({})\n", report::version(), report::revision());
    return kOk;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    fmt::print("{}", words.size() > 1 ? help_text(find_command(words[1])) : help_text());
    return kOk;
  }
  if (words[0].starts_with('-')) {
    std::vector<std::string> known = {"--help", "--version"};
    throw UsageError(fmt::format("unknown option {}{}", words[0], core::suggestion(words[0], known, "options")));
  }
  const Command& command = find_command(words[0]);
  std::vector<Option> options = command.options;
  options.push_back(kHelp);
  const Arguments arguments(options, {words.begin() + 1, words.end()});
  if (arguments.has("--help")) {
    fmt::print("{}", help_text(command));
    return kOk;
  }
  return command.run(arguments);
}

}  // namespace

std::span<const Command> commands() {
  static const Command table[] = {run_command(),     check_command(),  explain_command(),
                                  catalog_command(), schema_command(), compare_command(),
                                  binds_command(),   plan_command(),    sweep_command(),  trace_command(),
                                  calibrate_command(), validate_command(), report_command(), completion_command(), man_command()};
  return table;
}

int main_status(const std::vector<std::string>& words) {
  try {
    return run_words(words);
  } catch (const UsageError& error) {
    fmt::print(stderr, "waferwatt: {}\n", error.what());
    fmt::print(stderr, "Try \"waferwatt --help\".\n");
    return kUsage;
  } catch (const InputError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return kBadInput;
  } catch (const InfeasibleError& error) {
    fmt::print(stderr, "infeasible: {}\n", error.what());
    return kInfeasible;
  } catch (const std::exception& error) {
    fmt::print(stderr, "waferwatt: {}\n", error.what());
    return kOurBug;
  }
}

std::string_view purpose() { return "simulates the chain from wafers and megawatts to trained models and served tokens."; }

std::span<const std::pair<Status, std::string_view>> statuses() {
  static constexpr std::pair<Status, std::string_view> kTable[] = {
      {kOk, "success"}, {kOurBug, "a fault of the program"}, {kUsage, "wrong usage"}, {kBadInput, "bad input"}, {kInfeasible, "no feasible solution"}};
  return kTable;
}

std::string help_text() {
  std::string text = fmt::format("Waferwatt {}\n\nusage: waferwatt COMMAND [ARGUMENTS]\n\n", purpose());
  for (const auto& command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.doc);
  text +=
      "\n  --help     Show this help; waferwatt COMMAND --help shows a command's, with examples.\n"
      "  --version  Show the version.\n\n"
      "examples:\n"
      "  waferwatt run scenarios/compute-famine.json\n"
      "  waferwatt plan scenarios/train-llama3-70b-h100.json --objective cost\n"
      "  waferwatt catalog show nvidia-h100-sxm\n\nExit status:";
  for (const auto& [status, meaning] : statuses()) text += fmt::format("{} {} {}", status == kOk ? "" : ",", static_cast<int>(status), meaning);
  return text + ".\n";
}

std::string help_text(const Command& command) {
  std::string text = fmt::format("{}\n\nusage: waferwatt {} {}\n\n", command.doc, command.name, command.arguments);
  std::vector<Option> options = command.options;
  options.push_back(kHelp);
  std::vector<std::string> spellings;
  std::size_t width = 0;
  for (const auto& option : options) {
    spellings.push_back(fmt::format("{}{}{}{}", option.short_name, option.short_name.empty() ? "" : ", ", option.name,
                                    option.value.empty() ? "" : fmt::format(" {}", option.value)));
    width = std::max(width, spellings.back().size());
  }
  for (std::size_t i = 0; i < options.size(); ++i)
    text += fmt::format("  {:<{}}  {}\n", spellings[i], width, options[i].doc);
  return text + fmt::format("\nexamples:\n{}", command.examples);
}

std::shared_ptr<const catalog::Catalog> shared_catalog() {
  static const auto catalog =
      std::make_shared<const catalog::Catalog>(catalog::Catalog::load(catalog::find_models_folder()));
  return catalog;
}

const std::string& only_argument(const Arguments& arguments, std::string_view what) {
  if (arguments.positional().empty()) throw UsageError(fmt::format("{} is missing", what));
  if (arguments.positional().size() > 1)
    throw UsageError(fmt::format("one {} is expected; \"{}\" is too many", what, arguments.positional()[1]));
  return arguments.positional().front();
}

}  // namespace waferwatt::cli
