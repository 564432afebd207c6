// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who is next. A policy is one row of the table in policies.cpp.
#include <span>
#include <string_view>

#include "waferwatt/fleet/job.hpp"

namespace waferwatt::fleet {

struct SchedulingPolicy {
  std::string_view name, doc;
  double (*rank)(const Job&);     ///< lower is earlier; equal ranks go by time of submission
  bool by_user = false;           ///< users in turn: the one with the least use for its due first
  bool backfills = false;         ///< later jobs may start where they do not delay the first (EASY)
  bool preempts = false;          ///< jobs of lower priority give way
  bool follows_record = false;    ///< jobs come at their recorded start
};

std::span<const SchedulingPolicy> scheduling_policies();

/// \returns nothing for an unknown name
const SchedulingPolicy* find_policy(std::string_view name);

}  // namespace waferwatt::fleet
