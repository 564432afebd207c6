// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/parallel.hpp"

#include <atomic>
#include <future>
#include <vector>

namespace waferwatt::core {

void in_parallel(std::size_t n, unsigned n_jobs, const std::function<void(std::size_t)>& work, const std::function<void(std::size_t done)>& progress) {
  std::atomic<std::size_t> next = 0, done = 0;
  const auto loop = [&](bool tells) {
    for (std::size_t i = next++; i < n; i = next++) {
      work(i);
      ++done;
      if (tells && progress) progress(done);
    }
  };
  std::vector<std::future<void>> others;
  for (unsigned job = 1; job < n_jobs && job < n; ++job) others.push_back(std::async(std::launch::async, loop, false));
  loop(true);
  for (auto& other : others) other.get();
}

}  // namespace waferwatt::core
