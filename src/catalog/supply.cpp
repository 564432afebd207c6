// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/supply.hpp"

#include <fmt/format.h>

#include <set>

namespace waferwatt::catalog {
namespace {

template <class T>
void check_vintages(const std::vector<Vintage<T>>& vintages, std::string_view key, const io::FieldComplaint& complain) {
  for (std::size_t i = 1; i < vintages.size(); ++i)
    if (vintages[i].vintage <= vintages[i - 1].vintage)
      complain(key, "vintages must rise: " + vintages[i].vintage.text() + " comes after " + vintages[i - 1].vintage.text());
  for (const auto& vintage : vintages)
    for (const auto& [date, value] : vintage.series->points())
      if (value < T{}) complain(key, "must not be negative, as it is at " + date.text());
}

/// The shares known at each vintage must not come to more than 1 at any date.
void check_share_sums(const PackagingFamily& family, const io::FieldComplaint& complain) {
  std::set<Date> vintages, dates;
  for (const auto& share : family.customer_shares)
    for (const auto& vintage : share.vintages) {
      vintages.insert(vintage.vintage);
      for (const auto& [date, value] : vintage.series->points()) dates.insert(date);
    }
  for (const Date vintage : vintages)
    for (const Date date : dates) {
      double sum = 0;
      for (const auto& share : family.customer_shares) sum += known_at(share.vintages, vintage).at(date);
      if (sum > 1 + 1e-6) {
        complain("customer_shares", fmt::format("the shares known in {} sum to {:.3g} at {}; they may not exceed 1", vintage.text(), sum, date.text()));
        return;
      }
    }
}

}  // namespace

const io::Record<DieYield>& DieYield::record() {
  using Y = DieYield;
  static const auto record = io::Record<Y>("die_yield", "A model of the yield of dies.")
                                 .required("model", &Y::model, {.doc = "poisson, murphy, seeds, negative-binomial or bose-einstein."})
                                 .optional("clustering", &Y::clustering, {.doc = "Of defects, for negative-binomial: 1 is seeds, a large number poisson.", .above = 0.0, .at_most = 1e6})
                                 .optional("critical_layers", &Y::critical_layers, {.doc = "Layers whose defects kill, for bose-einstein; the density of defects is then that of one layer.", .at_least = 1, .at_most = 1000});
  return record;
}

const io::Record<DefectLearning>& DefectLearning::record() {
  using L = DefectLearning;
  static const auto record = io::Record<L>("defect_learning", "A learning curve of the density of defects.")
                                 .required("start", &L::start, {.doc = "From when it falls."})
                                 .required("initial", &L::initial, {.doc = "Density at the start.", .above = 0 / square_centimetre, .at_most = 10 / square_centimetre})
                                 .required("half_time", &L::half_time, {.doc = "Time in which the gap to the mature density halves.", .above = 0 * day, .at_most = 20 * core::year});
  return record;
}

DefectDensity ProcessNode::defects_at(Date date) const {
  const DefectDensity mature = defect_density->at(date);
  if (!learning) return mature;
  return learned(std::max(learning->initial.value, mature), mature, date - learning->start.value, learning->half_time.value);
}

const io::Record<ProcessNode>& ProcessNode::record() {
  using N = ProcessNode;
  static const auto record =
      io::Record<N>("process_node", "A logic process node of a foundry.")
          .required("id", &N::id, {.doc = "Id, foundry first; the file's name."})
          .required("name", &N::name, {.doc = "Name of the node."})
          .required("foundry", &N::foundry, {.doc = "Company id."})
          .required("year", &N::year, {.doc = "Start of volume production."})
          .required("defect_density", &N::defect_density, {.doc = "Killer defects per area over time; mature, where there is a learning curve.", .at_least = 0 / square_centimetre, .at_most = 10 / square_centimetre})
          .optional("learning", &N::learning, {.doc = "How the defects of a new node fall."})
          .optional("die_yield", &N::die_yield, {.doc = "How the yield of a die follows from its defects; absent: negative binomial with clustering 3."})
          .optional("capacity", &N::capacity, {.doc = "Wafer starts, by date of the forecast."})
          .optional("capacity_of", &N::capacity_of, {.doc = "Node id whose capacity this node shares."})
          .required("ai_share", &N::ai_share, {.doc = "Largest fraction of the capacity AI accelerators can obtain.", .at_least = 0.0, .at_most = 1.0})
          .required("wafer_price", &N::wafer_price, {.doc = "Price of a processed wafer.", .above = 0 * usd / wafer, .at_most = mega * usd / wafer})
          .required("cycle_time", &N::cycle_time, {.doc = "Wafer start to tested wafer.", .above = 0 * day, .at_most = core::year})
          .optional("energy_per_area", &N::energy_per_area, {.doc = "Fab electricity per wafer area.", .at_least = 0 * kilo * watt_hour / square_centimetre, .at_most = 1000 * kilo * watt_hour / square_centimetre})
          .optional("gas_per_area", &N::gas_per_area, {.doc = "Process gases as CO2e per wafer area.", .at_least = 0 * kg_co2e / square_centimetre, .at_most = 1000 * kg_co2e / square_centimetre})
          .optional("material_per_area", &N::material_per_area, {.doc = "Materials as CO2e per wafer area.", .at_least = 0 * kg_co2e / square_centimetre, .at_most = 1000 * kg_co2e / square_centimetre})
          .optional("notes", &N::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const N& n, const io::FieldComplaint& complain) {
            if (n.capacity.empty() && !n.capacity_of) complain("", "give \"capacity\" or \"capacity_of\"");
            check_vintages(n.capacity, "capacity", complain);
          });
  return record;
}

