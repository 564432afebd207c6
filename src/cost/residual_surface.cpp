// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/residual_surface.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace waferwatt::cost {
namespace {

constexpr std::size_t kNeighbours = 6, kSites = 128;
constexpr float kSoftening = 1e-3f, kSamePoint = 1e-8f;
constexpr float kBucketWidth = 0.5f;
constexpr std::size_t kBuckets = 96;  // first coordinates from 0 to 2^48; others are searched in full
constexpr double kHeld = 2, kGone = 4;  // octaves

}  // namespace

/// The nearest points found so far, nearest first.
struct ResidualSurface::Neighbours {
  std::array<float, kNeighbours> distance{};
  std::array<std::uint32_t, kNeighbours> point{};
  std::size_t n = 0;

  float farthest() const { return n < kNeighbours ? INFINITY : distance[kNeighbours - 1]; }
  void offer(float d, std::uint32_t index) {
    std::size_t i = n < kNeighbours ? n++ : kNeighbours - 1;
    for (; i > 0 && distance[i - 1] > d; --i) distance[i] = distance[i - 1], point[i] = point[i - 1];
    distance[i] = d, point[i] = index;
  }
};

void ResidualSurface::add(const Coordinates& at, double residual) {
  for (std::size_t j = 0; j < n_coordinates_; ++j) columns_[j].push_back(at.x[j]);
  residuals_.push_back(static_cast<float>(residual));
  sites_.clear();
}

/// Squared distances of all points to x in the coordinates from `from` on, into scratch_.
void ResidualSurface::distances(const std::array<float, kMaxCoordinates>& x, std::size_t from) const {
  scratch_.assign(size(), 0.0f);
  float* const sum = scratch_.data();
  for (std::size_t j = from; j < n_coordinates_; ++j) {
    const float* const column = columns_[j].data();
    const float at = x[j];
    for (std::size_t i = 0; i < residuals_.size(); ++i) sum[i] += (column[i] - at) * (column[i] - at);
  }
}

/// A point farther from all of the bucket than six others are from its far end is never among the nearest.
void ResidualSurface::fill(const Site& site, std::size_t bucket, std::vector<Candidate>& candidates) const {
  distances(site.x, 1);
  const float low = kBucketWidth * static_cast<float>(bucket), high = low + kBucketWidth;
  Neighbours at_most;
  for (std::uint32_t i = 0; i < size(); ++i) {
    const float most = std::max(std::abs(columns_[0][i] - low), std::abs(columns_[0][i] - high));
    if (const float d = scratch_[i] + most * most; d < at_most.farthest()) at_most.offer(d, i);
  }
  for (std::uint32_t i = 0; i < size(); ++i) {
    const float x = columns_[0][i], least = std::max({low - x, x - high, 0.0f});
    if (scratch_[i] + least * least <= at_most.farthest()) candidates.push_back({scratch_[i], x, i});
  }
}

ResidualSurface::Sample ResidualSurface::at(const Coordinates& at) const {
  if (residuals_.empty()) return {.distance = INFINITY};
  if (sites_.empty()) sites_.resize(kSites);
  std::uint32_t hash = 0;
  for (std::size_t j = 1; j < n_coordinates_; ++j) hash = (hash ^ std::bit_cast<std::uint32_t>(at.x[j])) * 0x9E3779B1u;
  Site& site = sites_[(hash >> 16) % kSites];
  const bool is_known = site.is_seen && std::equal(at.x.begin() + 1, at.x.end(), site.x.begin() + 1);
  if (!is_known) site = {.x = at.x, .is_seen = true, .buckets = {}};

  Neighbours near;
  const float x0 = at.x[0];
  if (is_known && x0 >= 0 && x0 < kBucketWidth * static_cast<float>(kBuckets)) {
    if (site.buckets.empty()) site.buckets.resize(kBuckets);
    const auto bucket = static_cast<std::size_t>(x0 / kBucketWidth);
    auto& candidates = site.buckets[bucket];
    if (candidates.empty()) fill(site, bucket, candidates);
    for (const auto& c : candidates)
      if (const float d = c.site_distance + (c.first - x0) * (c.first - x0); d < near.farthest()) near.offer(d, c.point);
  } else {
    distances(at.x, 0);
    for (std::uint32_t i = 0; i < size(); ++i)
      if (scratch_[i] < near.farthest()) near.offer(scratch_[i], i);
  }

  if (near.distance[0] < kSamePoint) return {.residual = residuals_[near.point[0]]};
  double weights = 0, sum = 0, squares = 0;
  for (std::size_t i = 0; i < near.n; ++i) {
    const double w = 1.0 / (near.distance[i] + kSoftening), r = residuals_[near.point[i]];
    weights += w, sum += w * r, squares += w * r * r;
  }
  const double mean = sum / weights, distance = std::sqrt(static_cast<double>(near.distance[0]));
  const double kept = std::clamp((kGone - distance) / (kGone - kHeld), 0.0, 1.0);
  return {mean * kept, distance, std::sqrt(std::max(0.0, squares / weights - mean * mean))};
}

}  // namespace waferwatt::cost
