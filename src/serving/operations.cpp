// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/operations.hpp"

namespace waferwatt::serving {

const io::Record<ServiceLevel>& ServiceLevel::record() {
  using L = ServiceLevel;
  static const auto record =
      io::Record<L>("service_level", "Latencies a request must keep to count as good.")
          .optional("time_to_first_token", &L::time_to_first_token,
                    {.doc = "From arrival to the first token.", .above = 0 * second, .at_most = day})
          .optional("time_per_output_token", &L::time_per_output_token,
                    {.doc = "Mean time between the tokens after the first.", .above = 0 * second, .at_most = hour})
          .optional("attainment", &L::attainment,
                    {.doc = "Share of requests that must be good for the service level to hold.",
                     .above = 0.0,
                     .at_most = 1.0});
  return record;
}

const io::Record<Admission>& Admission::record() {
  using A = Admission;
  static const auto record =
      io::Record<A>("admission", "Requests beyond these are refused at the router, and counted.")
          .optional("rate_limit", &A::rate_limit,
                    {.doc = "Requests let in, on average.", .above = 0.0 / second, .at_most = 1e9 / second})
          .optional("burst", &A::burst,
                    {.doc = "Requests that may come at once, with a rate limit.", .at_least = 1, .at_most = 1'000'000})
          .optional("max_outstanding", &A::max_outstanding,
                    {.doc = "Most requests outstanding on each replica that is up, on average.",
                     .at_least = 1,
                     .at_most = 1'000'000});
  return record;
}

const io::Record<Autoscaling>& Autoscaling::record() {
  using A = Autoscaling;
  static const auto record =
      io::Record<A>("autoscaling", "Each group keeps as many replicas up as its outstanding requests ask for.")
          .optional("min_replicas", &A::min_replicas,
                    {.doc = "Fewest of each group that are up.", .at_least = 1, .at_most = 100000})
          .optional("target_outstanding", &A::target_outstanding,
                    {.doc = "Outstanding requests on a replica.", .above = 0.0, .at_most = 1e6})
          .optional("interval", &A::interval, {.doc = "Between decisions.", .above = 0 * second, .at_most = day})
          .optional("cold_start", &A::cold_start,
                    {.doc = "From the decision to the first request.", .at_least = 0 * second, .at_most = day})
          .optional("cool_down", &A::cool_down,
                    {.doc = "How long fewer must suffice before one stops.", .at_least = 0 * second, .at_most = day});
  return record;
}

const io::Record<Failures>& Failures::record() {
  using F = Failures;
  static const auto record =
      io::Record<F>("failures", "A replica fails as a whole when one of its accelerators does.")
          .optional("mean_time_between", &F::mean_time_between,
                    {.doc = "Failures of one accelerator.", .above = 0 * second, .at_most = 1000 * year})
          .optional("repair", &F::repair,
                    {.doc = "Until the replica is up again.", .above = 0 * second, .at_most = year});
  return record;
}

}  // namespace waferwatt::serving
