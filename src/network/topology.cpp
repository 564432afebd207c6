// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <unordered_map>

namespace waferwatt::network {

Topology::Topology(std::uint32_t n_ranks, std::uint32_t domain_size) : n_ranks_(n_ranks), domain_size_(domain_size) {}

Vertex Topology::add_vertices(std::string name, std::uint32_t count) {
  const Vertex first = n_vertices_;
  ranges_.push_back({std::move(name), first, count});
  n_vertices_ += count;
  return first;
}

LinkIndex Topology::add_link(Vertex from, Vertex to, Bandwidth capacity, Time latency) {
  links_.push_back({from, to, capacity, latency});
  return static_cast<LinkIndex>(links_.size() - 1);
}

void Topology::append_route(Rank from, Rank to, std::vector<LinkIndex>& into) const {
  if (from >= n_ranks_ || to >= n_ranks_) throw std::logic_error(fmt::format("route from rank {} to {} of {}", from, to, n_ranks_));
  if (from != to && !find_route(from, to, into))
    throw InfeasibleError(fmt::format("no way from {} to {}: the fabric is in pieces", vertex_name(from), vertex_name(to)));
}

std::vector<LinkIndex> Topology::route(Rank from, Rank to) const {
  std::vector<LinkIndex> links;
  append_route(from, to, links);
  return links;
}

Time Topology::latency(std::span<const LinkIndex> route) const {
  Time sum;
  for (const LinkIndex link : route) sum += links_[link].latency;
  return sum;
}

std::vector<LinkLoad> Topology::exchange_loads(std::span<const Rank> ranks, std::span<const double> popularity) const {
  std::unordered_map<LinkIndex, double> times;
  std::vector<LinkIndex> links;
  for (const Rank from : ranks)
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      links.clear();
      append_route(from, ranks[i], links);
      for (const LinkIndex link : links) times[link] += popularity.empty() ? 1 : popularity[i];
    }
  std::vector<LinkLoad> loads;
  for (const auto& [link, n] : times) loads.push_back({link, n});
  std::ranges::sort(loads, {}, &LinkLoad::link);
  return loads;
}

void Topology::set_failed(LinkIndex link, bool failed) {
  if (failed_.empty()) failed_.resize(links_.size());
  if (failed_.at(link) == failed) return;
  failed_[link] = failed;
  failed ? ++n_failed_ : --n_failed_;
}

std::string Topology::vertex_name(Vertex vertex) const {
  for (const auto& range : ranges_)
    if (vertex >= range.first && vertex < range.first + range.count)
      return fmt::format("{} {}", range.name, vertex - range.first);
  return fmt::format("vertex {}", vertex);
}

std::string Topology::link_name(LinkIndex link) const {
  return vertex_name(links_.at(link).from) + " -> " + vertex_name(links_.at(link).to);
}

std::string Topology::link_kind(LinkIndex link) const {
  const auto kind = [&](Vertex vertex) {
    for (const auto& range : ranges_)
      if (vertex >= range.first && vertex < range.first + range.count) return range.name;
    return std::string{"vertex"};
  };
  return kind(links_.at(link).from) + " -> " + kind(links_.at(link).to);
}

std::vector<LinkIndex> Topology::links_named(std::string_view text) const {
  const auto vertex = [&](std::string_view name) -> Vertex {
    const auto blank = name.rfind(' ');
    std::uint32_t number = 0;
    if (blank != std::string_view::npos) {
      const auto digits = name.substr(blank + 1);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error == std::errc{} && end == digits.data() + digits.size())
        for (const auto& range : ranges_)
          if (range.name == name.substr(0, blank) && number < range.count) return range.first + number;
    }
    std::string known;
    for (const auto& range : ranges_)
      known += fmt::format("{}{} 0 to {}", known.empty() ? "" : ", ", range.name, range.count - 1);
    throw InputError(fmt::format("nothing in the fabric is called \"{}\"; there are {}", name, known));
  };
  const auto arrow = text.find(" -> ");
  const Vertex from = vertex(text.substr(0, arrow));
  std::vector<LinkIndex> found;
  if (arrow == std::string_view::npos) {
    for (LinkIndex i = 0; i < links_.size(); ++i)
      if (links_[i].from == from || links_[i].to == from) found.push_back(i);
    return found;
  }
  const Vertex to = vertex(text.substr(arrow + 4));
  for (LinkIndex i = 0; i < links_.size(); ++i)
    if (links_[i].from == from && links_[i].to == to) found.push_back(i);
  if (found.empty()) throw InputError(fmt::format("there is no link \"{}\"", text));
  return found;
}

}  // namespace waferwatt::network
