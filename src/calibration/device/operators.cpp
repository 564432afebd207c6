// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/operators.hpp"

namespace waferwatt::calibration {

Operation prepare(Bench& bench, const Point& point) {
  bench.pool->reset();
  if (point.op == "gemm") return prepare_gemm(bench, point);
  if (point.op == "grouped_gemm") return prepare_grouped_gemm(bench, point);
  if (point.op == "attention_prefill" || point.op == "attention_backward") return prepare_attention(bench, point);
  if (point.op == "attention_decode") return prepare_decode(bench, point);
  if (point.op == "memcpy") return prepare_copy(bench, point);
  if (point.op == "launch") return prepare_launch(bench, point);
  return prepare_memory(bench, point);
}

std::vector<Check> check_operators(Bench& bench) {
  std::vector<Check> found;
  const AddCheck add = [&](const std::string& op, const std::string& format, const std::function<Check()>& run) {
    bench.pool->reset();
    try {
      found.push_back(run());
    } catch (const Unsupported& error) {
      found.push_back({op, format, 0, 0, false, error.what()});
    } catch (const DeviceError& error) {  // a device that no longer works shows at the next measurement
      found.push_back({op, format, 0, 0, false, error.what()});
    }
  };
  check_gemm(bench, add);
  check_attention(bench, add);
  check_memory(bench, add);
  return found;
}

}  // namespace waferwatt::calibration
