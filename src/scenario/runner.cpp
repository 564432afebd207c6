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

using Clock = std::chrono::steady_clock;

std::string answer(End end, Clock::time_point start, std::string_view payload) {
  io::ByteWriter out;
  out.number(static_cast<std::uint8_t>(end));
  out.number(std::chrono::duration<double>(Clock::now() - start).count());
  out.number(peak_memory().in(core::byte));
  out.text(payload);
  return out.take();
}

/// Runs in the child; the exceptions that callers tell apart become bytes to cross the pipe.
std::string to_answer(const std::function<Result()>& work) {
  const auto start = Clock::now();
  try {
    return answer(End::result, start, to_bytes(work()));
  } catch (const InputError& error) {
    return answer(End::input_error, start, to_bytes(error.diagnostics()));
  } catch (const InfeasibleError& error) {
    return answer(End::infeasible, start, error.what());
  }
}

/// \throws InputError, InfeasibleError as the child did
Outcome outcome_of(std::string_view bytes) {
  io::ByteReader in(bytes);
  const auto end = static_cast<End>(in.number<std::uint8_t>());
  const double wall_time_s = in.number<double>();
  const double peak_memory = in.number<double>();
  const std::string payload = in.text();
  if (end == End::input_error) throw InputError(diagnostics_from_bytes(payload));
  if (end == End::infeasible) throw InfeasibleError(payload);
  return {result_from_bytes(payload), wall_time_s * core::second, peak_memory * core::byte};
}

engine::ChildLimits limits_of(const RunOptions& options) {
  engine::ChildLimits limits;
  if (options.timeout) limits.timeout = std::chrono::duration<double>(options.timeout->in(core::second));
  if (options.memory_limit) limits.memory_bytes = static_cast<std::size_t>(options.memory_limit->in(core::byte));
  return limits;
}

engine::ChildTask task_of(const Scenario& scenario, const std::string& name, unsigned n_jobs) {
  const auto& draws = scenario.header.monte_carlo;
  const RunContext context{.seed = static_cast<std::uint64_t>(draws && draws->seed ? *draws->seed : scenario.header.seed),
                           .n_draws = draws ? static_cast<std::size_t>(draws->runs) : 0,
                           .n_jobs = n_jobs};
  return {name, [&scenario, context](engine::ProgressSink& sink) {
            RunContext own = context;
            own.progress = [&sink](double fraction, const std::string& what) { sink.progress(fraction, what); };
            return to_answer([&] { return scenario.model->run_with(*scenario.catalog, own); });
          }};
}

std::string child_answer(const engine::ChildTask& task, const RunOptions& options) {
  try {
    return engine::run_in_child(task.name, limits_of(options), task.work, options.progress);
  } catch (const engine::ChildError& error) {
    throw RunError(error.what());
  }
}

}  // namespace

DataSize peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 * core::byte;
}

Outcome run_isolated(const Scenario& scenario, const RunOptions& options) {
  return outcome_of(child_answer(task_of(scenario, fmt::format("scenario \"{}\"", scenario.header.name), options.n_jobs), options));
}

Outcome run_isolated(const std::string& name, const RunOptions& options, const std::function<Result()>& work) {
  return outcome_of(child_answer({name, [&work](engine::ProgressSink&) { return to_answer(work); }}, options));
}

void run_each_isolated(const std::vector<NamedScenario>& scenarios, const RunOptions& options,
                       const std::function<void(std::size_t, const RunEnd&)>& on_done) {
  std::vector<engine::ChildTask> tasks;
  for (const auto& each : scenarios) tasks.push_back(task_of(*each.scenario, each.name, 1));
  std::size_t n_done = 0;
  const auto done = [&](std::size_t i, const engine::ChildResult& result) {
    RunEnd end;
    try {
      end.outcome = outcome_of(result.value());
    } catch (const InfeasibleError& error) {
      end.infeasible = error.what();
    } catch (const std::exception& error) {
      end.failure = error.what();
    }
    on_done(i, end);
    ++n_done;
    options.progress(static_cast<double>(n_done) / static_cast<double>(tasks.size()), fmt::format("{} of {} runs", n_done, tasks.size()));
  };
  engine::run_children(tasks, options.n_jobs, limits_of(options), {.on_done = done, .on_progress = {}});
}

}  // namespace waferwatt::scenario
