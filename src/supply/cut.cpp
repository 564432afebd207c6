// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/cut.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>
#include <limits>

namespace waferwatt::supply {
namespace {

using Flow = std::int64_t;  // packages, rounded up: an integer flow is exact
using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                    boost::property<boost::edge_capacity_t, Flow,
                                                    boost::property<boost::edge_residual_capacity_t, Flow, boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>;
using Node = Traits::vertex_descriptor;

constexpr Flow kUnlimited = 1'000'000'000'000'000;  // beyond any supply, and sums of it stay in range

Flow whole(double packages) { return packages >= static_cast<double>(kUnlimited) ? kUnlimited : static_cast<Flow>(std::ceil(packages - 1e-6)); }

/// The graph and the lines that its edges stand for.
class Network {
 public:
  Network() : source_(boost::add_vertex(graph_)), sink_(boost::add_vertex(graph_)) {}

  Node source() const { return source_; }
  Node sink() const { return sink_; }
  Node node() { return boost::add_vertex(graph_); }

  void pipe(Node from, Node to, Flow capacity = kUnlimited) {
    const auto there = boost::add_edge(from, to, graph_).first, back = boost::add_edge(to, from, graph_).first;
    auto capacities = boost::get(boost::edge_capacity, graph_);
    auto reverse = boost::get(boost::edge_reverse, graph_);
    capacities[there] = capacity;
    capacities[back] = 0;
    reverse[there] = back;
    reverse[back] = there;
  }
  /// An edge of its own for a line. \returns its two ends
  std::pair<Node, Node> line(std::string name, Limit limit, double packages) {
    const Node in = node(), out = node();
    pipe(in, out, whole(packages));
    lines_.push_back({in, out, {std::move(name), limit, packages}});
    return {in, out};
  }

  /// \returns the lines in the cut: those whose edge leads from the source's side to the sink's
  std::vector<CutLine> solve(double& flow) {
    flow = static_cast<double>(boost::push_relabel_max_flow(graph_, source_, sink_));
    std::vector<bool> reached(boost::num_vertices(graph_), false);
    std::vector<Node> open = {source_};
    reached[source_] = true;
    const auto residual = boost::get(boost::edge_residual_capacity, graph_);
    while (!open.empty()) {
      const Node at = open.back();
      open.pop_back();
      for (auto [edge, end] = boost::out_edges(at, graph_); edge != end; ++edge)
        if (const Node next = boost::target(*edge, graph_); residual[*edge] > 0 && !reached[next]) {
          reached[next] = true;
          open.push_back(next);
        }
    }
    std::vector<CutLine> cut;
    for (const auto& line : lines_)
      if (reached[line.in] && !reached[line.out]) cut.push_back(line.what);
    return cut;
  }

 private:
  struct Line {
    Node in, out;
    CutLine what;
  };
  Graph graph_;
  Node source_, sink_;
  std::vector<Line> lines_;
};

/// Packages that an amount of a resource carries, at the mean use of the products that need it.
struct MeanUse {
  double packages = 0, used = 0, plain = 0;
  int n = 0;

  void add(double started, double per_package) {
    packages += started;
    used += started * per_package;
    plain += per_package;
    ++n;
  }
  double carried(double amount) const {
    const double mean = packages > 0 ? used / packages : n > 0 ? plain / n : 0;
    return mean > 0 ? amount / mean : 0;
  }
};

class Builder {
 public:
  Builder(const Chain& chain, Date from, Date to) : chain_(chain), spec_(chain.spec()), from_(from), to_(to), last_(from), started_(spec_.products.size(), 0.0) {
    for (const auto& entry : chain.weeks())
      if (entry.week >= from && entry.week < to) started_[entry.product] += entry.started;
    stock_ = &chain.inventories().front();
    for (const auto& inventory : chain.inventories()) {
      if (inventory.date <= from) stock_ = &inventory;
      if (inventory.date < to) last_ = inventory.date;
    }
  }