const io::Record<Learning>& Learning::record() {
  using L = Learning;
  static const auto record = io::Record<L>("learning", "A learning curve of a yield.")
                                 .required("start", &L::start, {.doc = "First volume."})
                                 .required("initial", &L::initial, {.doc = "Yield at the start.", .above = 0.0, .at_most = 1.0})
                                 .required("half_time", &L::half_time, {.doc = "Time in which the gap to the mature yield halves.", .above = 0 * day, .at_most = 20 * core::year});
  return record;
}

const io::Record<Packaging>& Packaging::record() {
  using P = Packaging;
  static const auto record =
      io::Record<P>("packaging", "A 2.5D packaging process.")
          .required("id", &P::id, {.doc = "Id, vendor first; the file's name."})
          .required("name", &P::name, {.doc = "Name of the process."})
          .required("vendor", &P::vendor, {.doc = "Company id."})
          .required("kind", &P::kind, {.doc = "Kind of interposer."})
          .required("family", &P::family, {.doc = "Packaging family id whose capacity it draws on."})
          .optional("max_interposer_area", &P::max_interposer_area, {.doc = "Largest interposer in volume.", .above = 0 * square_millimetre, .at_most = metre * metre})
          .required("edge_exclusion", &P::edge_exclusion, {.doc = "Unused rim of the wafer.", .at_least = 0 * metre, .at_most = 50 * millimetre})
          .required("street", &P::street, {.doc = "Gap between interposers.", .at_least = 0 * metre, .at_most = 10 * millimetre})
          .required("cycle_time", &P::cycle_time, {.doc = "Interposer wafer start to assembled package.", .above = 0 * day, .at_most = core::year})
          .optional("panel_width", &P::panel_width, {.doc = "Width of the panel that takes the wafer's place; capacities then count panels.", .above = 0 * metre, .at_most = 1 * metre})
          .optional("panel_height", &P::panel_height, {.doc = "Height of the panel.", .above = 0 * metre, .at_most = 1 * metre})
          .optional("interposer_time", &P::interposer_time, {.doc = "Part of the cycle time before dies and stacks are attached; capacity is counted where they are attached.", .at_least = 0 * day, .at_most = core::year})
          .required("wafer_price", &P::wafer_price, {.doc = "Price of a packaging wafer.", .above = 0 * usd / wafer, .at_most = mega * usd / wafer})
          .required("assembly_yield", &P::assembly_yield, {.doc = "Good packages out of assembly over time; mature, where there is a learning curve.", .above = 0.0, .at_most = 1.0})
          .optional("learning", &P::learning, {.doc = "How the assembly yield of a new process rises."})
          .optional("assembly_price", &P::assembly_price, {.doc = "Substrate and assembly of one package, without the interposer.", .at_least = 0 * usd / package, .at_most = mega * usd / package})
          .optional("test_price", &P::test_price, {.doc = "Final test of one package.", .at_least = 0 * usd / package, .at_most = mega * usd / package})
          .required("share_of_family", &P::share_of_family, {.doc = "Fraction of the family's wafers.", .at_least = 0.0, .at_most = 1.0})
          .required("test_time", &P::test_time, {.doc = "Assembled package to tested package.", .at_least = 0 * day, .at_most = core::year})
          .required("test_yield", &P::test_yield, {.doc = "Packages that pass final test.", .above = 0.0, .at_most = 1.0})
          .optional("notes", &P::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const P& p, const io::FieldComplaint& complain) {
            if (p.panel_width.has_value() != p.panel_height.has_value()) complain("panel_width", "give both \"panel_width\" and \"panel_height\", or neither");
            if (p.interposer_time && p.interposer_time->value > p.cycle_time.value) complain("interposer_time", "must not exceed the cycle_time it is a part of");
          });
  return record;
}

