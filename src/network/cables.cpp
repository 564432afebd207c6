// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <queue>
#include <tuple>

#include <fmt/format.h>

#include "waferwatt/network/topologies.hpp"

namespace waferwatt::network {
namespace {

struct Name {
  std::string kind;
  std::uint32_t number;
};

Name parse_name(const std::string& text) {
  const auto blank = text.rfind(' ');
  Name name{text.substr(0, blank), 0};
  if (blank != std::string::npos && blank > 0) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + blank + 1, end, name.number);
    if (error == std::errc{} && at == end && name.number < 10'000'000) return name;
  }
  throw InputError(fmt::format("\"{}\" is no end of a cable: write a kind and a number, such as \"gpu 3\" or \"switch 0\"", text));
}

class CableFabric final : public Topology {
 public:
  CableFabric(std::uint32_t n_ranks, std::uint32_t domain_size, const std::vector<NamedCable>& cables)
      : Topology(n_ranks, domain_size) {
    std::map<std::string, std::uint32_t> counts;
    for (const auto& cable : cables)
      for (const std::string& end : {cable.from, cable.to}) {
        const Name name = parse_name(end);
        if (name.kind == "gpu" && name.number >= n_ranks)
          throw InputError(fmt::format("\"{}\" is beyond the {} accelerators of the fabric", end, n_ranks));
        counts[name.kind] = std::max(counts[name.kind], name.number + 1);
      }
    std::map<std::string, Vertex> firsts{{"gpu", add_vertices("gpu", n_ranks)}};
    for (const auto& [kind, count] : counts)
      if (kind != "gpu") firsts[kind] = add_vertices(kind, count);
    outgoing_.resize(n_vertices());
    for (const auto& cable : cables) {
      const Name a = parse_name(cable.from), b = parse_name(cable.to);
      const Vertex from = firsts[a.kind] + a.number, to = firsts[b.kind] + b.number;
      if (from == to) throw InputError(fmt::format("a cable from \"{}\" to itself", cable.from));
      outgoing_[from].push_back(add_link(from, to, cable.capacity, cable.latency));
      outgoing_[to].push_back(add_link(to, from, cable.capacity, cable.latency));
    }
    const auto& reached = arrivals(0);
    for (Rank r = 1; r < n_ranks; ++r)
      if (reached[r] == kNone)
        throw InputError(fmt::format("the cables leave the fabric in pieces: no way from gpu 0 to gpu {}", r));
  }

 protected:
  bool find_route(Rank from, Rank to, std::vector<LinkIndex>& into) const override {
    const auto& arrived = arrivals(from);
    if (arrived[to] == kNone) return false;
    const std::size_t before = into.size();
    for (Vertex at = to; at != from; at = links()[arrived[at]].from) into.push_back(arrived[at]);
    std::reverse(into.begin() + static_cast<std::ptrdiff_t>(before), into.end());
    return true;
  }

 private:
  static constexpr LinkIndex kNone = std::numeric_limits<LinkIndex>::max();

  /// The last link of the best route from a rank to each vertex.
  const std::vector<LinkIndex>& arrivals(Rank from) const {
    const auto cached = arrivals_.find(from);
    if (cached != arrivals_.end() && !any_failed()) return cached->second;
    using Label = std::tuple<double, std::uint32_t, LinkIndex, Vertex>;  // latency, links, last link, vertex
    std::priority_queue<Label, std::vector<Label>, std::greater<>> open;
    std::vector<LinkIndex> last(n_vertices(), kNone);
    std::vector<bool> closed(n_vertices());
    open.emplace(0.0, 0, kNone, from);
    while (!open.empty()) {
      const auto [latency, n_links, link, at] = open.top();
      open.pop();
      if (closed[at]) continue;
      closed[at] = true;
      last[at] = link;
      for (const LinkIndex next : outgoing_[at])
        if (!failed(next) && !closed[links()[next].to])
          open.emplace(latency + links()[next].latency.base(), n_links + 1, next, links()[next].to);
    }
    if (any_failed()) return around_failures_ = std::move(last);
    return arrivals_[from] = std::move(last);
  }

  std::vector<std::vector<LinkIndex>> outgoing_;
  mutable std::map<Rank, std::vector<LinkIndex>> arrivals_;  // without failures
  mutable std::vector<LinkIndex> around_failures_;
};

}  // namespace

std::unique_ptr<Topology> make_from_cables(std::uint32_t n_ranks, std::uint32_t domain_size,
                                           const std::vector<NamedCable>& cables) {
  return std::make_unique<CableFabric>(n_ranks, domain_size, cables);
}

}  // namespace waferwatt::network
