// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is wrong with an input: where it stands, what was expected, what to write instead.
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/core/vocabulary.hpp"

namespace waferwatt::core {

struct Diagnostic {
  std::string file;
  int line = 0;    ///< 1-based; 0 when the problem has no line
  int column = 0;  ///< 1-based
  std::string path;  ///< JSON pointer of the value, "" for the whole document
  std::string message;

  /// `file:line:col: error at /path: message`
  std::string text() const;
};

/// Problems found so far: readers collect, they do not stop at the first.
class Diagnostics {
 public:
  void add(Diagnostic diagnostic) { found_.push_back(std::move(diagnostic)); }
  bool empty() const { return found_.empty(); }
  const std::vector<Diagnostic>& found() const { return found_; }

  /// \throws InputError with everything found, in order of file and line
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> found_;
};

/// Bad input (exit status 3). what() holds one line per diagnostic.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::vector<Diagnostic> diagnostics);
  explicit InputError(std::string message);
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// A sound input with no solution (exit status 4); what() gives the reason with its numbers.
class InfeasibleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `; did you mean "x"?` for a near miss, else `; known <noun>: a, b, c`.
std::string suggestion(std::string_view unknown, const std::vector<std::string>& known, std::string_view noun);

/// Number of single-character insertions, deletions and substitutions between two texts.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace waferwatt::core