const io::Record<CustomerShare>& CustomerShare::record() {
  using C = CustomerShare;
  static const auto record =
      io::Record<C>("customer_share", "A customer's share of a packaging family.")
          .required("company", &C::company, {.doc = "Company id of the customer."})
          .required("vintages", &C::vintages, {.doc = "Share of capacity over time, by date of the forecast."})
          .check([](const C& c, const io::FieldComplaint& complain) {
            if (c.vintages.empty()) complain("vintages", "give at least one vintage");
            check_vintages(c.vintages, "vintages", complain);
            for (const auto& vintage : c.vintages)
              for (const auto& [date, share] : vintage.series->points())
                if (share < 0 || share > 1) complain("vintages", "a share must lie between 0 and 1, got " + std::to_string(share) + " at " + date.text());
          });
  return record;
}

const io::Record<PackagingFamily>& PackagingFamily::record() {
  using F = PackagingFamily;
  static const auto record =
      io::Record<F>("packaging_family", "Packaging capacity that several processes share.")
          .required("id", &F::id, {.doc = "Id, vendor first; the file's name."})
          .required("name", &F::name, {.doc = "Name of the family."})
          .required("vendor", &F::vendor, {.doc = "Company id."})
          .required("capacity", &F::capacity, {.doc = "Wafer rate of all variants, by date of the forecast."})
          .optional("outsourced", &F::outsourced, {.doc = "On-substrate steps at outsourced assemblers."})
          .optional("customer_shares", &F::customer_shares, {.doc = "Who gets which share of the capacity."})
          .optional("conversion_time", &F::conversion_time, {.doc = "Time to convert tools from one process of the family to another; absent: at once.", .at_least = 0 * day, .at_most = 5 * core::year})
          .optional("notes", &F::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const F& f, const io::FieldComplaint& complain) {
            if (f.capacity.empty()) complain("capacity", "give at least one vintage");
            check_vintages(f.capacity, "capacity", complain);
            check_vintages(f.outsourced, "outsourced", complain);
            check_share_sums(f, complain);
          });
  return record;
}

