// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/kv_cache.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;
using waferwatt::serving::KvCache;

TEST_CASE("A prompt finds what an earlier one began with, and only that") {
  KvCache kv(100, 16, 64);  // a hashed block is 4 KV blocks
  const std::vector<std::uint64_t> first{1, 2, 3}, second{1, 2, 9};
  kv.take(12);
  kv.keep(first, 0, 3);
  CHECK(kv.match(second) == 2);
  CHECK(kv.n_used() == 12);
  kv.unpin(first, 3);
  CHECK(kv.n_used() == 0);
  CHECK(kv.n_available() == 100);
  CHECK(kv.idle_blocks(second, 2) == 8);
  kv.pin(second, 2);
  CHECK(kv.n_used() == 8);
  CHECK(kv.n_available() == 92);
}

TEST_CASE("The least recently used goes first, the end of a prefix before its start") {
  KvCache kv(12, 16, 64);
  const std::vector<std::uint64_t> old{1, 2}, recent{3};
  kv.take(8);
  kv.keep(old, 0, 2);
  kv.unpin(old, 2);
  kv.take(4);
  kv.keep(recent, 0, 1);
  kv.unpin(recent, 1);
  kv.take(3);  // needs one hashed block: the end of the older prefix
  CHECK(kv.n_evictions() == 1);
  CHECK(kv.match(old) == 1);
  CHECK(kv.match(recent) == 1);
}

TEST_CASE("Blocks that two sequences computed at the same time are kept once") {
  KvCache kv(100, 16, 64);
  const std::vector<std::uint64_t> prompt{5, 6};
  kv.take(16);
  kv.keep(prompt, 0, 2);
  kv.keep(prompt, 0, 2);
  CHECK(kv.n_used() == 8);
  kv.unpin(prompt, 2);
  CHECK(kv.n_used() == 8);
  kv.unpin(prompt, 2);
  CHECK(kv.n_used() == 0);
}

TEST_CASE("KV blocks are conserved whatever is taken, kept and given back") {
  KvCache kv(64, 16, 32);
  RandomStream random(3, "kv");
  struct Held {
    std::vector<std::uint64_t> hashes;
    std::int64_t own, shared;
  };
  std::vector<Held> held;
  for (int step = 0; step < 5000; ++step) {
    if (held.empty() || random.uniform() < 0.5) {
      Held one{.own = 0, .shared = 0};
      const auto family = random.below(5);
      for (std::uint64_t i = 0, n = 1 + random.below(6); i < n; ++i) one.hashes.push_back(100 * family + i);
      const auto n = static_cast<std::int64_t>(one.hashes.size());
      const std::int64_t cached = kv.match(one.hashes);
      one.own = 2 * (n - cached);
      if (one.own + kv.idle_blocks(one.hashes, cached) > kv.n_available()) continue;
      kv.pin(one.hashes, cached);
      kv.take(one.own);
      kv.keep(one.hashes, cached, n);
      one.own = 0;
      one.shared = n;
      held.push_back(one);
    } else {
      const auto i = static_cast<std::size_t>(random.below(held.size()));
      kv.unpin(held[i].hashes, held[i].shared);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    }
    REQUIRE(kv.n_used() + kv.n_available() == 64);
    REQUIRE(kv.n_available() >= 0);
  }
  for (const Held& one : held) kv.unpin(one.hashes, one.shared);
  CHECK(kv.n_used() == 0);
}
