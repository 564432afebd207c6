// SPDX-License-Identifier: Apache-2.0
#pragma once
// What accelerators are made of: process nodes, advanced packaging, high-bandwidth memory.
#include "waferwatt/catalog/fact.hpp"

namespace waferwatt::catalog {

/// A logic process node of one foundry.
struct ProcessNode {
  std::string id, name, foundry;
  Fact<Date> year;
  Fact<Ramp<DefectDensity>> defect_density;
  std::vector<Vintage<WaferRate>> capacity;
  std::optional<std::string> capacity_of;  ///< node id whose capacity this node shares
  Fact<Ramp<double>> ai_share;             ///< largest fraction of capacity AI accelerators can get
  Fact<WaferPrice> wafer_price;
  Fact<Time> cycle_time;
  std::optional<Fact<EnergyDensity>> energy_per_area;
  std::optional<Fact<CarbonDensity>> gas_per_area, material_per_area;
  std::vector<std::string> notes;

  static const io::Record<ProcessNode>& record();
};

enum class PackagingKind { cowos_s, cowos_l, cowos_r, panel, other };

/// How the yield of a new process rises: from `initial` it nears the mature assembly yield by half in each half_time.
struct Learning {
  Fact<Date> start;
  Fact<double> initial;
  Fact<Time> half_time;

  static const io::Record<Learning>& record();
};

/// One packaging process; it draws wafers from its family's capacity.
struct Packaging {
  std::string id, name, vendor;
  PackagingKind kind = PackagingKind::other;
  std::string family;
  std::optional<Fact<Area>> max_interposer_area;
  Fact<Length> edge_exclusion, street;
  std::optional<Fact<Length>> panel_width, panel_height;  ///< of a square carrier; absent: a 300 mm wafer
  Fact<Time> cycle_time;
  std::optional<Fact<Time>> interposer_time;  ///< the part of the cycle time before dies are attached
  Fact<WaferPrice> wafer_price;
  Fact<Ramp<double>> assembly_yield;          ///< mature, where there is a learning curve
  std::optional<Learning> learning;
  std::optional<Fact<PackagePrice>> assembly_price, test_price;  ///< substrate and assembly; final test
  Fact<Ramp<double>> share_of_family;
  Fact<Time> test_time;
  Fact<double> test_yield;
  std::vector<std::string> notes;

  static const io::Record<Packaging>& record();
};

/// A customer's share of a packaging family, as known at different dates.
struct CustomerShare {
  std::string company;
  std::vector<Vintage<double>> vintages;

  static const io::Record<CustomerShare>& record();
};

struct PackagingFamily {
  std::string id, name, vendor;
  std::vector<Vintage<WaferRate>> capacity;    ///< exit rates of all variants together
  std::vector<Vintage<WaferRate>> outsourced;  ///< on-substrate steps at outsourced assemblers
  std::vector<CustomerShare> customer_shares;
  std::optional<Fact<Time>> conversion_time;   ///< of tools from one process to another; absent: at once
  std::vector<std::string> notes;

  static const io::Record<PackagingFamily>& record();
};

/// One generation of high-bandwidth memory.
struct Memory {
  std::string id, name, generation;
  Fact<std::int64_t> n_layers;
  Fact<DataSize> capacity;
  Fact<Bandwidth> bandwidth;
  Fact<DataSize> die_capacity;
  Fact<Area> die_area;
  Fact<Ramp<double>> die_yield, stack_yield;
  Fact<Time> cycle_time;
  Fact<Ramp<DataPrice>> price;
  Fact<Date> first_volume;
  std::vector<std::string> notes;

  static const io::Record<Memory>& record();
};

/// A maker's memory may go to a customer from this date.
struct Qualification {
  std::string memory, customer;
  Fact<Date> date;

  static const io::Record<Qualification>& record();
};

struct MemoryMaker {
  std::string id, name, vendor;
  std::vector<Vintage<WaferRate>> tsv_capacity;
  std::vector<Qualification> qualified;
  std::vector<std::string> notes;

  static const io::Record<MemoryMaker>& record();
};

/// Where in the flow a further part or step is needed.
enum class Stage { packaging, test, system };

/// Accelerators that need a part, and how many units of it each.
struct PartUse {
  std::vector<std::string> accelerators;
  Fact<double> units;

  static const io::Record<PartUse>& record();
};

/// A further part or step that can bind: substrates, test cells, boards, racks, switches, optics, host CPUs.
struct Part {
  std::string id, name;
  Stage stage = Stage::system;
  bool is_service = false;  ///< a step, such as test: what is not used in a week is lost
  std::vector<Vintage<Frequency>> capacity;
  std::vector<PartUse> uses;
  std::vector<std::string> notes;

  static const io::Record<Part>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::Stage> {
  static constexpr std::array values{std::pair{catalog::Stage::packaging, "packaging"}, std::pair{catalog::Stage::test, "test"},
                                     std::pair{catalog::Stage::system, "system"}};
};
template <> struct EnumTexts<catalog::PackagingKind> {
  static constexpr std::array values{std::pair{catalog::PackagingKind::cowos_s, "cowos-s"}, std::pair{catalog::PackagingKind::cowos_l, "cowos-l"},
                                     std::pair{catalog::PackagingKind::cowos_r, "cowos-r"}, std::pair{catalog::PackagingKind::panel, "panel"},
                                     std::pair{catalog::PackagingKind::other, "other"}};
};
}  // namespace waferwatt::io
