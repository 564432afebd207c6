// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/percentiles.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt::core;

TEST_CASE("A stream of few values gives exact percentiles") {
  PercentileSink sink;
  for (const double value : {4.0, 1.0, 3.0, 2.0}) sink.add(value);
  const Percentiles p = sink.percentiles();
  CHECK(p.p50 == Approx(2.5));
  CHECK(p.p90 == Approx(3.7));
  CHECK(p.maximum == 4);
}

TEST_CASE("A stream of many values gives percentiles to 0.05 % in bounded memory") {
  PercentileSink sink;
  for (int i = 1; i <= 1'000'000; ++i) sink.add(i * 1e-3);
  const Percentiles p = sink.percentiles();
  CHECK(p.p50 == Approx(500).epsilon(6e-4));
  CHECK(p.p99 == Approx(990).epsilon(6e-4));
  CHECK(p.p999 == Approx(999).epsilon(6e-4));
  CHECK(p.mean == Approx(500.0005));
  CHECK(p.maximum == 1000);
}

TEST_CASE("A value that comes many times counts as often") {
  PercentileSink sink;
  sink.add(1, 89);
  sink.add(2, 11);
  CHECK(sink.count() == 100);
  CHECK(sink.percentiles().p50 == Approx(1).epsilon(6e-4));
  CHECK(sink.percentiles().p90 == Approx(2).epsilon(6e-4));
  CHECK(sink.percentiles().mean == Approx(1.11));
}
