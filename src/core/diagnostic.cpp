// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/diagnostic.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

namespace waferwatt::core {
namespace {

constexpr std::size_t kMostListed = 40;

std::string joined(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += diagnostic.text();
  }
  return text;
}

}  // namespace

std::string Diagnostic::text() const {
  std::string where = file;
  if (line > 0) where += fmt::format(":{}:{}", line, column);
  if (!where.empty()) where += ": ";
  return path.empty() ? fmt::format("{}error: {}", where, message)
                      : fmt::format("{}error at {}: {}", where, path, message);
}

void Diagnostics::throw_if_any() const {
  if (found_.empty()) return;
  auto sorted = found_;
  std::ranges::stable_sort(sorted, {}, [](const Diagnostic& d) { return std::tie(d.file, d.line, d.column); });
  throw InputError(std::move(sorted));
}

InputError::InputError(std::vector<Diagnostic> diagnostics)
    : std::runtime_error(joined(diagnostics)), diagnostics_(std::move(diagnostics)) {}

InputError::InputError(std::string message) : InputError({Diagnostic{.message = std::move(message)}}) {}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1 : 0)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string suggestion(std::string_view unknown, const std::vector<std::string>& known, std::string_view noun) {
  std::string nearest;
  std::size_t least = std::string::npos;
  std::vector<std::string> containing;
  for (const auto& candidate : known) {
    const std::size_t distance = edit_distance(unknown, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
    if (unknown.size() >= 3 && candidate.find(unknown) != std::string::npos) containing.push_back(candidate);
  }
  if (least <= 2 + unknown.size() / 5) return fmt::format("; did you mean \"{}\"?", nearest);
  if (!containing.empty() && containing.size() <= 6)
    return fmt::format("; did you mean one of {}?", fmt::join(containing, ", "));
  if (known.empty()) return "";
  const auto listed = std::vector(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kMostListed)));
  return fmt::format("; known {}: {}{}", noun, fmt::join(listed, ", "), known.size() > kMostListed ? ", ..." : "");
}

}  // namespace waferwatt::core