const io::Record<Memory>& Memory::record() {
  using M = Memory;
  static const auto record =
      io::Record<M>("memory", "A generation of high-bandwidth memory.")
          .required("id", &M::id, {.doc = "Id; the file's name."})
          .required("name", &M::name, {.doc = "Name of the part."})
          .required("generation", &M::generation, {.doc = "Generation, e.g. HBM3E."})
          .required("n_layers", &M::n_layers, {.doc = "DRAM dies in a stack.", .at_least = 1, .at_most = 64})
          .required("capacity", &M::capacity, {.doc = "Capacity of a stack.", .above = 0 * byte, .at_most = tera * byte})
          .required("bandwidth", &M::bandwidth, {.doc = "Bandwidth of a stack.", .above = 0 * byte / second, .at_most = 100 * tera * byte / second})
          .required("die_capacity", &M::die_capacity, {.doc = "Capacity of one DRAM die.", .above = 0 * byte, .at_most = tera * byte})
          .required("die_area", &M::die_area, {.doc = "Area of one DRAM die.", .above = 0 * square_millimetre, .at_most = 1000 * square_millimetre})
          .required("die_yield", &M::die_yield, {.doc = "Good DRAM dies over time.", .above = 0.0, .at_most = 1.0})
          .required("bond_yield", &M::bond_yield, {.doc = "Good bonds of one layer over time; a stack is good when all of its layers are.", .above = 0.0, .at_most = 1.0})
          .required("cycle_time", &M::cycle_time, {.doc = "DRAM wafer start to tested stack.", .above = 0 * day, .at_most = 2 * core::year})
          .required("price", &M::price, {.doc = "Price per capacity over time.", .above = 0 * usd / byte, .at_most = 1000 * usd / (giga * byte)})
          .required("first_volume", &M::first_volume, {.doc = "Start of volume production."})
          .optional("notes", &M::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

const io::Record<Qualification>& Qualification::record() {
  using Q = Qualification;
  static const auto record = io::Record<Q>("qualification", "A maker's memory passes a customer's qualification.")
                                 .required("memory", &Q::memory, {.doc = "Memory id."})
                                 .required("customer", &Q::customer, {.doc = "Company id."})
                                 .required("date", &Q::date, {.doc = "From when it may be delivered."});
  return record;
}

const io::Record<MemoryMaker>& MemoryMaker::record() {
  using M = MemoryMaker;
  static const auto record =
      io::Record<M>("memory_maker", "A maker of high-bandwidth memory.")
          .required("id", &M::id, {.doc = "Id; the file's name."})
          .required("name", &M::name, {.doc = "Name of the line."})
          .required("vendor", &M::vendor, {.doc = "Company id."})
          .required("tsv_capacity", &M::tsv_capacity, {.doc = "DRAM wafers with through-silicon vias, by date of the forecast."})
          .optional("qualified", &M::qualified, {.doc = "Which memory may go to which customer from when."})
          .optional("notes", &M::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const M& m, const io::FieldComplaint& complain) {
            if (m.tsv_capacity.empty()) complain("tsv_capacity", "give at least one vintage");
            check_vintages(m.tsv_capacity, "tsv_capacity", complain);
          });
  return record;
}

const io::Record<PartUse>& PartUse::record() {
  using U = PartUse;
  static const auto record = io::Record<U>("part_use", "Accelerators that need a part.")
                                 .required("accelerators", &U::accelerators, {.doc = "Accelerator ids."})
                                 .required("units", &U::units, {.doc = "Units of the part in one accelerator's system.", .above = 0.0, .at_most = 1e6});
  return record;
}

const io::Record<Part>& Part::record() {
  using P = Part;
  static const auto record =
      io::Record<P>("part", "A further part or step that can bind.")
          .required("id", &P::id, {.doc = "Id; the file's name."})
          .required("name", &P::name, {.doc = "Name of the part or step."})
          .required("stage", &P::stage, {.doc = "Where in the flow it is needed: packaging, test or system."})
          .optional("is_service", &P::is_service, {.doc = "A step, such as test: what is not used in a week is lost."})
          .required("capacity", &P::capacity, {.doc = "Units over time, by date of the forecast."})
          .required("uses", &P::uses, {.doc = "Which accelerators need it."})
          .optional("notes", &P::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const P& p, const io::FieldComplaint& complain) {
            if (p.capacity.empty()) complain("capacity", "give at least one vintage");
            check_vintages(p.capacity, "capacity", complain);
          });
  return record;
}

const io::Record<FabBuild>& FabBuild::record() {
  using B = FabBuild;
  static const auto record =
      io::Record<B>("fab_build", "How long a maker in a region takes to add capacity, and what it costs.")
          .required("id", &B::id, {.doc = "Id; the file's name."})
          .required("name", &B::name, {.doc = "What is built, where."})
          .required("region", &B::region, {.doc = "Part of the world."})
          .required("kind", &B::kind, {.doc = "logic, packaging or memory."})
          .required("construction_time", &B::construction_time, {.doc = "Decision to a hall that is ready for tools: permits, shell, utilities.", .at_least = 0 * day, .at_most = 20 * core::year})
          .required("equipment_lead_time", &B::equipment_lead_time, {.doc = "Order to delivery of the tools that come last; they are ordered with the decision.", .at_least = 0 * day, .at_most = 20 * core::year})
          .required("installation_time", &B::installation_time, {.doc = "Last tools in the hall to first output.", .at_least = 0 * day, .at_most = 10 * core::year})
          .required("ramp_time", &B::ramp_time, {.doc = "First to full output.", .at_least = 0 * day, .at_most = 10 * core::year})
          .required("capital_cost", &B::capital_cost, {.doc = "Of one wafer a month.", .above = 0 * usd / (wafer / month), .at_most = giga * usd / (wafer / month)})
          .optional("notes", &B::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

}  // namespace waferwatt::catalog
