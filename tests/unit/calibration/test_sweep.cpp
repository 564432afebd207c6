// SPDX-License-Identifier: Apache-2.0
#include "calibration/sweep.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

using namespace waferwatt::calibration;

TEST_CASE("no point is measured twice in a pass") {
  std::set<std::string> names;
  for (const Point& p : full_sweep()) CHECK(names.insert(p.name()).second);
}

TEST_CASE("every point has work or bytes, fits 16 GiB, and knows its dimensions") {
  for (const Point& p : full_sweep()) {
    INFO(p.name());
    CHECK((work(p) > 0 || bytes(p) > 0 || p.op == "launch"));
    CHECK(bytes(p) <= 16.0 * (1 << 30));
    CHECK(work(p) <= 2e13);
  }
}

TEST_CASE("fp8 and int8 products have dimensions that tensor cores take") {
  for (const Point& p : full_sweep())
    if (p.op == "gemm" && p.format != "bf16")
      for (const auto& [name, value] : p.shape) CHECK(value % 16 == 0);
}

TEST_CASE("every operator has the points that a fit needs, and some to lose") {
  // What `waferwatt calibrate fit` puts together or leaves out.
  const std::map<std::string, std::string> groups{{"softmax", "rms_norm"}, {"argmax", "rms_norm"}, {"scatter_rows", "gather_rows"},
                                                  {"reduce_add", "stream"}, {"memcpy", ""}, {"launch", ""}};
  std::map<std::string, int> counts;
  for (const Point& p : full_sweep()) {
    const auto group = groups.find(p.op);
    const std::string op = group == groups.end() ? p.op : group->second;
    if (!op.empty() && p.cold && (p.op != "gemm" || p.label("layout") == "TN")) ++counts[op + ' ' + p.format];
  }
  CHECK(counts.size() == 13);
  for (const auto& [name, n] : counts) {
    INFO(name);
    CHECK(n >= 33);  // a fit needs 30
  }
}

TEST_CASE("the quick profile is about a quarter of the full one and holds what gates need") {
  const auto full = sweep(Profile::full), quick = sweep(Profile::quick);
  CHECK(quick.size() > full.size() / 5);
  CHECK(quick.size() < full.size() / 3);
  const auto required = [](const std::vector<Point>& points) {
    return std::count_if(points.begin(), points.end(), [](const Point& p) { return p.required; });
  };
  CHECK(required(quick) == required(full));
  CHECK(required(full) > 10);
  // Every operator of the full profile is in the quick one.
  std::set<std::string> all, some;
  for (const Point& p : full) all.insert(p.op + p.format);
  for (const Point& p : quick) some.insert(p.op + p.format);
  CHECK(all == some);
}

TEST_CASE("the order of a pass is a permutation that depends on seed and pass alone") {
  const auto order = shuffled_order(100, 7, 1);
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 100);
  CHECK(order == shuffled_order(100, 7, 1));
  CHECK(order != shuffled_order(100, 7, 2));
  CHECK(order != shuffled_order(100, 8, 1));
}