  Cut build() {
    for (std::size_t p = 0; p < spec_.products.size(); ++p) at_.push_back(network_.node());
    logic();
    memory();
    parts();
    packaging();
    Cut cut{from_, to_, 0, 0, {}};
    for (const double n : started_) cut.started += n;
    cut.lines = network_.solve(cut.bound);
    return cut;
  }

 private:
  struct Lead {
    Time shortest = 1e9 * day, longest;

    void add(Time lead) { shortest = std::min(shortest, lead), longest = std::max(longest, lead); }
  };
  /// Output of the weeks whose lots come in after the stock was taken and in time for the period's last week.
  /// \param weekly output of the week that begins on a date
  template <class Weekly>
  double arriving(const Lead& lead, Weekly weekly) const {
    double sum = 0;
    for (const auto& week : chain_.inventories())
      if (week.date.days() + lead.longest.in(day) > stock_->date.days() && week.date.days() + lead.shortest.in(day) <= last_.days()) sum += weekly(week.date);
    return sum;
  }
  /// Output of the period's own weeks.
  template <class Weekly>
  double offered(Weekly weekly) const {
    double sum = 0;
    for (const auto& week : chain_.inventories())
      if (week.date >= from_ && week.date < to_) sum += weekly(week.date);
    return sum;
  }
  Date middle() const { return from_ + (to_ - from_) * 0.5; }

  void logic() {
    for (const auto& line : spec_.logic) {
      MeanUse use;
      Lead lead;
      for (std::size_t p = 0; p < spec_.products.size(); ++p)
        if (spec_.products[p].node == line.node) {
          use.add(started_[p], chain_.logic_wafers_per_package(p, middle()));
          lead.add(spec_.products[p].logic_cycle_time);
        }
      if (use.n == 0) continue;
      const double wafers = arriving(lead, [&](Date week) { return (line.capacity.at(week) * line.ai_share.at(week) * core::week).in(wafer); });
      const auto [in, out] = network_.line(line.node, Limit::logic, use.carried(wafers));
      network_.pipe(network_.source(), in);
      for (std::size_t p = 0; p < spec_.products.size(); ++p)
        if (spec_.products[p].node == line.node) {
          network_.pipe(out, at_[p]);
          const auto bank = network_.line(spec_.products[p].accelerator + " die bank", Limit::logic, banked(p));
          network_.pipe(network_.source(), bank.first);
          network_.pipe(bank.second, at_[p]);
        }
    }
    for (std::size_t p = 0; p < spec_.products.size(); ++p)
      if (spec_.products[p].node.empty()) network_.pipe(network_.source(), at_[p]);
  }

  double banked(std::size_t p) const { return stock_->dies[p] / spec_.products[p].dies_per_package; }

  void memory() {
    std::vector<Node> next = at_;
    for (std::size_t p = 0; p < spec_.products.size(); ++p)
      if (!spec_.products[p].memory.empty()) next[p] = network_.node();
    const auto may_use = [&](std::size_t pool, std::size_t p) { return chain_.may_use(pool, p, to_); };
    for (std::size_t maker = 0; maker < spec_.memory_makers.size(); ++maker) {
      MeanUse use;
      Lead lead;
      std::vector<std::size_t> users;
      for (std::size_t p = 0; p < spec_.products.size(); ++p)
        for (std::size_t i = 0; i < chain_.pools().size(); ++i)
          if (const auto& pool = chain_.pools()[i]; pool.maker == maker && may_use(i, p)) {
            use.add(started_[p], chain_.memory_wafers_per_package(p, middle()));
            for (const auto& part : spec_.memories)
              if (part.memory == pool.memory) lead.add(part.cycle_time);
            users.push_back(p);
          }
      if (users.empty()) continue;
      const auto& line = spec_.memory_makers[maker];
      join(network_.line(line.maker, Limit::memory, use.carried(arriving(lead, [&](Date week) { return (line.capacity.at(week) * core::week).in(wafer); }))), users, next);
    }
    for (std::size_t i = 0; i < chain_.pools().size(); ++i) {
      MeanUse use;
      std::vector<std::size_t> users;
      for (std::size_t p = 0; p < spec_.products.size(); ++p)
        if (may_use(i, p)) {
          use.add(started_[p], spec_.products[p].stacks_per_package);
          users.push_back(p);
        }
      if (!users.empty() && stock_->stacks[i] > 0)
        join(network_.line(chain_.pools()[i].memory + " in store", Limit::memory, use.carried(stock_->stacks[i])), users, next);
    }
    at_ = next;
  }

