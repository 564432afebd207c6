// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/provenance.hpp"

namespace waferwatt::report {

std::string version() { return WAFERWATT_VERSION; }
std::string revision() { return WAFERWATT_REVISION; }

io::Value provenance(const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  return io::Value::Object{{"version", io::Value{version()}},
                           {"revision", io::Value{revision()}},
                           {"seed", io::Value{scenario.header.seed}},
                           {"wall_time_s", io::Value{outcome.wall_time.in(core::second)}},
                           {"peak_memory_bytes", io::Value{outcome.peak_memory.in(core::byte)}}};
}

}  // namespace waferwatt::report
