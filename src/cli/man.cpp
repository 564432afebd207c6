// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/provenance.hpp"

namespace waferwatt::cli {
namespace {

/// A text in roff: hyphens stay what they are when copied, and no line starts a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((out.empty() || out.back() == '\n') && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string option_text(const Option& option) {
  std::string spelling = fmt::format("\\fB{}\\fR", roff(option.name));
  if (!option.short_name.empty()) spelling = fmt::format("\\fB{}\\fR, ", roff(option.short_name)) + spelling;
  if (!option.value.empty()) spelling += fmt::format(" \\fI{}\\fR", roff(option.value));
  return fmt::format(".TP\n{}\n{}\n", spelling, roff(option.doc));
}

std::string command_text(const Command& command) {
  std::string text = fmt::format(".SS \\fBwaferwatt {}\\fR {}\n{}\n", roff(command.name), roff(command.arguments), roff(command.doc));
  for (const auto& option : command.options) text += option_text(option);
  return text + fmt::format(".PP\nExamples:\n.PP\n.nf\n{}.fi\n", roff(command.examples));
}

int man(const Arguments& arguments) {
  if (!arguments.positional().empty()) throw UsageError("man takes no arguments");
  fmt::print("{}", manual_page());
  return kOk;
}

}  // namespace

std::string manual_page() {
  std::string text = fmt::format(
      ".TH WAFERWATT 1 \"\" \"Waferwatt {}\" \"User Commands\"\n.SH NAME\nwaferwatt \\- {}\n.SH SYNOPSIS\n"
      ".B waferwatt\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n.SH COMMANDS\n",
      report::version(), roff(purpose()));
  for (const auto& command : commands()) text += command_text(command);
  text += ".SH EXIT STATUS\n";
  for (const auto& [status, meaning] : statuses()) text += fmt::format(".TP\n.B {}\n{}\n", static_cast<int>(status), roff(meaning));
  return text + ".SH ENVIRONMENT\n.TP\n.B WAFERWATT_MODELS\nThe folder of the catalog, where it is not beside the program.\n"
                ".TP\n.B NO_COLOR\nNo colours on terminals.\n";
}

Command man_command() {
  return {.name = "man",
          .arguments = "",
          .doc = "Print the manual page, made from the same words as this help.",
          .examples = "  waferwatt man > waferwatt.1 && man ./waferwatt.1\n",
          .options = {},
          .run = man};
}

}  // namespace waferwatt::cli
