// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/residual_surface.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ordinal.hpp"

namespace waferwatt::cost {
namespace {

constexpr std::size_t kLeafSize = 6;
constexpr float kMiddle = 0.1f;       // what the distance to a box's middle counts against the one to the box
constexpr std::size_t kAround = 256;  // points that are kept in view for a node's leaves
constexpr float kNowhere = 1e9f;      // where the unused places of a list are

float squared_distance(const std::array<float, kMaxCoordinates>& a, const Coordinates& b) {
  float sum = 0;
  for (std::size_t j = 0; j < b.size; ++j) sum += (a[j] - b.x[j]) * (a[j] - b.x[j]);
  return sum;
}

}  // namespace

/// Grows by halves and is packed into a surface's nodes, which hold three levels each.
struct ResidualSurface::Tree {
  /// An inner node's children are at `next` and `next + 1`; a leaf has none.
  struct Half {
    std::int32_t split = Node::kNone;
    std::uint32_t dimension = 0, next = 0, list = 0;
    bool is_leaf() const { return next == 0; }
  };
  ResidualSurface& surface;
  std::span<const Point> points;
  std::vector<Half> nodes{1};

  /// Of `some`, the `most` that are nearest to the box around a node's own points and, among these, to its middle.
  std::vector<std::uint32_t> nearest(std::span<const std::uint32_t> own, std::span<const std::uint32_t> some, std::size_t most) const {
    std::array<float, kMaxCoordinates> low, high, middle{};
    low.fill(INFINITY), high.fill(-INFINITY);
    for (const auto i : own)
      for (std::size_t j = 0; j < surface.n_coordinates_; ++j) {
        const float x = points[i].at.x[j];
        low[j] = std::min(low[j], x), high[j] = std::max(high[j], x), middle[j] += x / static_cast<float>(own.size());
      }
    std::vector<std::pair<float, std::uint32_t>> near;
    for (const auto i : some) {
      float outside = 0;
      for (std::size_t j = 0; j < surface.n_coordinates_; ++j) {
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
  void make_list(Half& leaf, std::span<const std::uint32_t> own, std::span<const std::uint32_t> around) {
    auto& columns = surface.columns_;
    leaf.list = static_cast<std::uint32_t>(columns.size());
    std::vector<std::uint32_t> listed(own.begin(), own.end());
    for (const auto i : nearest(own, around, kListed - own.size())) listed.push_back(i);
    std::ranges::sort(listed);
    const auto add_column = [&](float unused, auto value) {
      columns.emplace_back().values.fill(unused);
      for (std::size_t i = 0; i < listed.size(); ++i) columns.back().values[i] = value(points[listed[i]]);
    };
    for (std::size_t j = 0; j < surface.n_coordinates_; ++j) add_column(kNowhere, [j](const Point& p) { return p.at.x[j]; });
    add_column(0, [](const Point& p) { return static_cast<float>(p.residual); });
  }

  /// Halves lie between different values of the widest dimension: a measured point is always in the leaf where it
  /// is looked for.
  /// \param around the points nearest to the node's own
  void grow(std::uint32_t node, std::span<std::uint32_t> order, std::span<const std::uint32_t> around) {
    std::size_t widest = 0;
    float width = -1;
    for (std::size_t j = 0; j < surface.n_coordinates_; ++j) {
      const auto [low, high] = std::ranges::minmax(order, {}, [&](auto i) { return points[i].at.x[j]; });
      if (const float w = points[high].at.x[j] - points[low].at.x[j]; w > width) width = w, widest = j;
    }
    if (width <= 0) order = order.first(1);  // one point, given several times
    if (order.size() <= kLeafSize) return make_list(nodes[node], order, around);
    const auto x = [&](std::size_t i) { return points[order[i]].at.x[widest]; };
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair{points[i].at.x[widest], i}; });
    const std::size_t middle = order.size() / 2;
    std::size_t up = middle, down = middle;
    while (up < order.size() && x(up) == x(up - 1)) ++up;
    while (down > 0 && x(down) == x(down - 1)) --down;
    const std::size_t half = up == order.size() || (down > 0 && middle - down < up - middle) ? down : up;
    const auto children = static_cast<std::uint32_t>(nodes.size());
    nodes[node] = {ordinal(0.5f * (x(half - 1) + x(half))) - 1, static_cast<std::uint32_t>(widest), children, 0};
    nodes.resize(nodes.size() + 2);
    const auto first = order.first(half), second = order.subspan(half);
    const auto grow_half = [&](std::uint32_t child, std::span<std::uint32_t> own, std::span<const std::uint32_t> other) {
      std::vector<std::uint32_t> others(around.begin(), around.end());
      others.insert(others.end(), other.begin(), other.end());
      grow(child, own, nearest(own, others, kAround));
    };
    const std::vector<std::uint32_t> of_first(first.begin(), first.end());
    grow_half(children, first, second);
    grow_half(children + 1, second, of_first);
  }

  /// Puts a node, and what is below it, at a place among the nodes of the surface.
  void pack(std::uint32_t place, std::uint32_t node, std::uint32_t depth) {
    auto& packed = surface.nodes_;
    surface.depth_ = std::max(surface.depth_, depth);
    if (nodes[node].is_leaf()) {
      packed[place].next = place, packed[place].list = nodes[node].list;
      return;
    }
    packed[place].next = static_cast<std::uint32_t>(packed.size());
    packed.resize(packed.size() + Node::kSplits + 1);
    pack_splits(place, 0, node, depth);
  }

  /// What is below the last splits goes to the eighths; a leaf above them to the first of its eighths.
  void pack_splits(std::uint32_t place, std::uint32_t split, std::uint32_t node, std::uint32_t depth) {
    auto& packed = surface.nodes_;
    if (split >= Node::kSplits) return pack(packed[place].next + split - Node::kSplits, node, depth + 1);
    const Half& n = nodes[node];
    if (n.is_leaf()) return pack_splits(place, 2 * split + 1, node, depth);
    packed[place].splits[split] = n.split, packed[place].dimensions[split] = n.dimension;
    for (const std::uint32_t half : {0u, 1u}) pack_splits(place, 2 * split + 1 + half, n.next + half, depth);
  }
};

ResidualSurface::ResidualSurface(std::span<const Point> points) : n_points_(points.size()), nodes_(1) {
  Tree tree{*this, points};
  if (points.empty()) {
    tree.make_list(tree.nodes[0], {}, {});
  } else {
    n_coordinates_ = points.front().at.size;
    std::vector<std::uint32_t> order(points.size());
    std::iota(order.begin(), order.end(), 0u);
    tree.grow(0, order, {});
  }
  tree.pack(0, 0, 0);
}

}  // namespace waferwatt::cost
