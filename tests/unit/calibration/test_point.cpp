// SPDX-License-Identifier: Apache-2.0
#include "calibration/point.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <stdexcept>

#include "calibration/sweep.hpp"

using namespace waferwatt::calibration;

TEST_CASE("the work and bytes of a matrix product are 2mnk and each operand once") {
  const Point p = gemm_point("bf16", 2, 3, 4);
  CHECK(work(p) == 48);
  CHECK(bytes(p) == 2 * (2 * 4 + 3 * 4 + 2 * 3));
  // int8 operands take one byte, the int32 result four; fp8 results are bf16.
  CHECK(bytes(gemm_point("int8", 2, 3, 4)) == 8 + 12 + 4 * 6);
  CHECK(bytes(gemm_point("fp8_e4m3", 2, 3, 4)) == 8 + 12 + 2 * 6);
}

TEST_CASE("causal attention counts the lower triangle with its diagonal, backward two and a half times as much") {
  Point p{"attention_prefill",
          "bf16",
          {{"batch", 1}, {"length", 4}, {"q_heads", 2}, {"kv_heads", 1}, {"head_qk", 8}, {"head_v", 8}},
          {{"mask", "causal"}}};
  // 10 pairs, 2 heads, 8 multiply-adds for scores and 8 for values.
  CHECK(work(p) == 10 * 2 * (8 + 8) * 2);
  // q and o: 4 x 2 x 8; k and v: 4 x 1 x 8; two bytes each.
  CHECK(bytes(p) == 2 * (2 * 64 + 2 * 32));
  p.op = "attention_backward";
  CHECK(work(p) == 2.5 * 640);
  CHECK(bytes(p) > 2 * 2 * (2 * 64 + 2 * 32));
  p.labels = {{"mask", "none"}};
  CHECK(work(p) == 2.5 * 16 * 2 * 16 * 2);
}

TEST_CASE("decode reads the cache once and grows with it") {
  const auto p = [](std::int64_t length) {
    return Point{"attention_decode",
                 "bf16",
                 {{"batch", 2}, {"q_heads", 4}, {"kv_heads", 1}, {"head", 8}, {"kv_length", length}, {"page", 16}}};
  };
  CHECK(bytes(p(100)) == 2 * (2 * 2 * 100 * 8) + 2 * 2 * (2 * 4 * 8));
  CHECK(work(p(100)) == 4 * 2 * 4 * 8 * 100);
  CHECK(bytes(p(200)) > bytes(p(100)));
}

TEST_CASE("routing gives every row to an expert") {
  for (const char* routing : {"balanced", "zipf_1.2", "one_hot"})
    for (const std::int64_t experts : {8, 64}) {
      const Point p{"grouped_gemm",
                    "bf16",
                    {{"experts", experts}, {"rows_per_expert", 13}, {"n", 16}, {"k", 16}},
                    {{"routing", routing}}};
      const auto rows = expert_rows(p);
      CHECK(std::accumulate(rows.begin(), rows.end(), 0) == 13 * experts);
      CHECK(*std::min_element(rows.begin(), rows.end()) >= 0);
      if (routing[0] == 'b') CHECK(*std::max_element(rows.begin(), rows.end()) == 13);
      if (routing[0] == 'o') CHECK(rows[0] == Approx(6.5 * static_cast<double>(experts)).margin(1));
      CHECK(work(p) == 2.0 * 13 * static_cast<double>(experts) * 256);
    }
}

TEST_CASE("an expert without rows needs no weights") {
  const Point skewed{"grouped_gemm",
                     "bf16",
                     {{"experts", 256}, {"rows_per_expert", 1}, {"n", 64}, {"k", 64}},
                     {{"routing", "zipf_1.2"}}};
  Point even = skewed;
  even.labels = {{"routing", "balanced"}};
  CHECK(bytes(skewed) < bytes(even));
}

TEST_CASE("a dimension that a point does not have is an error") {
  CHECK_THROWS_AS(gemm_point("bf16", 1, 2, 3).at("rows"), std::out_of_range);
  CHECK(gemm_point("bf16", 1, 2, 3).label("routing").empty());
  CHECK(gemm_point("bf16", 1, 2, 3).name() == "gemm bf16 m=1 n=2 k=3 layout=TN");
}
