// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "waferwatt/cli/command.hpp"

namespace waferwatt::cli {
namespace {

std::vector<std::string> option_words(const Command& command) {
  std::vector<std::string> words = {"--help"};
  for (const auto& option : command.options) {
    words.emplace_back(option.name);
    if (!option.short_name.empty()) words.emplace_back(option.short_name);
  }
  return words;
}

std::vector<std::string> choices_of(const Command& command) { return command.choices ? command.choices() : std::vector<std::string>{}; }

std::string bash_completion() {
  std::vector<std::string> names;
  std::string cases;
  for (const auto& command : commands()) {
    names.emplace_back(command.name);
    cases += fmt::format("    {}) options=\"{}\" words=\"{}\" ;;\n", command.name, fmt::join(option_words(command), " "), fmt::join(choices_of(command), " "));
  }
  return fmt::format(R"(# Completion of waferwatt for bash: source <(waferwatt completion bash)
_waferwatt() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" options="" words=""
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$word"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{}  esac
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ -n "$words" ]] && ((COMP_CWORD == 2)); then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    local IFS=$'\n'
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _waferwatt waferwatt
)",
                     fmt::join(names, " "), cases);
}

/// Inside '...[text]...' of zsh's _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

std::string zsh_completion() {
  std::string described, cases;
  for (const auto& command : commands()) {
    described += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.doc));
    cases += fmt::format("    {}) _arguments", command.name);
    for (const auto& option : command.options) {
      const std::string value = option.value.empty() ? "" : fmt::format(":{}:{}", option.value, option.value == "DIR" || option.value == "FILE" ? "_files" : " ");
      for (const auto name : {option.name, option.short_name})
        if (!name.empty()) cases += fmt::format(" '{}{}[{}]{}'", option.is_repeatable ? "*" : "", name, zsh_text(option.doc), value);
    }
    const auto choices = choices_of(command);
    cases += choices.empty() ? " '*:file:_files' ;;\n" : fmt::format(" '1:word:({})' '*:file:_files' ;;\n", fmt::join(choices, " "));
  }
  return fmt::format(R"(#compdef waferwatt
# Completion of waferwatt for zsh: source <(waferwatt completion zsh)
_waferwatt() {{
  local -a commands
  commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  ((CURRENT--))
  case $name in
{}  esac
}}
compdef _waferwatt waferwatt
)",
                     described, cases);
}

struct Shell {
  std::string_view name;
  std::string (*text)();
};
constexpr Shell kShells[] = {{"bash", bash_completion}, {"zsh", zsh_completion}};

std::vector<std::string> shells() {
  std::vector<std::string> names;
  for (const auto& shell : kShells) names.emplace_back(shell.name);
  return names;
}

int completion(const Arguments& arguments) {
  fmt::print("{}", completion_script(only_argument(arguments, "SHELL")));
  return kOk;
}

}  // namespace

std::string completion_script(const std::string& name) {
  const auto shell = std::ranges::find(kShells, name, &Shell::name);
  if (shell == std::end(kShells)) throw UsageError(fmt::format("unknown shell \"{}\"{}", name, core::suggestion(name, shells(), "shells")));
  return shell->text();
}

Command completion_command() {
  return {.name = "completion",
          .arguments = "SHELL",
          .doc = "Print what completes this program's commands and options in bash or zsh.",
          .examples = "  source <(waferwatt completion bash)\n"
                      "  waferwatt completion zsh > ~/.zfunc/_waferwatt\n",
          .options = {},
          .run = completion,
          .choices = shells};
}

}  // namespace waferwatt::cli
