// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/residual_surface.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace waferwatt::cost {
namespace {

// Four lanes at once (GCC, Clang): compilers do not make vectors of a search for the least by themselves.
using Vector = float __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4, kVectors = ResidualSurface::kListed / kLanes;
static_assert(kVectors == 8);
using Vectors = std::array<Vector, kVectors>;

inline void in_order(Vector& a, Vector& b) {
  const Vector less = a < b ? a : b, more = b < a ? a : b;  // in this form each is one instruction
  a = less, b = more;
}

/// Each lane in order: Batcher's network for eight.
inline void sort(Vectors& v) {
  constexpr std::array<std::array<std::size_t, 2>, 19> kNetwork{{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3}, {4, 6}, {5, 7}, {1, 2}, {5, 6},
                                                                 {0, 4}, {1, 5}, {2, 6}, {3, 7}, {2, 4}, {3, 5}, {1, 2}, {3, 4}, {5, 6}}};
#pragma GCC unroll 19
  for (std::size_t i = 0; i < kNetwork.size(); ++i) in_order(v[kNetwork[i][0]], v[kNetwork[i][1]]);
}

/// Each lane in order, if it rises and then falls.
inline void merge(Vectors& v) {
  for (std::size_t i = 0; i < 4; ++i) in_order(v[i], v[i + 4]);
  for (const std::size_t i : {0, 1, 4, 5}) in_order(v[i], v[i + 2]);
  for (std::size_t i = 0; i < 8; i += 2) in_order(v[i], v[i + 1]);
}

/// The eight least of all numbers, in order, in the first lane.
void least_first(Vectors& v) {
  sort(v);
  Vectors less;
  for (std::size_t i = 0; i < kVectors; ++i) {
    const Vector other = __builtin_shufflevector(v[7 - i], v[7 - i], 2, 3, 0, 1);
    less[i] = v[i] < other ? v[i] : other;
  }
  merge(less);
  for (std::size_t i = 0; i < kVectors; ++i) {
    const Vector other = __builtin_shufflevector(less[7 - i], less[7 - i], 1, 0, 3, 2);
    v[i] = less[i] < other ? less[i] : other;
  }
  merge(v);
}

constexpr std::size_t kNeighbours = 6;
constexpr float kSoftening = 1e-3f, kSamePoint = 1e-8f;
constexpr float kMiddle = 0.1f;       // what the distance to a box's middle counts against the one to the box
constexpr std::size_t kAround = 256;  // points that are kept in view for a node's leaves
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
  grow(0, points, order, {});
}

/// Of `some`, the `most` that are nearest to the box around a node's own points and, among these, to its middle.
std::vector<std::uint32_t> ResidualSurface::nearest(std::span<const Point> points, std::span<const std::uint32_t> own,
                                                    std::span<const std::uint32_t> some, std::size_t most) const {
  std::array<float, kMaxCoordinates> low, high, middle{};
  low.fill(INFINITY), high.fill(-INFINITY);
  for (const auto i : own)
    for (std::size_t j = 0; j < n_coordinates_; ++j) {
      const float x = points[i].at.x[j];
      low[j] = std::min(low[j], x), high[j] = std::max(high[j], x), middle[j] += x / static_cast<float>(own.size());
    }
  std::vector<std::pair<float, std::uint32_t>> near;
  for (const auto i : some) {
    float outside = 0;
    for (std::size_t j = 0; j < n_coordinates_; ++j) {
      const float x = points[i].at.x[j], away = std::max({low[j] - x, x - high[j], 0.0f});
      outside += away * away;
    }
    near.emplace_back(outside + kMiddle * squared_distance(middle, points[i].at), i);
  }
  if (near.size() > most) {
    std::ranges::nth_element(near, near.begin() + static_cast<std::ptrdiff_t>(most));
    near.resize(most);
  }
  std::vector<std::uint32_t> result;
  for (const auto& [distance, i] : near) result.push_back(i);
  return result;
}

/// A leaf's own points and the nearest of those around it.
void ResidualSurface::make_list(Node& node, std::span<const Point> points, std::span<const std::uint32_t> own,
                                std::span<const std::uint32_t> around) {
  node.next = static_cast<std::uint32_t>(residuals_.size() / kListed);
  std::vector<std::uint32_t> listed(own.begin(), own.end());
  for (const auto i : nearest(points, own, around, kListed - own.size())) listed.push_back(i);
  std::ranges::sort(listed);
  for (std::size_t j = 0; j < n_coordinates_; ++j)
    for (std::size_t i = 0; i < kListed; ++i) coordinates_.push_back(i < listed.size() ? points[listed[i]].at.x[j] : kNowhere);
  for (std::size_t i = 0; i < kListed; ++i) residuals_.push_back(i < listed.size() ? static_cast<float>(points[listed[i]].residual) : 0);
}

/// Halves lie between different values of the widest dimension: a measured point is always in the leaf where it
/// is looked for.
/// \param around the points nearest to the node's own
void ResidualSurface::grow(std::uint32_t node, std::span<const Point> points, std::span<std::uint32_t> order,
                           std::span<const std::uint32_t> around) {
  std::size_t widest = 0;
  float width = -1;
  for (std::size_t j = 0; j < n_coordinates_; ++j) {
    const auto [low, high] = std::ranges::minmax(order, {}, [&](auto i) { return points[i].at.x[j]; });
    if (const float w = points[high].at.x[j] - points[low].at.x[j]; w > width) width = w, widest = j;
  }
  if (width <= 0) order = order.first(1);  // one point, given several times
  if (order.size() <= kLeafSize) return make_list(nodes_[node], points, order, around);
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
  const auto first = order.first(half), second = order.subspan(half);
  const auto grow_half = [&](std::uint32_t child, std::span<std::uint32_t> own, std::span<const std::uint32_t> other) {
    std::vector<std::uint32_t> others(around.begin(), around.end());
    others.insert(others.end(), other.begin(), other.end());
    grow(child, points, own, nearest(points, own, others, kAround));
  };
  const std::vector<std::uint32_t> of_first(first.begin(), first.end());
  grow_half(children, first, second);
  grow_half(children + 1, second, of_first);
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
  auto keys = std::bit_cast<Vectors>(marked);
  least_first(keys);
  const float* const residuals = &residuals_[list * kListed];
  std::array<float, kVectors> distance, residual;
  for (std::size_t k = 0; k < kVectors; ++k) {
    const std::size_t place = std::bit_cast<std::uint32_t>(static_cast<float>(keys[k][0])) & 31u;
    distance[k] = d[place], residual[k] = residuals[place];
  }
  if (distance[0] < kSamePoint) return {.residual = residual[0]};
  std::array<float, kVectors> weight;
  for (std::size_t k = 0; k < kVectors; ++k) weight[k] = 1 / (distance[k] + kSoftening);
  float weights = 0, sum = 0;
  const std::size_t n = std::min(kNeighbours, n_points_);
  for (std::size_t k = 0; k < n; ++k) weights += weight[k], sum += weight[k] * residual[k];
  const float nearest = std::sqrt(distance[0]);
  const float kept = std::clamp((kGone - nearest) / (kGone - kHeld), 0.0f, 1.0f);
  return {sum / weights * kept, nearest};
}

}  // namespace waferwatt::cost
