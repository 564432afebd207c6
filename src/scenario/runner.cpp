// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/runner.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>

#include "waferwatt/engine/child.hpp"
#include "waferwatt/io/bytes.hpp"
#include "waferwatt/scenario/runner_bytes.hpp"

namespace waferwatt::scenario {
namespace {

/// What the child says of its end: the first byte of its answer.
enum class End : std::uint8_t { result, input_error, infeasible };

double peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

std::string answer(End end, std::string_view payload) {
  io::ByteWriter out;
  out.number(static_cast<std::uint8_t>(end));
  out.number(peak_memory_bytes());
  out.text(payload);
  return out.take();
}

/// Runs in the child; the exceptions that callers tell apart become bytes to cross the pipe.
std::string run_to_bytes(const Scenario& scenario, const RunContext& context) {
  try {
    return answer(End::result, to_bytes(scenario.model->run_with(*scenario.catalog, context)));
  } catch (const InputError& error) {
    return answer(End::input_error, to_bytes(error.diagnostics()));
  } catch (const InfeasibleError& error) {
    return answer(End::infeasible, error.what());
  }
}

}  // namespace

Outcome run_isolated(const Scenario& scenario, const RunOptions& options) {
  engine::ChildLimits limits;
  if (options.timeout) limits.timeout = std::chrono::duration<double>(options.timeout->in(core::second));
  if (options.memory_limit) limits.memory_bytes = static_cast<std::size_t>(options.memory_limit->in(core::byte));
  const auto& draws = scenario.header.monte_carlo;
  const auto work = [&](engine::ProgressSink& sink) {
    return run_to_bytes(
        scenario, {.seed = static_cast<std::uint64_t>(draws && draws->seed ? *draws->seed : scenario.header.seed),
                   .n_draws = draws ? static_cast<std::size_t>(draws->runs) : 0,
                   .n_jobs = options.n_jobs,
                   .progress = [&sink](double fraction, const std::string& what) { sink.progress(fraction, what); }});
  };

  const auto start = std::chrono::steady_clock::now();
  std::string bytes;
  try {
    bytes = engine::run_in_child(fmt::format("scenario \"{}\"", scenario.header.name), limits, work, options.progress);
  } catch (const engine::ChildError& error) {
    throw RunError(error.what());
  }
  const double wall_time_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  io::ByteReader in(bytes);
  const auto end = static_cast<End>(in.number<std::uint8_t>());
  const double peak_memory = in.number<double>();
  const std::string payload = in.text();
  if (end == End::input_error) throw InputError(diagnostics_from_bytes(payload));
  if (end == End::infeasible) throw InfeasibleError(payload);
  return {result_from_bytes(payload), wall_time_s * core::second, peak_memory * core::byte};
}

}  // namespace waferwatt::scenario
