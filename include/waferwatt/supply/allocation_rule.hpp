// SPDX-License-Identifier: Apache-2.0
#pragma once
// A rule of the caller's own for who gets what is scarce.
#include <functional>
#include <string_view>
#include <vector>

#include "waferwatt/core/date.hpp"

namespace waferwatt::supply {

/// What one party asks for.
struct AllocationOrder {
  std::string_view who;  ///< company or buyer
  double wanted = 0;     ///< what it can use or pay for now, in units of the supply
  double share = 0;      ///< agreed part of the supply; 0: none is agreed
  Money prepaid;         ///< paid ahead
  Money bid;             ///< for one unit; 0: none
};

/// One week's supply of one thing and all who want some of it.
struct AllocationCase {
  Date date;
  std::string_view of;  ///< packaging family (units: wafers) or accelerator
  double supply = 0;
  std::vector<AllocationOrder> orders;
};

/// Gives each order its part of the supply: as many numbers as there are orders, each at least 0, together at most 1. An
/// order gets the least of its part and of what it wants; what is left over idles for the week (wafers of a line) or stays
/// in stock (accelerators). It is asked once a week for each line or product with supply and orders, in the order of lines
/// and products, and must answer the same to the same question: marginal values and draws repeat the run with it, from
/// several threads where the run may use several processors. What it throws ends the run.
using AllocationRule = std::function<std::vector<double>(const AllocationCase&)>;

/// What each order gets, in units of the supply. \throws InputError for an answer that breaks the contract
std::vector<double> allocated(const AllocationRule& rule, const AllocationCase& question);

}  // namespace waferwatt::supply
