// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/engine/flow_network.hpp"

namespace waferwatt::engine {

/// Flows by our own solver, as events of any loop: any weights, any number of links per flow. A start, an
/// end or a change of capacity costs time in proportion to the flows and links that it can reach through
/// shared links, and everything of one instant is solved once.
///
/// Flows that end within a picosecond of one another end together.
///
/// With a re-solve interval, rates are worked out again at most that often: what ended flows leave is then
/// taken up late, and new flows start late, so that times are a little too long and never too short.
class FluidFlows final : public FlowNetwork {
 public:
  /// \param resolve_interval seconds; 0: exact
  FluidFlows(EventLoop& loop, std::vector<double> capacities, double resolve_interval = 0);

 protected:
  void begin(std::uint32_t slot, double latency) override;
  double abandon(std::uint32_t slot) override;
  void capacity_changed(std::uint32_t link, double before) override;
  void on_event(const Event& event) override;

 private:
  struct Progress {
    double left = 0, rate = 0, at = 0;  // bytes left at time `at`
    std::uint32_t version = 0;          // of the completion time in the heap
    std::uint32_t reached = 0;          // mark of the solve that last saw it
    bool moving = false, fixed = false;
    std::vector<std::uint32_t> position;  // of each use in its link's list
  };
  struct Share {
    std::uint32_t slot, use;
  };
  struct Line {
    std::vector<Share> shares;
    double left = 0, weight = 0;  // capacity and weight not yet given out
    std::uint32_t reached = 0;
  };
  struct Completion {
    double time;
    std::uint32_t slot, version;
    friend bool operator>(const Completion& a, const Completion& b) {
      return a.time > b.time || (a.time == b.time && a.slot > b.slot);
    }
  };

  void activate(std::uint32_t slot);
  void detach(std::uint32_t slot);
  void touch(std::uint32_t link);
  void schedule_solve(double time);
  void solve();
  void collect_component();
  void fill();
  void fix(std::uint32_t slot, double rate);
  void complete_due();
  void schedule_wake();

  std::vector<Progress> progress_;
  std::vector<Line> lines_;
  std::vector<std::uint32_t> touched_, component_links_, component_flows_;
  std::vector<Completion> completions_;  // heap, earliest first; stale versions are skipped
  std::uint32_t mark_ = 0;
  double resolve_interval_, last_solve_;
  double solve_at_, next_wake_;  // infinite: none is pending
};

}  // namespace waferwatt::engine
