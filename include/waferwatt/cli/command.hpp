// SPDX-License-Identifier: Apache-2.0
#pragma once
// The commands of the `waferwatt` program: one file each, and one row in commands().
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/cli/arguments.hpp"

namespace waferwatt::cli {

/// Exit statuses of the program.
enum Status : int { kOk = 0, kOurBug = 1, kUsage = 2, kBadInput = 3, kInfeasible = 4 };

struct Command {
  std::string_view name;
  std::string_view arguments;  ///< "FILE [OPTIONS]"
  std::string_view doc;        ///< one line
  std::string_view examples;   ///< lines of shell
  std::vector<Option> options;
  int (*run)(const Arguments&);
  std::vector<std::string> (*choices)() = nullptr;  ///< words that may come first, for completion; nothing: files
};

Command run_command();
Command sweep_command();
Command check_command();
Command explain_command();
Command catalog_command();
Command schema_command();
Command compare_command();
Command calibrate_command();
Command validate_command();
Command plan_command();
Command trace_command();
Command report_command();
Command completion_command();
Command man_command();
Command binds_command();

/// All commands in the order of the help.
std::span<const Command> commands();

/// Runs a whole command line (without the program's name); messages go to standard error.
int main_status(const std::vector<std::string>& words);

/// One sentence: what the program does.
std::string_view purpose();
std::span<const std::pair<Status, std::string_view>> statuses();

std::string help_text();
std::string help_text(const Command& command);

/// What completes commands and options. \throws UsageError for a shell that is not known
std::string completion_script(const std::string& shell);

/// The manual page, as roff.
std::string manual_page();

/// models/, read once.
std::shared_ptr<const catalog::Catalog> shared_catalog();

/// The only positional argument. \throws UsageError when there are more or none
const std::string& only_argument(const Arguments& arguments, std::string_view what);

}  // namespace waferwatt::cli
