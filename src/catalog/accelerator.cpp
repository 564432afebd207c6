// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::catalog {

DataSize size_of(NumberFormat format) {
  switch (format) {
    case NumberFormat::bf16:
    case NumberFormat::fp16: return 2 * byte;
    case NumberFormat::fp8:
    case NumberFormat::int8: return 1 * byte;
    case NumberFormat::fp4: return 0.5 * byte;
  }
  return 2 * byte;
}

std::optional<FlopRate> Accelerator::peak(NumberFormat format) const {
  const auto rate = [](const std::optional<Fact<FlopRate>>& fact) { return fact ? std::optional{fact->value} : std::nullopt; };
  switch (format) {
    case NumberFormat::bf16:
    case NumberFormat::fp16: return peak_bf16.value;
    case NumberFormat::fp8: return rate(peak_fp8);
    case NumberFormat::fp4: return rate(peak_fp4);
    case NumberFormat::int8: return rate(peak_int8);
  }
  return std::nullopt;
}

double Accelerator::h100_equivalents() const {
  constexpr FlopRate kH100 = 1979 * tera * flop / second;
  if (peak_fp8) return peak_fp8->value / kH100;
  if (peak_int8) return peak_int8->value / kH100;
  return peak_bf16.value * 2 / kH100;
}

const io::Record<Accelerator>& Accelerator::record() {
  using A = Accelerator;
  static const auto record =
      io::Record<A>("accelerator", "An accelerator package. Rates are dense peaks.")
          .required("id", &A::id, {.doc = "Id, vendor first; the file's name."})
          .required("name", &A::name, {.doc = "Name as sold."})
          .required("vendor", &A::vendor, {.doc = "Company id of the designer."})
          .required("launch", &A::launch, {.doc = "First volume shipments or announcement."})
          .optional("foundry", &A::foundry, {.doc = "Company id of the foundry."})
          .optional("node", &A::node, {.doc = "Node id of the compute dies."})
          .optional("n_compute_dies", &A::n_compute_dies, {.doc = "Compute dies in a package.", .at_least = 1, .at_most = 64})
          .optional("die_area", &A::die_area, {.doc = "Area of one compute die.", .above = 0 * square_millimetre, .at_most = 50000 * square_millimetre})
          .optional("die_width", &A::die_width, {.doc = "Width of one compute die.", .above = 0 * metre, .at_most = 300 * millimetre})
          .optional("die_height", &A::die_height, {.doc = "Height of one compute die.", .above = 0 * metre, .at_most = 300 * millimetre})
          .optional("packaging", &A::packaging, {.doc = "Packaging id; absent: no 2.5D packaging."})
          .optional("interposer_width", &A::interposer_width, {.doc = "Width of the interposer.", .above = 0 * metre, .at_most = 300 * millimetre})
          .optional("interposer_height", &A::interposer_height, {.doc = "Height of the interposer.", .above = 0 * metre, .at_most = 300 * millimetre})
          .optional("packages_per_wafer", &A::packages_per_wafer, {.doc = "Gross packages on one packaging wafer.", .above = 0 * package / wafer, .at_most = 2000 * package / wafer})
          .optional("memory", &A::memory, {.doc = "Memory id of the HBM; absent: no HBM."})
          .optional("n_memory_stacks", &A::n_memory_stacks, {.doc = "HBM stacks in a package.", .at_least = 1, .at_most = 64})
          .required("memory_capacity", &A::memory_capacity, {.doc = "Memory the programs see (SRAM where there is no DRAM).", .above = 0 * byte, .at_most = 10 * tera * byte})
          .required("memory_bandwidth", &A::memory_bandwidth, {.doc = "Peak memory bandwidth.", .above = 0 * byte / second, .at_most = 100 * peta * byte / second})
          .optional("sram_capacity", &A::sram_capacity, {.doc = "On-chip SRAM.", .above = 0 * byte, .at_most = tera * byte})
          .optional("l2_cache", &A::l2_cache, {.doc = "Last-level cache.", .above = 0 * byte, .at_most = tera * byte})
          .required("peak_bf16", &A::peak_bf16, {.doc = "bf16 rate with fp32 sums.", .above = 0 * flop / second, .at_most = exa * flop / second})
          .optional("peak_fp8", &A::peak_fp8, {.doc = "fp8 rate.", .above = 0 * flop / second, .at_most = exa * flop / second})
          .optional("peak_fp4", &A::peak_fp4, {.doc = "fp4 rate.", .above = 0 * flop / second, .at_most = exa * flop / second})
          .optional("peak_int8", &A::peak_int8, {.doc = "int8 rate; operations count as FLOP.", .above = 0 * flop / second, .at_most = exa * flop / second})
          .optional("n_sm", &A::n_sm, {.doc = "Streaming multiprocessors or cores.", .at_least = 1, .at_most = 10000000})
          .required("tdp", &A::tdp, {.doc = "Power limit of the package or board.", .above = 0 * watt, .at_most = 50 * kilo * watt})
          .optional("scale_up_bandwidth", &A::scale_up_bandwidth, {.doc = "Scale-up links of one accelerator, both directions summed.", .above = 0 * byte / second, .at_most = 100 * tera * byte / second})
          .optional("scale_up_domain", &A::scale_up_domain, {.doc = "Accelerators in one scale-up domain.", .at_least = 1, .at_most = 100000})
          .optional("nic_bandwidth", &A::nic_bandwidth, {.doc = "Scale-out network of one accelerator, one direction.", .above = 0 * byte / second, .at_most = 10 * tera * byte / second})
          .optional("price", &A::price, {.doc = "Price of one accelerator.", .above = 0 * usd, .at_most = 10 * mega * usd})
          .optional("manufacturing_cost", &A::manufacturing_cost, {.doc = "Cost of making one.", .above = 0 * usd, .at_most = mega * usd})
          .optional("notes", &A::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

const io::Record<System>& System::record() {
  using S = System;
  static const auto record =
      io::Record<S>("system", "A server or rack of accelerators as it is bought.")
          .required("id", &S::id, {.doc = "Id, vendor first; the file's name."})
          .required("name", &S::name, {.doc = "Name as sold."})
          .required("vendor", &S::vendor, {.doc = "Company id."})
          .required("accelerator", &S::accelerator, {.doc = "Accelerator id."})
          .required("n_accelerators", &S::n_accelerators, {.doc = "Accelerators in the system.", .at_least = 1, .at_most = 100000})
          .optional("rated_power", &S::rated_power, {.doc = "Nameplate power of the whole system.", .above = 0 * watt, .at_most = giga * watt})
          .required("it_power_per_accelerator", &S::it_power_per_accelerator, {.doc = "Nameplate IT power of one accelerator with its share of server and network.", .above = 0 * watt, .at_most = 100 * kilo * watt})
          .required("mean_load_fraction", &S::mean_load_fraction, {.doc = "Mean power over nameplate power in AI work.", .above = 0.0, .at_most = 1.0})
          .optional("price", &S::price, {.doc = "Price of the whole system.", .above = 0 * usd, .at_most = giga * usd})
          .required("server_cost_factor", &S::server_cost_factor, {.doc = "IT cost over accelerator price.", .at_least = 1.0, .at_most = 10.0})
          .optional("fabric", &S::fabric, {.doc = "Fabric id of the scale-up network."})
          .optional("notes", &S::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

}  // namespace waferwatt::catalog
