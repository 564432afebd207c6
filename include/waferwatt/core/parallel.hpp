// SPDX-License-Identifier: Apache-2.0
#pragma once
// Independent pieces of work on several threads.
#include <cstddef>
#include <functional>

namespace waferwatt::core {

/// Does `n` pieces of work on `n_jobs` threads, the caller's among them. Each piece writes what is its own: then results
/// do not depend on n_jobs. What a piece throws is thrown here when the others have ended.
/// \param progress is told on the caller's thread how many are done
void in_parallel(std::size_t n, unsigned n_jobs, const std::function<void(std::size_t)>& work, const std::function<void(std::size_t done)>& progress = {});

}  // namespace waferwatt::core
