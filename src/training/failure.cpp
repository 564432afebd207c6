// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/failure.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::training {

const std::vector<FailureKind>& observed_failures() {
  constexpr double kHours = 16384.0 * 54 * 24;
  static const std::vector<FailureKind> kinds = {
      {"accelerator", (148 + 19 + 17 + 6 + 6) / kHours, true}, {"memory", 72 / kHours, true},
      {"network", (35 + 7) / kHours, true},                    {"host", (32 + 3 + 3 + 2 + 2 + 2 + 2) / kHours, true},
      {"software", (54 + 7 + 2) / kHours, false}};
  return kinds;
}

Goodput goodput(const Reliability& reliability, const Checkpointing& checkpointing, double n_accelerators,
                DataSize state) {
  double rate = 0, spare_rate = 0;  // of the job, per hour
  for (const auto& kind : reliability.failures) {
    rate += n_accelerators * kind.per_accelerator_hour;
    if (kind.needs_spare) spare_rate += n_accelerators * kind.per_accelerator_hour;
  }
  Goodput g;
  const Time write = state / checkpointing.storage_bandwidth;
  g.stop = checkpointing.asynchronous ? state / (n_accelerators * checkpointing.host_bandwidth) : write;
  if (rate <= 0) {
    g.interval = checkpointing.interval;
    if (g.interval > Time{}) g.checkpoint = g.stop / (g.interval + g.stop), g.useful = 1 - g.checkpoint;
    return g;
  }
  const Time mean = hour / rate;
  g.mean_time_between_interruptions = mean, g.n_per_day = day / mean;
  g.interval = checkpointing.interval;
  if (g.interval <= Time{})
    g.interval = std::sqrt(2 * g.stop.in(second) * mean.in(second)) * second - g.stop;
  // A checkpoint is of use once it is written: they cannot follow each other faster.
  g.interval = std::max(g.interval, checkpointing.asynchronous ? write : g.stop);

  // Poisson: the chance that as many repairs are under way as there are spares.
  const double under_way = spare_rate * reliability.repair.in(hour);
  double term = std::exp(-under_way), fewer = 0;
  for (double k = 0; k < reliability.n_spares; ++k) fewer += term, term *= under_way / (k + 1);
  const Time wait = std::max(0.0, 1 - fewer) * (spare_rate / rate) * reliability.repair / (reliability.n_spares + 1);

  const Time restart = reliability.detection + reliability.restart;
  const double stretch = mean / g.interval * std::exp(restart / mean) * (std::exp((g.interval + g.stop) / mean) - 1);
  // A job that waits for a repair cannot fail again.
  const double not_waiting = 1 / (1 + wait / mean);
  g.spare = 1 - not_waiting;
  g.useful = not_waiting / stretch;
  g.checkpoint = g.useful * (g.stop / g.interval);
  // Of the rest, each interruption takes its restart; what is left is work done twice.
  const double rest = 1 - g.useful - g.checkpoint - g.spare;
  g.restart = std::min(rest, not_waiting * (restart / mean));
  g.lost = rest - g.restart;
  return g;
}

double straggler_slowdown(double n, double spread) { return 1 + spread * std::sqrt(2 * std::log(std::max(1.0, n))); }

}  // namespace waferwatt::training
