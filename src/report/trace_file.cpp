// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/trace_file.hpp"

#include <cmath>
#include <map>
#include <ostream>

#include <fmt/format.h>

#include "json_text.hpp"

namespace waferwatt::report {

core::Table trace_table() {
  using Kind = core::Table::Kind;
  return {std::string{kTraceTable}, {{"process", Kind::text}, {"thread", Kind::text}, {"name", Kind::text}, {"category", Kind::text}, {"start_s"}, {"duration_s"}}};
}

core::Table counter_table() {
  using Kind = core::Table::Kind;
  return {std::string{kCounterTable}, {{"process", Kind::text}, {"name", Kind::text}, {"time_s"}, {"value"}}};
}

void write_trace(std::ostream& out, const core::Table& spans, const core::Table* counters) {
  const auto &processes = spans.texts("process"), &threads = spans.texts("thread"), &names = spans.texts("name"),
             &categories = spans.texts("category");
  const auto &starts = spans.numbers("start_s"), &durations = spans.numbers("duration_s");
  std::map<std::string, std::size_t> process_ids;
  std::map<std::pair<std::string, std::string>, std::size_t> thread_ids;
  out << "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
  const char* separator = "\n";
  const auto put = [&](const std::string& event) {
    out << separator << event;
    separator = ",\n";
  };
  const auto id_of = [&](const std::string& name) {
    const auto [process, is_new] = process_ids.try_emplace(name, process_ids.size() + 1);
    if (is_new)
      put(fmt::format(R"({{"ph": "M", "pid": {}, "name": "process_name", "args": {{"name": {}}}}})", process->second, json_quoted(name)));
    return process->second;
  };
  for (std::size_t i = 0; i < spans.n_rows(); ++i) {
    const std::size_t pid = id_of(processes[i]);
    const auto [thread, new_thread] = thread_ids.try_emplace({processes[i], threads[i]}, thread_ids.size() + 1);
    const std::size_t tid = thread->second;
    if (new_thread)
      put(fmt::format(R"({{"ph": "M", "pid": {}, "tid": {}, "name": "thread_name", "args": {{"name": {}}}}})", pid, tid, json_quoted(threads[i])));
    // Perfetto counts whole nanoseconds and drops a span that ends after the one around it: ends are rounded, not lengths, and whole
    // microseconds come through its arithmetic as they are.
    const long long start = std::llround(1e6 * starts[i]), end = std::llround(1e6 * (starts[i] + durations[i]));
    put(fmt::format(R"({{"ph": "X", "pid": {}, "tid": {}, "name": {}, "cat": {}, "ts": {}, "dur": {}}})", pid, tid, json_quoted(names[i]),
                    json_quoted(categories[i]), start, end - start));
  }
  for (std::size_t i = 0; counters && i < counters->n_rows(); ++i)
    put(fmt::format(R"({{"ph": "C", "pid": {}, "name": {}, "ts": {}, "args": {{"value": {}}}}})", id_of(counters->texts("process")[i]),
                    json_quoted(counters->texts("name")[i]), std::llround(1e6 * counters->numbers("time_s")[i]), counters->numbers("value")[i]));
  out << "\n]}\n";
}

}  // namespace waferwatt::report
