// SPDX-License-Identifier: Apache-2.0
// Processors with and without AVX2 take another of the two: both are tested on all of them.
#pragma GCC diagnostic ignored "-Wpsabi"
#include "../../../src/cost/least_keys.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;

namespace {

constexpr std::size_t kLists = 4, kLength = 32, kEight = 8;
struct alignas(32) List {
  std::array<float, kLength> values;
};
using Lists = std::array<List, kLists>;

template <class Vectors>
auto sorted_pair(const List& a, const List& b) {
  std::array<typename Vectors::Ordered, cost::kRows> rows;
  for (std::size_t i = 0; i < kLength / kEight; ++i) {
    const auto place = static_cast<std::int32_t>(kEight * i);
    const auto x = Vectors::marked(Vectors::load(&a.values[kEight * i]), place), y = Vectors::marked(Vectors::load(&b.values[kEight * i]), place);
    rows[2 * i] = Vectors::first_halves(x, y), rows[2 * i + 1] = Vectors::second_halves(x, y);
  }
  return cost::sorted(rows);
}

/// Places of the six least of each list.
template <class Vectors>
std::array<std::vector<std::int32_t>, kLists> places_of(const Lists& lists) {
  const auto least = cost::least<Vectors>(sorted_pair<Vectors>(lists[0], lists[1]), sorted_pair<Vectors>(lists[2], lists[3]));
  constexpr std::array<std::size_t, kLists> kListOfLane{0, 2, 1, 3};
  std::array<std::vector<std::int32_t>, kLists> places;
  for (const auto& key : least) {
    const auto marks = (cost::Keys)key & 31;
    for (std::size_t lane = 0; lane < kLists; ++lane) places[kListOfLane[lane]].push_back(marks[lane]);
  }
  return places;
}

std::vector<std::int32_t> six_least(const List& list) {
  std::vector<std::pair<std::int32_t, std::int32_t>> keys;  // without the bits that tell the place, as the networks see them
  for (std::size_t i = 0; i < kLength; ++i) keys.emplace_back(std::bit_cast<std::int32_t>(list.values[i]) & ~31, static_cast<std::int32_t>(i));
  std::ranges::sort(keys);
  std::vector<std::int32_t> places;
  for (std::size_t i = 0; i < cost::kLeast; ++i) places.push_back(keys[i].second);
  return places;
}

}  // namespace

TEST_CASE("the six least of four lists, in one vector and in two") {
  RandomStream random(17, "least");
  for (int round = 0; round < 500; ++round) {
    Lists lists;
    for (auto& list : lists)  // squared distances: some equal, some none, some of places that hold no point
      for (float& x : list.values) x = static_cast<float>(round % 2 ? random.uniform(0, 100) : std::floor(random.uniform(0, 6)) * 1e8);
    const auto one = places_of<cost::OneVector>(lists), two = places_of<cost::TwoVectors>(lists);
    for (std::size_t i = 0; i < kLists; ++i) {
      CHECK(one[i] == six_least(lists[i]));
      CHECK(two[i] == one[i]);
    }
  }
}
