// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/topology_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <boost/graph/strong_components.hpp>
#include <numeric>
#include <set>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::network {
namespace {

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

struct FlowEdge;
using FlowTraits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
struct FlowEdge {
  double capacity = 0, residual = 0;
  FlowTraits::edge_descriptor reverse;
};
using FlowGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, FlowEdge>;

bool present(const Topology& topology, LinkIndex link) {
  const Link& l = topology.links()[link];
  return !topology.failed(link) && l.capacity > Bandwidth{} && l.from != l.to;
}

Graph graph_of(const Topology& topology) {
  Graph graph(topology.n_vertices());
  for (LinkIndex i = 0; i < topology.links().size(); ++i)
    if (present(topology, i)) add_edge(topology.links()[i].from, topology.links()[i].to, graph);
  return graph;
}

void add_flow_edge(FlowGraph& graph, std::size_t from, std::size_t to, double capacity) {
  const auto edge = add_edge(from, to, graph).first, back = add_edge(to, from, graph).first;
  graph[edge].capacity = capacity;
  graph[edge].reverse = back;
  graph[back].reverse = edge;
}

std::uint32_t count_pieces(const Topology& topology, const Graph& graph) {
  std::vector<int> component(num_vertices(graph));
  strong_components(graph, boost::make_iterator_property_map(component.begin(), get(boost::vertex_index, graph)));
  const std::set<int> of_ranks(component.begin(), component.begin() + topology.n_ranks());
  return static_cast<std::uint32_t>(of_ranks.size());
}

/// From a few ranks spread over the fabric: the first, the last, and those between at equal steps.
std::uint32_t diameter(const Topology& topology, const Graph& graph) {
  constexpr std::uint32_t kSources = 16;
  std::uint32_t longest = 0;
  const std::uint32_t n = topology.n_ranks();
  for (std::uint32_t k = 0; k < std::min(kSources, n); ++k) {
    const Rank source = n <= kSources ? k : static_cast<Rank>(std::uint64_t{k} * (n - 1) / (kSources - 1));
    std::vector<std::uint32_t> distance(num_vertices(graph), 0);
    const auto distances = boost::make_iterator_property_map(distance.begin(), get(boost::vertex_index, graph));
    breadth_first_search(graph, vertex(source, graph),
                         visitor(make_bfs_visitor(record_distances(distances, boost::on_tree_edge()))));
    longest = std::max(longest, *std::max_element(distance.begin(), distance.begin() + n));
  }
  return longest;
}

}  // namespace

Bandwidth cut(const Topology& topology, std::span<const Rank> from, std::span<const Rank> to) {
  FlowGraph graph(topology.n_vertices() + 2);
  const std::size_t source = topology.n_vertices(), sink = source + 1;
  double all = 0;
  for (LinkIndex i = 0; i < topology.links().size(); ++i) {
    const Link& link = topology.links()[i];
    if (!present(topology, i)) continue;
    add_flow_edge(graph, link.from, link.to, link.capacity.base());
    all += link.capacity.base();
  }
  for (const Rank r : from) add_flow_edge(graph, source, r, all);
  for (const Rank r : to) add_flow_edge(graph, r, sink, all);
  return Bandwidth::from_base(push_relabel_max_flow(
      graph, source, sink, get(&FlowEdge::capacity, graph), get(&FlowEdge::residual, graph),
      get(&FlowEdge::reverse, graph), get(boost::vertex_index, graph)));
}

GraphMeasures graph_measures(const Topology& topology) {
  GraphMeasures measures;
  const Graph graph = graph_of(topology);
  measures.n_pieces = count_pieces(topology, graph);
  measures.diameter_links = diameter(topology, graph);
  std::vector<Rank> ranks(topology.n_ranks());
  std::iota(ranks.begin(), ranks.end(), 0u);
  const auto half = std::span<const Rank>(ranks).first(ranks.size() / 2);
  if (!half.empty()) measures.bisection = cut(topology, half, std::span<const Rank>(ranks).subspan(half.size()));
  return measures;
}

std::map<std::string, std::uint32_t> parts(const Topology& topology) {
  std::map<std::string, std::uint32_t> counts;
  for (const auto& range : topology.vertex_ranges()) counts[range.name] = range.count;
  for (LinkIndex i = 0; i < topology.links().size(); ++i) {
    const Link& link = topology.links()[i];
    if (link.from < link.to && link.capacity > Bandwidth{}) ++counts[topology.link_kind(i)];
  }
  return counts;
}

std::string drawing(const Topology& topology) {
  std::string text = "graph fabric {\n  layout=sfdp; node [shape=box];\n";
  for (Vertex v = 0; v < topology.n_vertices(); ++v)
    text += fmt::format("  \"{}\"{};\n", topology.vertex_name(v), v < topology.n_ranks() ? " [shape=point]" : "");
  for (LinkIndex i = 0; i < topology.links().size(); ++i) {
    const Link& link = topology.links()[i];
    if (link.from > link.to || link.capacity == Bandwidth{}) continue;
    const char* const style = topology.failed(i) ? ", color=red, style=dashed" : "";
    text += fmt::format("  \"{}\" -- \"{}\" [label=\"{}\"{}];\n", topology.vertex_name(link.from),
                        topology.vertex_name(link.to), to_text(link.capacity), style);
  }
  return text + "}\n";
}

}  // namespace waferwatt::network
