// SPDX-License-Identifier: Apache-2.0
#pragma once
// Accelerators and the systems they are sold in.
#include "waferwatt/catalog/fact.hpp"

namespace waferwatt::catalog {

/// Number formats in which an accelerator computes or a model is stored.
enum class NumberFormat { bf16, fp16, fp8, fp4, int8 };

/// Bytes of one number.
DataSize size_of(NumberFormat format);

/// One accelerator package as a buyer sees it: dense peak rates, no sparsity.
struct Accelerator {
  std::string id, name, vendor;
  Fact<Date> launch;
  std::optional<std::string> foundry, node, packaging, memory;  ///< ids; absent: none or unknown
  std::optional<Fact<std::int64_t>> n_compute_dies;
  std::optional<Fact<Area>> die_area;
  std::optional<Fact<Length>> die_width, die_height, interposer_width, interposer_height;
  std::optional<Fact<PackagesPerWafer>> packages_per_wafer;
  std::optional<Fact<std::int64_t>> n_memory_stacks;
  Fact<DataSize> memory_capacity;
  Fact<Bandwidth> memory_bandwidth;
  std::optional<Fact<DataSize>> sram_capacity, l2_cache;
  Fact<FlopRate> peak_bf16;
  std::optional<Fact<FlopRate>> peak_fp8, peak_fp4, peak_int8;
  std::optional<Fact<std::int64_t>> n_sm;
  Fact<Power> tdp;
  std::optional<Fact<Bandwidth>> scale_up_bandwidth;  ///< both directions summed, as vendors quote
  std::optional<Fact<std::int64_t>> scale_up_domain;
  std::optional<Fact<Bandwidth>> nic_bandwidth;       ///< one direction
  std::optional<Fact<Ramp<Money>>> price;
  std::optional<Fact<Money>> manufacturing_cost;
  std::vector<std::string> notes;

  /// Dense peak rate in a format, or nothing if the chip lacks it. fp16 runs at the rate of bf16.
  std::optional<FlopRate> peak(NumberFormat format) const;

  /// 8-bit dense operations against an H100's 1,979 TFLOP/s; bf16 counts double where there is
  /// no 8-bit rate (the convention of Epoch AI's chip counts).
  double h100_equivalents() const;

  static const io::Record<Accelerator>& record();
};

/// A server or rack as it is bought.
struct System {
  std::string id, name, vendor;
  std::string accelerator;
  Fact<std::int64_t> n_accelerators;
  std::optional<Fact<Power>> rated_power;
  Fact<Power> it_power_per_accelerator;  ///< nameplate, with server and network share
  Fact<double> mean_load_fraction;       ///< mean over nameplate power in AI work
  std::optional<Fact<Money>> price;
  Fact<double> server_cost_factor;       ///< IT cost over accelerator price
  std::optional<std::string> fabric;
  std::vector<std::string> notes;

  static const io::Record<System>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::NumberFormat> {
  static constexpr std::array values{std::pair{catalog::NumberFormat::bf16, "bf16"}, std::pair{catalog::NumberFormat::fp16, "fp16"},
                                     std::pair{catalog::NumberFormat::fp8, "fp8"}, std::pair{catalog::NumberFormat::fp4, "fp4"},
                                     std::pair{catalog::NumberFormat::int8, "int8"}};
};
}  // namespace waferwatt::io
