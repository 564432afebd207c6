// SPDX-License-Identifier: Apache-2.0
// Events per second of the queue alone and of the two loops, with a constant number of live events.
// Usage: bench_event_loop [events, default 4000000]. Reports the median of five runs each.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

namespace {

using namespace waferwatt::engine;

class Delays {
 public:
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return 1e-3 * (0.5 + static_cast<double>(state_ >> 40) * 0x1p-24);
  }

 private:
  std::uint64_t state_ = 7;
};

class Ring : public EventHandler {
 public:
  explicit Ring(std::uint64_t events) : left_(events) {}
  void handle(const Event& event, EventLoop& loop) override {
    if (--left_ == 0) return loop.stop();
    loop.after(delays_.next(), event.kind, event.target);
  }

 private:
  std::uint64_t left_;
  Delays delays_;
};

template <typename Work>
double median_rate(std::uint64_t events, Work work) {
  std::array<double, 5> rates;
  for (double& rate : rates) {
    const auto start = std::chrono::steady_clock::now();
    work();
    rate =
        static_cast<double>(events) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::sort(rates.begin(), rates.end());
  return rates[2];
}

double queue_rate(std::uint64_t events, std::uint32_t live) {
  EventQueue queue;
  Delays delays;
  for (std::uint32_t i = 0; i < live; ++i) queue.push(delays.next(), 0, i, 0);
  return median_rate(events, [&] {
    for (std::uint64_t i = 0; i < events; ++i) {
      const Event event = queue.pop();
      queue.push(event.time + delays.next(), event.kind, event.target, 0);
    }
  });
}

// A loop keeps its live - 1 pending events from one run to the next; one more replaces the last one.
double loop_rate(EventLoop& loop, std::uint64_t events, std::uint32_t live) {
  Delays delays;
  while (loop.pending() + 1 < live) loop.after(delays.next(), 0);
  return median_rate(events, [&] {
    loop.after(delays.next(), 0);
    Ring ring(events);
    loop.run(ring);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4'000'000;
  SimgridLoop simgrid;
  fmt::print("{:>8} {:>14} {:>14} {:>14} {:>22}\n", "live", "EventQueue/s", "BareLoop/s", "SimgridLoop/s",
             "BareLoop/SimgridLoop");
  for (const std::uint32_t live : {64u, 1024u, 16384u}) {
    BareLoop bare;
    const double alone = queue_rate(events, live);
    const double without = loop_rate(bare, events, live);
    const double with = loop_rate(simgrid, events, live);
    fmt::print("{:>8} {:>12.2f} M {:>12.2f} M {:>12.2f} M {:>22.2f}\n", live, alone / 1e6, without / 1e6, with / 1e6,
               without / with);
  }
}
