// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured collectives as files hold them; network_cases.hpp lists the columns.
#include "waferwatt/validation/kernels.hpp"

namespace waferwatt::validation {

/// One measured collective.
struct CollectiveCase {
  std::string accelerator, operation, library, id;
  std::int64_t n_ranks = 0, n_nodes = 1;
  double size = 0, time_us = 0;
  bool is_exchange_of_tokens = false;  ///< DeepEP: the size is tokens x hidden size x copies
  std::string configuration;           ///< of an exchange of tokens: hidden size, experts a token, experts
  std::string source;                  ///< where the file's kind says it
};

/// The rows of a file; those that cannot be right go to `skipped` with the reason.
/// \throws InputError when the file cannot be read or its columns are of no known table
std::vector<CollectiveCase> read_collective_cases(const catalog::Catalog& catalog, const std::string& path, std::vector<Skipped>& skipped);

/// "nccl 2.29.2" belongs to "nccl", "vllm graph 0.24.0" to "vllm graph", "deepep normal 24 SM" to "deepep normal".
std::string library_family(const std::string& library);

}  // namespace waferwatt::validation
