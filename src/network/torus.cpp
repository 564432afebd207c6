// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <numeric>

#include "waferwatt/network/topologies.hpp"

namespace waferwatt::network {
namespace {

std::uint32_t product(const std::vector<std::uint32_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), 1u, std::multiplies<>{});
}

class Torus final : public Topology {
 public:
  Torus(std::vector<std::uint32_t> sizes, bool wraparound, const Port& port)
      : Topology(product(sizes), 1), sizes_(std::move(sizes)), wraparound_(wraparound) {
    set_torus(sizes_, wraparound);
    add_vertices("gpu", n_ranks());
    reserve_links(2 * sizes_.size() * n_ranks());
    // The outward links at the edge of a mesh carry nothing, which keeps the indices regular.
    for (Rank r = 0; r < n_ranks(); ++r)
      for (std::uint32_t d = 0; d < sizes_.size(); ++d)
        for (const bool up : {true, false}) {
          const bool outward = coordinate(r, d) == (up ? sizes_[d] - 1 : 0);
          add_link(r, neighbour(r, d, up), outward && !wraparound_ ? Bandwidth{} : port.capacity, port.latency);
        }
  }

  std::vector<LinkLoad> exchange_loads(std::span<const Rank> ranks, std::span<const double> popularity) const override {
    if (ranks.size() != n_ranks() || !popularity.empty() || any_failed() || !wraparound_)
      return Topology::exchange_loads(ranks, popularity);
    std::vector<LinkLoad> loads;
    for (LinkIndex link = 0; link < links().size(); ++link) {
      const std::uint32_t size = sizes_[link % (2 * sizes_.size()) / 2];
      // All offsets of one dimension, the shorter way: upward 1 .. size/2, downward 1 .. (size-1)/2.
      const std::uint32_t farthest = link % 2 == 0 ? size / 2 : (size - 1) / 2;
      const double times = static_cast<double>(n_ranks()) / size * farthest * (farthest + 1) / 2;
      if (times > 0) loads.push_back({link, times});
    }
    return loads;
  }

 protected:
  bool find_route(Rank from, Rank to, std::vector<LinkIndex>& into) const override {
    Rank at = from;
    for (std::uint32_t d = 0; d < sizes_.size(); ++d) {
      const std::uint32_t size = sizes_[d], here = coordinate(at, d), there = coordinate(to, d);
      const std::uint32_t up_steps = (there + size - here) % size;
      if (up_steps == 0) continue;
      const bool up = wraparound_ ? 2 * up_steps <= size : there > here;
      if (walk(at, d, up, up ? up_steps : size - up_steps, into)) continue;
      if (!wraparound_ || !walk(at, d, !up, up ? size - up_steps : up_steps, into)) return false;
    }
    return true;
  }

 private:
  std::uint32_t stride(std::uint32_t d) const {
    return std::accumulate(sizes_.begin(), sizes_.begin() + d, 1u, std::multiplies<>{});
  }
  std::uint32_t coordinate(Rank r, std::uint32_t d) const { return r / stride(d) % sizes_[d]; }
  Rank neighbour(Rank r, std::uint32_t d, bool up) const {
    const std::uint32_t size = sizes_[d], here = coordinate(r, d), there = up ? (here + 1) % size : (here + size - 1) % size;
    return r - here * stride(d) + there * stride(d);
  }
  LinkIndex link_from(Rank r, std::uint32_t d, bool up) const {
    return static_cast<LinkIndex>(r * 2 * sizes_.size() + 2 * d + (up ? 0 : 1));
  }

  /// Steps along one dimension; leaves everything as it was when a link on the way has failed.
  bool walk(Rank& at, std::uint32_t d, bool up, std::uint32_t steps, std::vector<LinkIndex>& into) const {
    const std::size_t before = into.size();
    Rank r = at;
    for (; steps > 0; --steps) {
      const LinkIndex link = link_from(r, d, up);
      if (failed(link)) {
        into.resize(before);
        return false;
      }
      into.push_back(link);
      r = neighbour(r, d, up);
    }
    at = r;
    return true;
  }

  std::vector<std::uint32_t> sizes_;
  bool wraparound_;
};

}  // namespace

std::unique_ptr<Topology> make_torus(std::vector<std::uint32_t> sizes, bool wraparound, const Port& port) {
  return std::make_unique<Torus>(std::move(sizes), wraparound, port);
}

}  // namespace waferwatt::network
