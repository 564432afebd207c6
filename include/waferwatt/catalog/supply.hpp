// SPDX-License-Identifier: Apache-2.0
#pragma once
// What accelerators are made of: process nodes, advanced packaging, high-bandwidth memory, and how fast more of it is built.
#include <algorithm>
#include <cmath>

#include "waferwatt/catalog/fact.hpp"

namespace waferwatt::catalog {

/// From `initial` at `start` half of the way to `final` in each half time; flat before. (10) of supply/yield.hpp
template <class T>
T learned(T initial, T final, Time since_start, Time half_time) {
  return final - (final - initial) * std::exp2(-(std::max(since_start, Time{}) / half_time));
}

/// How the yield of a die follows from its area and the density of defects: (1) to (4) and (6) of supply/yield.hpp.
enum class YieldModel { poisson, murphy, seeds, negative_binomial, bose_einstein };

struct DieYield {
  YieldModel model = YieldModel::negative_binomial;
  double clustering = 3;             ///< of the negative binomial model; 2 to 3 is the industry's default
  std::int64_t critical_layers = 1;  ///< of the Bose-Einstein model, whose density is that of one layer

  static const io::Record<DieYield>& record();
};

/// How the defects of a new node fall: from `initial` they near the mature density by half in each half_time.
struct DefectLearning {
  Fact<Date> start;
  Fact<DefectDensity> initial;
  Fact<Time> half_time;

  static const io::Record<DefectLearning>& record();
};

/// A logic process node of one foundry.
struct ProcessNode {
  std::string id, name, foundry;
  Fact<Date> year;
  Fact<Ramp<DefectDensity>> defect_density;  ///< mature, where there is a learning curve
  std::optional<DefectLearning> learning;
  std::optional<DieYield> die_yield;         ///< absent: negative binomial with clustering 3
  std::vector<Vintage<WaferRate>> capacity;
  std::optional<std::string> capacity_of;  ///< node id whose capacity this node shares
  Fact<Ramp<double>> ai_share;             ///< largest fraction of capacity AI accelerators can get
  Fact<WaferPrice> wafer_price;
  Fact<Time> cycle_time;
  std::optional<Fact<EnergyDensity>> energy_per_area;
  std::optional<Fact<CarbonDensity>> gas_per_area, material_per_area;
  std::vector<std::string> notes;

  /// Killer defects per area at a date, the learning curve included.
  DefectDensity defects_at(Date date) const;

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
  Fact<Ramp<double>> die_yield;
  Fact<Ramp<double>> bond_yield;  ///< of one layer; a stack is good when all of its layers are
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

enum class FabKind { logic, packaging, memory };
using CapacityPrice = decltype(usd / (wafer / month));

/// How long a maker in a region takes from the decision to build to full output, and what it costs.
struct FabBuild {
  std::string id, name, region;
  FabKind kind = FabKind::logic;
  Fact<Time> construction_time;    ///< permits, shell and utilities: decision to a hall that is ready for tools
  Fact<Time> equipment_lead_time;  ///< of the tools that come last, ordered with the decision
  Fact<Time> installation_time;    ///< last tools in the hall to first output
  Fact<Time> ramp_time;            ///< first to full output
  Fact<CapacityPrice> capital_cost;
  std::vector<std::string> notes;

  /// Decision to first output: tools wait for the hall, or the hall for tools.
  Time build_time() const { return std::max(construction_time.value, equipment_lead_time.value) + installation_time.value; }

  static const io::Record<FabBuild>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::YieldModel> {
  static constexpr std::array values{std::pair{catalog::YieldModel::poisson, "poisson"}, std::pair{catalog::YieldModel::murphy, "murphy"},
                                     std::pair{catalog::YieldModel::seeds, "seeds"},
                                     std::pair{catalog::YieldModel::negative_binomial, "negative-binomial"},
                                     std::pair{catalog::YieldModel::bose_einstein, "bose-einstein"}};
};
template <> struct EnumTexts<catalog::FabKind> {
  static constexpr std::array values{std::pair{catalog::FabKind::logic, "logic"}, std::pair{catalog::FabKind::packaging, "packaging"},
                                     std::pair{catalog::FabKind::memory, "memory"}};
};
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
