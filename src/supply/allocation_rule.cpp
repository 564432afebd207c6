// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/allocation_rule.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::supply {

std::vector<double> allocated(const AllocationRule& rule, const AllocationCase& question) {
  std::vector<double> given = rule(question);
  const auto refuse = [&](const std::string& what) {
    throw InputError(fmt::format("the allocation rule gave {} for {} on {}; it has to give each of {} orders a part of at least 0, together at most 1", what, question.of, question.date.text(),
                                 question.orders.size()));
  };
  if (given.size() != question.orders.size()) refuse(fmt::format("{} parts", given.size()));
  double sum = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!(given[i] >= 0 && given[i] <= 1 + 1e-9)) refuse(fmt::format("{} the part {}", question.orders[i].who, given[i]));
    sum += given[i];
    given[i] = std::min(given[i] * question.supply, question.orders[i].wanted);
  }
  if (sum > 1 + 1e-9) refuse(fmt::format("parts that come to {}", sum));
  return given;
}

}  // namespace waferwatt::supply
