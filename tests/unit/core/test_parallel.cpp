// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/parallel.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace waferwatt;

TEST_CASE("Pieces of work are done once each, whatever the number of threads") {
  for (const unsigned n_jobs : {0u, 1u, 2u, 7u}) {
    std::vector<int> times(100);
    core::in_parallel(times.size(), n_jobs, [&](std::size_t i) { ++times[i]; });
    CHECK(times == std::vector<int>(100, 1));
  }
  core::in_parallel(0, 3, [](std::size_t) { FAIL("there is no work"); });
}

TEST_CASE("Progress is told on the caller's thread and ends at all pieces with one thread") {
  std::size_t last = 0;
  const auto caller = std::this_thread::get_id();
  core::in_parallel(10, 1, [](std::size_t) {}, [&](std::size_t done) {
    CHECK(std::this_thread::get_id() == caller);
    CHECK(done == last + 1);
    last = done;
  });
  CHECK(last == 10);
}

TEST_CASE("What a piece of work throws reaches the caller") {
  for (const unsigned n_jobs : {1u, 2u})
    CHECK_THROWS_AS(core::in_parallel(5, n_jobs, [](std::size_t i) { if (i == 3) throw std::runtime_error("three"); }), std::runtime_error);
}
