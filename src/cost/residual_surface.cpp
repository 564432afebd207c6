// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/residual_surface.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace waferwatt::cost {
namespace {

// Four lanes at once (GCC, Clang): compilers do not make vectors of the search for the least by themselves.
using Vector = float __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4, kVectors = ResidualSurface::kListed / kLanes;

Vector lesser(Vector a, Vector b) { return a < b ? a : b; }

/// The least of all numbers, in each lane.
Vector least_of(const std::array<Vector, kVectors>& v) {
  const Vector four = lesser(lesser(lesser(v[0], v[1]), lesser(v[2], v[3])), lesser(lesser(v[4], v[5]), lesser(v[6], v[7])));
  const Vector two = lesser(four, __builtin_shufflevector(four, four, 2, 3, 0, 1));
  return lesser(two, __builtin_shufflevector(two, two, 1, 0, 3, 2));
}
static_assert(kVectors == 8);
constexpr Vector kStruck = {INFINITY, INFINITY, INFINITY, INFINITY};

constexpr std::size_t kNeighbours = 6;
constexpr float kSoftening = 1e-3f, kSamePoint = 1e-8f;
constexpr float kNowhere = 1e9f;  // where the unused places of a list are
constexpr float kHeld = 2, kGone = 4;  // octaves

float squared_distance(const std::array<float, kMaxCoordinates>& a, const Coordinates& b) {
  float sum = 0;
  for (std::size_t j = 0; j < b.size; ++j) sum += (a[j] - b.x[j]) * (a[j] - b.x[j]);
  return sum;
}

}  // namespace

ResidualSurface::ResidualSurface(std::span<const Point> points) : n_points_(points.size()) {
  if (points.empty()) return;
  n_coordinates_ = points.front().at.size;
  std::vector<std::uint32_t> order(points.size());
  std::iota(order.begin(), order.end(), 0u);
  nodes_.emplace_back();
  grow(0, points, order);
}

/// The points nearest to the middle of the leaf's own; these are always among them.
void ResidualSurface::make_list(Node& node, std::span<const Point> points, std::span<const std::uint32_t> own) {
  node.next = static_cast<std::uint32_t>(residuals_.size() / kListed);
  std::array<float, kMaxCoordinates> middle{};
  for (const auto i : own)
    for (std::size_t j = 0; j < n_coordinates_; ++j) middle[j] += points[i].at.x[j] / static_cast<float>(own.size());
  std::vector<std::pair<float, std::uint32_t>> listed;
  for (std::uint32_t i = 0; i < points.size(); ++i) listed.emplace_back(squared_distance(middle, points[i].at), i);
  for (const auto i : own) listed[i].first = -1;
  const std::size_t n = std::min<std::size_t>(kListed, listed.size());
  std::ranges::partial_sort(listed, listed.begin() + static_cast<std::ptrdiff_t>(n));
  for (std::size_t j = 0; j < n_coordinates_; ++j)
    for (std::size_t i = 0; i < kListed; ++i) coordinates_.push_back(i < n ? points[listed[i].second].at.x[j] : kNowhere);
  for (std::size_t i = 0; i < kListed; ++i) residuals_.push_back(i < n ? static_cast<float>(points[listed[i].second].residual) : 0);
}

/// Halves lie between different values of the widest dimension: a measured point is always in the leaf where it
/// is looked for.
void ResidualSurface::grow(std::uint32_t node, std::span<const Point> points, std::span<std::uint32_t> order) {
  std::size_t widest = 0;
  float width = -1;
  for (std::size_t j = 0; j < n_coordinates_; ++j) {
    const auto [low, high] = std::ranges::minmax(order, {}, [&](auto i) { return points[i].at.x[j]; });
    if (const float w = points[high].at.x[j] - points[low].at.x[j]; w > width) width = w, widest = j;
  }
  if (width <= 0) order = order.first(1);  // one point, given several times
  if (order.size() <= kLeafSize) return make_list(nodes_[node], points, order);
  const auto x = [&](std::size_t i) { return points[order[i]].at.x[widest]; };
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair{points[i].at.x[widest], i}; });
  const std::size_t middle = order.size() / 2;
  std::size_t up = middle, down = middle;
  while (up < order.size() && x(up) == x(up - 1)) ++up;
  while (down > 0 && x(down) == x(down - 1)) --down;
  const std::size_t half = up == order.size() || (down > 0 && middle - down < up - middle) ? down : up;
  const auto children = static_cast<std::uint32_t>(nodes_.size());
  nodes_[node] = {0.5f * (x(half - 1) + x(half)), children, static_cast<std::uint32_t>(widest)};
  nodes_.resize(nodes_.size() + 2);
  grow(children, points, order.first(half));
  grow(children + 1, points, order.subspan(half));
}

std::uint32_t ResidualSurface::list_of(const Coordinates& at) const {
  const Node* node = nodes_.data();
  while (node->dimension != Node::kLeaf) node = &nodes_[node->next + (at.x[node->dimension] >= node->split ? 1 : 0)];
  return node->next;
}

ResidualSurface::Sample ResidualSurface::at(const Coordinates& at) const {
  if (nodes_.empty()) return {.distance = INFINITY};
  const std::size_t list = list_of(at);
  const float* x = &coordinates_[list * kListed * n_coordinates_];
  std::array<float, kListed> d;
  for (std::size_t i = 0; i < kListed; ++i) d[i] = (x[i] - at.x[0]) * (x[i] - at.x[0]);
  x += kListed;
  for (std::size_t j = 1; j < n_coordinates_; ++j, x += kListed)
    for (std::size_t i = 0; i < kListed; ++i) d[i] += (x[i] - at.x[j]) * (x[i] - at.x[j]);
  // The last five bits of a distance tell its place, so that no two are equal.
  std::array<std::uint32_t, kListed> marked;
  for (std::size_t i = 0; i < kListed; ++i) marked[i] = (std::bit_cast<std::uint32_t>(d[i]) & ~31u) | static_cast<std::uint32_t>(i);
  auto keys = std::bit_cast<std::array<Vector, kVectors>>(marked);

  const float* const residuals = &residuals_[list * kListed];
  std::array<float, kNeighbours> distance, residual;
  for (std::size_t k = 0; k < kNeighbours; ++k) {
    const Vector least = least_of(keys);
    for (Vector& key : keys) key = key == least ? kStruck : key;
    const std::size_t place = std::bit_cast<std::uint32_t>(static_cast<float>(least[0])) & 31u;
    distance[k] = d[place], residual[k] = residuals[place];
  }
  if (distance[0] < kSamePoint) return {.residual = residual[0]};
  float weights = 0, sum = 0;
  const std::size_t n = std::min(kNeighbours, n_points_);
  for (std::size_t k = 0; k < n; ++k) {
    const float w = 1 / (distance[k] + kSoftening);
    weights += w, sum += w * residual[k];
  }
  const float nearest = std::sqrt(distance[0]);
  const float kept = std::clamp((kGone - nearest) / (kGone - kHeld), 0.0f, 1.0f);
  return {sum / weights * kept, nearest};
}

}  // namespace waferwatt::cost
