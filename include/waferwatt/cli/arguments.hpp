// SPDX-License-Identifier: Apache-2.0
#pragma once
// Command lines: options declared in a table, read with near-miss suggestions.
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace waferwatt::cli {

/// A command line that asks for nothing we know (exit status 2).
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Option {
  std::string_view name;        ///< "--seed"
  std::string_view short_name;  ///< "-o", or empty
  std::string_view value;       ///< "N"; empty for a flag
  std::string_view doc;
  bool is_repeatable = false;
};

/// What was given, by the options' long names.
class Arguments {
 public:
  /// "-o DIR", "--seed 3" and "--seed=3" are read; after "--" all are positional.
  /// \throws UsageError for unknown options (with the nearest), missing and repeated values
  Arguments(std::span<const Option> options, const std::vector<std::string>& words);

  const std::vector<std::string>& positional() const { return positional_; }
  bool has(std::string_view name) const { return value(name).has_value(); }
  std::optional<std::string> value(std::string_view name) const;
  std::vector<std::string> values(std::string_view name) const;

  /// \throws UsageError when the value is no whole number of at least `least`
  std::optional<std::uint64_t> whole_number(std::string_view name, std::uint64_t least = 0) const;
  /// \throws UsageError when the value is no positive number
  std::optional<double> positive_number(std::string_view name) const;

 private:
  struct Given {
    std::string_view name;
    std::string value;
  };
  std::vector<Given> given_;
  std::vector<std::string> positional_;
};

}  // namespace waferwatt::cli
