// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a deployment is run: whom it lets in, when it grows and shrinks, what fails.
#include "waferwatt/core/quantity.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::serving {

/// Which replica a request goes to; one function each in routers.cpp.
enum class Router { round_robin, least_outstanding, least_kv, prefix_aware, power_of_two, slo_aware };

/// What a request must keep to count as good.
struct ServiceLevel {
  Time time_to_first_token = 1 * second;
  Time time_per_output_token = 50 * milli * second;
  double attainment = 0.9;  ///< share of requests that must be good for the service level to hold

  static const io::Record<ServiceLevel>& record();
};

/// Requests beyond these are refused at the router.
struct Admission {
  std::optional<Frequency> rate_limit;          ///< token bucket
  std::int64_t burst = 10;                      ///< requests that may come at once
  std::optional<std::int64_t> max_outstanding;  ///< on each replica that is up, on average

  static const io::Record<Admission>& record();
};

/// Each group keeps as many replicas up as its outstanding requests ask for.
struct Autoscaling {
  std::int64_t min_replicas = 1;          ///< of each group; the most are its number of replicas
  double target_outstanding = 32;         ///< requests on a replica
  Time interval = 15 * second;            ///< between decisions
  Time cold_start = 120 * second;         ///< from the decision to the first request
  Time cool_down = 300 * second;          ///< how long fewer must suffice before one stops

  static const io::Record<Autoscaling>& record();
};

/// A replica fails as a whole when one of its accelerators does; its requests start over on others.
struct Failures {
  Time mean_time_between = 50000 * hour;  ///< failures of one accelerator
  Time repair = 1 * hour;                 ///< until the replica is up again

  static const io::Record<Failures>& record();
};

}  // namespace waferwatt::serving

namespace waferwatt::io {
template <>
struct EnumTexts<serving::Router> {
  static constexpr std::array values{std::pair{serving::Router::round_robin, "round-robin"},
                                     std::pair{serving::Router::least_outstanding, "least-outstanding"},
                                     std::pair{serving::Router::least_kv, "least-kv"},
                                     std::pair{serving::Router::prefix_aware, "prefix-aware"},
                                     std::pair{serving::Router::power_of_two, "power-of-two"},
                                     std::pair{serving::Router::slo_aware, "slo-aware"}};
};
}  // namespace waferwatt::io
