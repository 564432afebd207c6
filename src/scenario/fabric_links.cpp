// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fabric_study.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::size_t kShownLinks = 200;  // of each kind
constexpr std::size_t kMostPlaces = 64;   // columns of a heat map

double use_of(const network::Topology& topology, const network::TrafficResult& result, network::LinkIndex link) {
  const Bandwidth capacity = topology.links()[link].capacity;
  return capacity > Bandwidth{} && result.end > Time{} ? result.link_bytes[link] / capacity / result.end : 0;
}

/// Number of a link's switch among those of its kind, and how many there are; of a link between ranks the rank's.
struct Place {
  std::uint32_t number, count;
};
Place place_of(const network::Topology& topology, network::LinkIndex link) {
  const auto& l = topology.links()[link];
  const network::Vertex at = l.to >= topology.n_ranks() && l.from < topology.n_ranks() ? l.to : l.from;
  for (const auto& range : topology.vertex_ranges())
    if (at >= range.first && at < range.first + range.count) return {at - range.first, range.count};
  return {0, 1};
}

}  // namespace

Finding hot_links(const network::Topology& topology, const network::TrafficResult& result) {
  std::vector<std::pair<double, network::LinkIndex>> used;
  for (network::LinkIndex link = 0; link < result.link_bytes.size(); ++link)
    if (result.link_bytes[link] > DataSize{}) used.emplace_back(use_of(topology, result, link), link);
  std::ranges::sort(used, [](const auto& a, const auto& b) { return a.first > b.first || (a.first == b.first && a.second < b.second); });
  Finding finding{Table("links", {{"link", Table::Kind::text}, {"kind", Table::Kind::text}, {"capacity_byte_per_s"}, {"carried_byte"}, {"utilisation"}}), ""};
  std::map<std::string, std::size_t> n_of_kind;
  for (const auto& [utilisation, link] : used)
    if (++n_of_kind[topology.link_kind(link)] <= kShownLinks)
      finding.table.add({topology.link_name(link), topology.link_kind(link), topology.links()[link].capacity.in(byte / second),
                         result.link_bytes[link].in(byte), utilisation});
  if (!used.empty()) finding.words = fmt::format("{} is busy {:.0f} % of the time", topology.link_name(used[0].second), 100 * used[0].first);
  return finding;
}

Table link_use(const network::Topology& topology, const network::TrafficResult& result) {
  struct Cell {
    double sum = 0, most = 0;
    std::int64_t n = 0;
  };
  std::map<std::pair<std::string, std::uint32_t>, Cell> cells;
  for (network::LinkIndex link = 0; link < topology.links().size(); ++link) {
    if (topology.links()[link].capacity == Bandwidth{}) continue;
    const Place place = place_of(topology, link);
    const auto per_column = static_cast<std::uint32_t>((place.count + kMostPlaces - 1) / kMostPlaces);
    Cell& cell = cells[{topology.link_kind(link), place.number / per_column * per_column}];
    const double use = use_of(topology, result, link);
    cell.sum += use;
    cell.most = std::max(cell.most, use);
    ++cell.n;
  }
  Table table("link_use", {{"kind", Table::Kind::text}, {"first_switch", Table::Kind::integer}, {"n_links", Table::Kind::integer}, {"mean_utilisation"}, {"largest_utilisation"}});
  for (const auto& [key, cell] : cells)
    table.add({key.first, static_cast<std::int64_t>(key.second), cell.n, cell.sum / static_cast<double>(cell.n), cell.most});
  return table;
}

}  // namespace waferwatt::scenario