  void join(std::pair<Node, Node> line, const std::vector<std::size_t>& users, const std::vector<Node>& next) {
    for (const auto p : users) {
      network_.pipe(at_[p], line.first);
      network_.pipe(line.second, next[p]);
    }
  }

  void parts() {
    for (std::size_t l = 0; l < spec_.parts.size(); ++l) {
      const auto& line = spec_.parts[l];
      if (line.stage != catalog::Stage::packaging) continue;  // later stages do not hold starts
      MeanUse use;
      std::vector<Node> next = at_;
      std::vector<std::size_t> users;
      for (std::size_t p = 0; p < spec_.products.size(); ++p)
        if (line.units[p] > 0) {
          use.add(started_[p], line.units[p]);
          next[p] = network_.node();
          users.push_back(p);
        }
      // The first week of a run finds a store filled over the cover.
      const double made = offered([&](Date week) { return line.capacity.at(week) * core::week * (!line.is_service && week <= spec_.start ? 1 + spec_.cover / core::week : 1.0); });
      join(network_.line(line.part, Limit::parts, use.carried(made + stock_->parts[l])), users, next);
      at_ = next;
    }
  }

  void packaging() {
    for (const auto& line : spec_.packaging) {
      MeanUse use;
      std::map<std::string, std::vector<std::size_t>> customers;
      for (std::size_t p = 0; p < spec_.products.size(); ++p)
        if (spec_.products[p].family == line.family) {
          use.add(started_[p], 1 / spec_.products[p].packages_per_wafer);
          customers[spec_.products[p].vendor].push_back(p);
        }
      if (use.n == 0) continue;
      const auto [in, out] = network_.line(line.family, Limit::packaging, use.carried(offered([&](Date week) { return (line.capacity.at(week) * core::week).in(wafer); })));
      network_.pipe(out, network_.sink());
      for (const auto& [customer, products] : customers) {
        if (line.allocation != Allocation::agreement) {
          for (const auto p : products) network_.pipe(at_[p], in);
          continue;
        }
        MeanUse own;
        for (const auto p : products) own.add(started_[p], 1 / spec_.products[p].packages_per_wafer);
        const auto agreed = network_.line(line.family + " share of " + customer, Limit::packaging, own.carried(agreed_wafers(line, customer)));
        for (const auto p : products) network_.pipe(at_[p], agreed.first);
        network_.pipe(agreed.second, in);
      }
    }
    for (std::size_t p = 0; p < spec_.products.size(); ++p)
      if (spec_.products[p].family.empty()) network_.pipe(at_[p], network_.sink());
  }

  double agreed_wafers(const PackagingLine& line, const std::string& customer) const {
    const auto share = line.customer_shares.find(customer);
    if (share == line.customer_shares.end()) return 0;
    return offered([&](Date week) { return (line.capacity.at(week) * share->second.at(week) * core::week).in(wafer); });
  }

  const Chain& chain_;
  const ChainSpec& spec_;
  Date from_, to_, last_;  ///< last_: the period's last week begins
  std::vector<double> started_;
  const Inventory* stock_ = nullptr;
  Network network_;
  std::vector<Node> at_;  ///< where each product's packages are on their way to the sink
};

}  // namespace

Cut supply_cut(const Chain& chain, Date from, Date to) { return Builder(chain, from, to).build(); }

}  // namespace waferwatt::supply
