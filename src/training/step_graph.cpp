// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/step_graph.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/topological_sort.hpp>

namespace waferwatt::training {
namespace {

struct Wait {
  double send_s = 0;
};
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, boost::no_property, Wait>;

/// Each pass waits for the one before it on its stage, for its input, and a weights' gradient for its own backward pass.
Graph graph_of(const Plan& plan, const Timeline& line, Time send) {
  const auto& tasks = line.tasks;
  const auto last_chunk = static_cast<std::int32_t>(plan.parallel.pipeline * plan.n_chunks()) - 1;
  Graph graph(tasks.size());
  std::map<std::tuple<Pass, std::int32_t, std::int32_t>, std::size_t> at;
  for (std::size_t i = 0; i < tasks.size(); ++i) at[{tasks[i].pass, tasks[i].chunk, tasks[i].micro_batch}] = i;
  const auto wait = [&](std::size_t after, Pass pass, std::int32_t chunk) {
    const auto before = at.find({pass, chunk, tasks[after].micro_batch});
    if (before == at.end()) return;
    const bool sent = tasks[before->second].stage != tasks[after].stage;
    boost::add_edge(before->second, after, Wait{sent ? send.in(second) : 0}, graph);
  };
  std::map<std::int32_t, std::size_t> last_of_stage;
  std::vector<std::size_t> by_start(tasks.size());
  for (std::size_t i = 0; i < by_start.size(); ++i) by_start[i] = i;
  std::ranges::stable_sort(by_start, {}, [&](std::size_t i) { return tasks[i].start; });
  for (const std::size_t i : by_start) {
    const Task& task = tasks[i];
    if (const auto last = last_of_stage.find(task.stage); last != last_of_stage.end())
      boost::add_edge(last->second, i, Wait{}, graph);
    last_of_stage[task.stage] = i;
    if (task.pass == Pass::forward && task.chunk > 0) wait(i, Pass::forward, task.chunk - 1);
    if (task.pass == Pass::backward) wait(i, task.chunk == last_chunk ? Pass::forward : Pass::backward, task.chunk == last_chunk ? task.chunk : task.chunk + 1);
    if (task.pass == Pass::backward_weight) wait(i, Pass::backward, task.chunk);
  }
  return graph;
}

}  // namespace

StepGraph step_graph(const Plan& plan, const Timeline& line, Time send) {
  const Graph graph = graph_of(plan, line, send);
  const std::size_t n = line.tasks.size();
  std::vector<std::size_t> order;  // last first
  boost::topological_sort(graph, std::back_inserter(order));
  const auto duration = [&](std::size_t i) { return (line.tasks[i].end - line.tasks[i].start).in(second); };
  std::vector<double> earliest(n, 0), latest(n);
  std::vector<std::ptrdiff_t> before(n, -1);
  double length = 0;
  std::size_t end = 0;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    for (auto [edge, stop] = boost::in_edges(*i, graph); edge != stop; ++edge) {
      const std::size_t from = boost::source(*edge, graph);
      const double ready = earliest[from] + duration(from) + graph[*edge].send_s;
      if (before[*i] < 0 || ready > earliest[*i]) earliest[*i] = ready, before[*i] = static_cast<std::ptrdiff_t>(from);
    }
    if (earliest[*i] + duration(*i) > length) length = earliest[*i] + duration(*i), end = *i;
  }
  for (const std::size_t i : order) {
    latest[i] = length - duration(i);
    for (auto [edge, stop] = boost::out_edges(i, graph); edge != stop; ++edge)
      latest[i] = std::min(latest[i], latest[boost::target(*edge, graph)] - graph[*edge].send_s - duration(i));
  }
  StepGraph result{.n_edges = boost::num_edges(graph), .length = length * second};
  for (std::size_t i = 0; i < n; ++i) result.passes.push_back({earliest[i] * second, latest[i] * second});
  for (auto i = static_cast<std::ptrdiff_t>(end); n > 0 && i >= 0; i = before[static_cast<std::size_t>(i)])
    result.longest_path.push_back(static_cast<std::size_t>(i));
  std::ranges::reverse(result.longest_path);
  return result;
}

}  // namespace waferwatt::training
