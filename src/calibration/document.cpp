// SPDX-License-Identifier: Apache-2.0
#include "calibration/document.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "calibration/architecture.hpp"
#include "calibration/gates.hpp"

namespace waferwatt::calibration {
namespace {

using io::Value;

Value number(double value) { return std::isfinite(value) ? Value{four_digits(value)} : Value{}; }
Value number(const std::optional<double>& value) { return value ? number(*value) : Value{}; }

Value hexadecimal(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return Value{text};
}

Value texts(const std::vector<std::string>& list) {
  Value::List out;
  for (const std::string& text : list) out.emplace_back(text);
  return Value{std::move(out)};
}

Value shape_of(const Point& point) {
  Value out{Value::Object{}};
  for (const auto& [name, value] : point.shape) out[name] = Value{value};
  for (const auto& [name, value] : point.labels) out[name] = Value{value};
  return out;
}

Value point_value(const Measurement& m, const DeviceInfo& device) {
  Value out;
  out["op"] = Value{m.point.op};
  out["dtype"] = Value{m.point.format};
  out["shape"] = shape_of(m.point);
  out["mode"] = Value{m.mode};
  if (m.passes.empty()) {
    out["unsupported"] = Value{m.reason};
    return out;
  }
  const Sample& s = m.passes.front();
  out["cache"] = Value{m.point.cold ? "cold" : "warm"};
  Value us;
  us["median"] = number(s.us.median);
  us["p10"] = number(s.us.p10);
  us["p90"] = number(s.us.p90);
  us["min"] = number(s.us.min);
  us["n"] = Value{s.us.n};
  us["rel_stdev"] = number(s.us.relative_deviation);
  if (m.passes.size() > 1) us["pass2_median"] = number(m.passes[1].us.median);
  out["us"] = us;
  if (const double w = work(m.point); w > 0) out["flops"] = number(w);
  out["bytes"] = number(bytes(m.point));
  if (s.host_us > 0) out["host_us"] = number(s.host_us);
  out["sm_mhz"] = s.sm_mhz > 0 ? number(std::round(s.sm_mhz)) : Value{};
  if (m.power_w) out["power_w"] = number(m.power_w);
  out["flags"] = texts(flags(m, device));
  if (!m.algorithm.is_null()) out["algo"] = m.algorithm;
  out["stop"] = Value{s.stop};
  out["timing"] = Value{s.timing};
  out["copies"] = Value{s.copies};
  out["sets"] = Value{s.sets};
  if (s.flush) out["flush"] = Value{true};
  return out;
}

Value points_value(const std::vector<Measurement>& measurements, const DeviceInfo& device) {
  Value::List out;
  for (const Measurement& m : measurements)
    if (!(m.passes.empty() && m.reason == kTimeLimit)) out.push_back(point_value(m, device));
  return Value{std::move(out)};
}

Value gpu_value(const DeviceInfo& d) {
  Value out;
  out["name"] = Value{d.name};
  out["uuid_hash"] = Value{d.uuid_hash};
  out["pci"] = Value{d.pci};
  out["sm"] = Value{std::to_string(d.capability / 10) + '.' + std::to_string(d.capability % 10)};
  out["sms"] = Value{d.sms};
  out["l2_bytes"] = Value{d.l2_bytes};
  out["mem_bytes"] = Value{d.memory_bytes};
  out["mem_bus_bits"] = Value{d.bus_bits};
  out["mem_clock_mhz"] = number(d.memory_clock_mhz);
  out["clock_max_mhz"] = number(d.clock_max_mhz);
  out["power_limit_w"] = number(d.power_limit_w);
  out["ecc"] = Value{d.ecc};
  out["mig"] = d.mig ? Value{*d.mig} : Value{};
  out["vbios"] = Value{d.vbios};
  out["temp_start_c"] = number(d.temperature_start_c);
  out["temp_end_c"] = number(d.temperature_end_c);
  out["pcie_generation"] = Value{d.pcie_generation};
  out["pcie_width"] = Value{d.pcie_width};
  return out;
}

Value spec_value(const DeviceInfo& d) {
  Value out;
  out["source"] =
      Value{"derived: SMs x highest clock x dense operations per SM and clock; bus width x memory clock x 2"};
  out["bf16_flops"] = number(peak_rate(d.capability, "bf16", d.sms, d.clock_max_mhz));
  out["fp8_flops"] = number(peak_rate(d.capability, "fp8_e4m3", d.sms, d.clock_max_mhz));
  out["mem_Bps"] = number(memory_rate(d.memory_clock_mhz, d.bus_bits));
  return out;
}

Value sentinels_value(const std::vector<Sentinel>& sentinels) {
  Value::List out;
  for (const Sentinel& s : sentinels) {
    Value v;
    v["t_s"] = number(s.at_s);
    v["gemm8192_tflops"] = number(s.gemm_tflops);
    v["copy_TBps"] = number(s.copy_tb_per_s);
    v["sm_mhz"] = number(std::round(s.sm_mhz));
    v["power_w"] = number(s.power_w);
    v["reasons"] = hexadecimal(s.clock_reasons);
    Value::List samples;
    for (const double us : s.gemm_samples_us) samples.push_back(number(us));
    v["gemm8192_us"] = Value{std::move(samples)};
    out.push_back(v);
  }
  return Value{std::move(out)};
}

Value power_value(const std::vector<PowerState>& states, const DeviceInfo& d) {
  const double peak = peak_rate(d.capability, "bf16", d.sms, d.clock_max_mhz),
               memory = memory_rate(d.memory_clock_mhz, d.bus_bits);
  Value::List out;
  for (const PowerState& s : states) {
    Value v;
    v["state"] = Value{s.state};
    v["seconds"] = number(s.seconds);
    v["watts_energy"] = number(s.watts_energy);
    v["watts_instant_p50"] = number(s.watts_p50);
    v["watts_average"] = number(s.watts_average);
    v["sm_mhz"] = number(std::round(s.sm_mhz));
    v["flops_per_s"] = number(s.flops_per_s);
    v["bytes_per_s"] = number(s.bytes_per_s);
    v["util_flops_bf16"] = peak > 0 ? number(s.flops_per_s / peak) : Value{};
    v["util_bw"] = memory > 0 ? number(s.bytes_per_s / memory) : Value{};
    v["reasons"] = hexadecimal(s.clock_reasons);
    out.push_back(v);
  }
  return Value{std::move(out)};
}

Value communication_value(const Run& run) {
  Value out;
  const bool measured = run.gpus > 1 && !run.collectives.empty();
  out["measured"] = Value{measured};
  out["gpus"] = Value{run.gpus};
  if (measured) out["points"] = points_value(run.collectives, run.device);
  else
    out["reason"] = Value{run.gpus > 1 ? "no collective could be measured"
                                       : "one GPU: nothing was communicated; take published tables"};
  return out;
}

Value checks_value(const std::vector<Check>& checks) {
  Value::List out;
  for (const Check& c : checks) {
    Value v;
    v["op"] = Value{c.op};
    v["dtype"] = Value{c.format};
    if (c.reason.empty()) {
      v["relative_error"] = number(c.relative_error);
      v["limit"] = number(c.limit);
      v["pass"] = Value{c.pass};
    } else {
      v["unsupported"] = Value{c.reason};
    }
    out.push_back(v);
  }
  return Value{std::move(out)};
}

/// Median and p90 over the points of an operator and format of |ln(pass 2 / pass 1)|: the noise floor.
Value repeatability_value(const std::vector<Measurement>& measurements) {
  std::map<std::string, std::vector<double>> ratios;
  for (const Measurement& m : measurements)
    if (m.passes.size() > 1)
      ratios[m.point.op + '/' + m.point.format].push_back(
          std::abs(std::log(m.passes[1].us.median / m.passes[0].us.median)));
  Value out{Value::Object{}};
  for (const auto& [name, values] : ratios) {
    Value v;
    v["median"] = number(median(values));
    v["p90"] = number(quantile(values, 0.9));
    v["n"] = Value{static_cast<std::int64_t>(values.size())};
    out[name] = v;
  }
  return out;
}

/// What each column means, so that the file explains itself.
Value columns_value() {
  Value out;
  const auto set = [&](const char* name, const char* meaning) { out[name] = Value{meaning}; };
  set("us", "time of one operation in microseconds over n samples of the first pass; pass2_median: the second pass");
  set("flops",
      "operations, two per multiply-add; causal attention counts the lower triangle; backward 2.5 times forward");
  set("bytes", "fewest bytes through device memory: each input read once, each output written once");
  set("cache",
      "cold: operands rotate through `sets` copies that exceed four times the L2, or the L2 is flushed by reads "
      "(`flush`) outside the timed region; warm: one set repeated");
  set("copies", "operations in one timed region; its time is divided by this");
  set("timing", "graph: a CUDA graph between events; events: enqueued behind a spinning kernel; host: a host clock");
  set("host_us", "host time to enqueue one operation without a graph");
  set("sm_mhz", "mean SM clock over the samples, from cycle and time stamps on one SM");
  set("stop", "noise: relative deviation below 0.5 %; stable_noise: it stopped falling; cap: time limit of the point");
  set("unsupported", "not measured: the reason");
  set("mode", "burst: the median of short regions; sustained: the mean over seconds of back-to-back work");
  set("reasons", "NVML's clock event reasons: 0x4 power cap, 0x20 and 0x40 thermal, 0x8 hardware slowdown");
  return out;
}

Value gates_value(const std::vector<Gate>& found) {
  Value::List out;
  for (const Gate& g : found) {
    Value v;
    v["name"] = Value{g.name};
    v["value"] = number(g.value);
    v["low"] = number(g.low);
    v["high"] = number(g.high);
    v["pass"] = Value{g.pass};
    out.push_back(v);
  }
  return Value{std::move(out)};
}

}  // namespace

std::string hashed(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  char out[32];
  std::snprintf(out, sizeof out, "fnv1a64:%016llx", static_cast<unsigned long long>(hash));
  return out;
}

Value document(const Run& run) {
  const auto found = gates(run);
  Value out;
  out["schema"] = Value{"gpu-calibration/1"};
  out["status"] = Value{status(run, found)};
  out["created_utc"] = Value{run.created_utc};
  out["duration_s"] = number(run.duration_s);
  out["tool"] = run.tool;
  out["host"] = run.host;
  out["gpu"] = gpu_value(run.device);
  out["software"] = run.software;
  out["spec"] = spec_value(run.device);
  out["method"] = run.method;
  out["columns"] = columns_value();
  out["checks"] = checks_value(run.checks);
  out["sentinels"] = sentinels_value(run.sentinels);
  out["points"] = points_value(run.measurements, run.device);
  out["repeatability"] = repeatability_value(run.measurements);
  out["power"] = power_value(run.power, run.device);
  out["overlap"] = points_value(run.overlap, run.device);
  out["communication"] = communication_value(run);
  out["not_measured"] = texts(run.not_measured);
  out["gates"] = gates_value(found);
  return out;
}

}  // namespace waferwatt::calibration
