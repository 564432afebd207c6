// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/decode_group.hpp"

#include <catch2/catch.hpp>

using waferwatt::serving::DecodeGroup;

TEST_CASE("Sequences in lockstep end when their tokens have come") {
  DecodeGroup group(16, 1);
  group.join(0, 100, 5, true);
  group.join(1, 50, 3, true);
  CHECK(group.context() == 150);
  CHECK(group.steps_to_next_end() == 3);
  group.advance(3);
  CHECK(group.context() == 156);
  std::uint32_t slot = 9;
  REQUIRE(group.next_ended(slot));
  CHECK(slot == 1);
  CHECK(group.leave(1, 50, 0, true) == 3);
  CHECK_FALSE(group.next_ended(slot));
  CHECK(group.steps_to_next_end() == 2);
  CHECK(group.context() == 103);
}

TEST_CASE("Blocks are needed when a context fills those it has") {
  DecodeGroup group(16, 1);
  // Contexts of 14 and 16: the first fills its block after two tokens and needs one with the third; the second has
  // filled its block and needs one with the first, and the next with the seventeenth.
  group.join(0, 14, 100, true);
  group.join(1, 16, 100, true);
  CHECK(group.blocks_needed(1) == 1);
  CHECK(group.blocks_needed(2) == 1);
  CHECK(group.blocks_needed(3) == 2);
  CHECK(group.blocks_needed(16) == 2);
  CHECK(group.blocks_needed(17) == 3);
  CHECK(group.blocks_needed(32) == 4);
  for (std::int64_t blocks = 0; blocks < 9; ++blocks) {  // the most steps within so many blocks, by trying
    std::int64_t n = 0;
    while (n < 60 && group.blocks_needed(n + 1) <= blocks) ++n;
    CHECK(group.steps_within(blocks, 60) == n);
  }
}

TEST_CASE("A sequence that leaves early is forgotten, and its slot may be used again") {
  DecodeGroup group(16, 1);
  group.join(0, 10, 4, true);
  group.advance(1);
  CHECK(group.leave(0, 10, 0, true) == 1);
  group.join(0, 20, 9, true);
  CHECK(group.steps_to_next_end() == 9);
  group.advance(3);
  std::uint32_t slot = 0;
  CHECK_FALSE(group.next_ended(slot));
}

TEST_CASE("With 2.5 tokens a step, 2 and 3 tokens come by turns") {
  DecodeGroup group(16, 2.5);
  group.join(0, 0, 10, true);
  CHECK(group.next_tokens() == 2);
  CHECK(group.steps_to_next_end() == 4);
  group.advance(1);
  CHECK(group.next_tokens() == 3);
  group.advance(1);
  CHECK(group.context() == 5);
  CHECK(group.steps_to_next_end() == 2);
}
