// SPDX-License-Identifier: Apache-2.0
// The records of kind "supply" and the rules that span them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "waferwatt/scenario/supply_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<SupplyHarvest>& SupplyHarvest::record() {
  using H = SupplyHarvest;
  static const auto record = io::Record<H>("supply_harvest", "Units of a die of which some may be defective.")
                                 .required("n_units", &H::n_units, {.doc = "Units on the die.", .at_least = 1, .at_most = 100000})
                                 .required("n_needed", &H::n_needed, {.doc = "Units that must work.", .at_least = 1, .at_most = 100000})
                                 .required("area_fraction", &H::area_fraction, {.doc = "Part of the die that the units cover.", .at_least = 0.0, .at_most = 1.0})
                                 .check([](const H& h, const io::FieldComplaint& complain) {
                                   if (h.n_needed > h.n_units) complain("n_needed", fmt::format("only {} units are on the die", h.n_units));
                                 });
  return record;
}

const io::Record<SupplyProduct>& SupplyProduct::record() {
  using P = SupplyProduct;
  static const auto record =
      io::Record<P>("supply_product", "An accelerator in production.")
          .required("accelerator", &P::accelerator, {.doc = "Accelerator id, or the record itself."})
          .optional("vendor", &P::vendor, {.doc = "Company whose share of the packaging line it uses; absent: the accelerator's vendor."})
          .optional("packaging", &P::packaging, {.doc = "Packaging process id; absent: the accelerator's own."})
          .required("mix", &P::mix, {.doc = "Weight among the vendor's products over time.", .at_least = 0.0, .at_most = 1e6})
          .optional("harvest_fraction", &P::harvest_fraction, {.doc = "Defective dies that can be sold with units switched off.", .at_least = 0.0, .at_most = 1.0})
          .optional("harvest", &P::harvest, {.doc = "Units that may be defective, in place of harvest_fraction."})
          .optional("delivery_time", &P::delivery_time, {.doc = "Tested package to delivery; absent: assembly and shipping.", .at_least = 0 * day, .at_most = 2 * year})
          .optional("orders", &P::orders, {.doc = "Orders over time; absent: sold out.", .at_least = 0 * core::accelerator / month, .at_most = giga * core::accelerator / month});
  return record;
}

const io::Record<SupplyStock>& SupplyStock::record() {
  using S = SupplyStock;
  static const auto record = io::Record<S>("supply_stock", "Parts in store at the start that one customer can use.")
                                 .required("company", &S::company, {.doc = "Company id."})
                                 .optional("memory", &S::memory, {.doc = "Memory id of the stacks."})
                                 .optional("stacks", &S::stacks, {.doc = "HBM stacks in store.", .at_least = 0.0, .at_most = 1e10})
                                 .optional("accelerator", &S::accelerator, {.doc = "Accelerator id of the dies."})
                                 .optional("dies", &S::dies, {.doc = "Good dies in store.", .at_least = 0.0, .at_most = 1e10})
                                 .check([](const S& s, const io::FieldComplaint& complain) {
                                   if (s.stacks > 0 && s.memory.empty()) complain("stacks", "say of which \"memory\" the stacks are");
                                   if (s.dies > 0 && s.accelerator.empty()) complain("dies", "say of which \"accelerator\" the dies are");
                                 });
  return record;
}

const io::Record<SupplyShock>& SupplyShock::record() {
  using S = SupplyShock;
  using Kind = supply::ShockKind;
  static const auto record =
      io::Record<S>("supply_shock", "Something that happens to the chain; planners learn of it on its date.")
          .required("kind", &S::kind, {.doc = "earthquake, power_loss, material_shortage (capacity), yield_excursion, fab_delay (later capacity), trade_stop (a company is not served), ban (an accelerator is not delivered)."})
          .required("date", &S::date, {.doc = "When it strikes."})
          .required("duration", &S::duration, {.doc = "Of the full effect; of the delay.", .at_least = 0 * day, .at_most = 50 * year})
          .optional("recovery", &S::recovery, {.doc = "The effect then fades on a straight line.", .at_least = 0 * day, .at_most = 50 * year})
          .optional("loss", &S::loss, {.doc = "Part of capacity or yield that is lost.", .at_least = 0.0, .at_most = 1.0})
          .optional("scrap", &S::scrap, {.doc = "Part of what is in process that is destroyed.", .at_least = 0.0, .at_most = 1.0})
          .optional("lines", &S::lines, {.doc = "Node, packaging family and memory maker ids; for a yield excursion node, packaging and memory ids."})
          .optional("company", &S::company, {.doc = "Company that a trade stop cuts off."})
          .optional("memory", &S::memory, {.doc = "Memory id that a trade stop is about; absent: all."})
          .optional("accelerator", &S::accelerator, {.doc = "Accelerator that is banned."})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.kind == Kind::ban && s.accelerator.empty()) complain("accelerator", "say which accelerator is banned");
            if (s.kind != Kind::ban && s.lines.empty()) complain("lines", "say which lines are hit");
            if (s.kind == Kind::trade_stop && s.company.empty()) complain("company", "say which company is cut off");
            const bool takes = s.kind == Kind::earthquake || s.kind == Kind::power_loss || s.kind == Kind::material_shortage || s.kind == Kind::yield_excursion || s.kind == Kind::trade_stop;
            if (takes && s.loss <= 0 && s.scrap <= 0) complain("loss", "without a loss or scrap nothing happens");
          });
  return record;
}

const io::Record<SupplyRisk>& SupplyRisk::record() {
  using R = SupplyRisk;
  using Kind = supply::ShockKind;
  static const auto record =
      io::Record<R>("supply_risk", "An event that comes by chance in the draws of monte_carlo, not in the run itself.")
          .required("rate", &R::rate, {.doc = "How often it comes, e.g. \"0.2 1/year\".", .at_least = 0 / core::year, .at_most = 365 / core::year})
          .required("kind", &R::kind, {.doc = "earthquake, power_loss, material_shortage (capacity) or yield_excursion."})
          .required("duration", &R::duration, {.doc = "Of the full effect.", .at_least = 0 * day, .at_most = 50 * core::year})
          .optional("recovery", &R::recovery, {.doc = "The effect then fades on a straight line.", .at_least = 0 * day, .at_most = 50 * core::year})
          .optional("loss", &R::loss, {.doc = "Part of capacity or yield that is lost.", .at_least = 0.0, .at_most = 1.0})
          .optional("scrap", &R::scrap, {.doc = "Part of what is in process that is destroyed.", .at_least = 0.0, .at_most = 1.0})
          .required("lines", &R::lines, {.doc = "Node, packaging family and memory maker ids; for a yield excursion node, packaging and memory ids."})
          .check([](const R& r, const io::FieldComplaint& complain) {
            if (r.kind == Kind::ban || r.kind == Kind::trade_stop || r.kind == Kind::fab_delay) complain("kind", "only what comes by chance has a rate: earthquake, power_loss, material_shortage, yield_excursion");
            if (r.loss <= 0 && r.scrap <= 0) complain("loss", "without a loss or scrap nothing happens");
          });
  return record;
}

const io::Record<SupplyNeed>& SupplyNeed::record() {
  using N = SupplyNeed;
  static const auto record = io::Record<N>("supply_need", "What a buyer can use of one accelerator.")
                                 .required("accelerator", &N::accelerator, {.doc = "Accelerator id; it must be among the products."})
                                 .required("need", &N::need, {.doc = "Over time.", .at_least = 0 * core::accelerator / month, .at_most = giga * core::accelerator / month});
  return record;
}

const io::Record<SupplyBuyer>& SupplyBuyer::record() {
  using B = SupplyBuyer;
  static const auto record =
      io::Record<B>("supply_buyer", "Someone who orders accelerators.")
          .required("name", &B::name, {.doc = "Name in the results."})
          .required("needs", &B::needs, {.doc = "What it can use."})
          .optional("priority", &B::priority, {.doc = "Rank under policy priority; lower is served first.", .at_least = 0.0, .at_most = 1e6})
          .optional("share", &B::share, {.doc = "Weight of its agreement under policy agreement.", .at_least = 0.0, .at_most = 1e6})
          .optional("prepaid", &B::prepaid, {.doc = "Money paid ahead: its weight under policy prepayment.", .at_least = 0 * usd, .at_most = 10 * tera * usd})
          .optional("bid", &B::bid, {.doc = "What it offers for one accelerator under policy auction.", .at_least = 0 * usd, .at_most = 10 * mega * usd})
          .check([](const B& b, const io::FieldComplaint& complain) {
            if (b.needs.empty()) complain("needs", "give at least one");
          });
  return record;
}

const io::Record<SupplyOrdering>& SupplyOrdering::record() {
  using O = SupplyOrdering;
  static const auto record =
      io::Record<O>("supply_ordering", "How buyers order, and who of them is served.")
          .optional("double_ordering", &O::double_ordering, {.doc = "Part by which orders are inflated for each lead time of extra wait.", .at_least = 0.0, .at_most = 10.0})
          .optional("largest_inflation", &O::largest_inflation, {.doc = "Most that is added, as a part of the need.", .at_least = 0.0, .at_most = 100.0})
          .optional("cancellation", &O::cancellation, {.doc = "Part of what is ordered too much that is cancelled in a week.", .at_least = 0.0, .at_most = 1.0})
          .optional("policy", &O::policy, {.doc = "Who gets what is delivered: pro_rata (by open orders), priority, agreement (by share), prepayment (by money paid ahead), auction (by bid)."});
  return record;
}

const io::Record<SupplyExpansion>& SupplyExpansion::record() {
  using X = SupplyExpansion;
  static const auto record =
      io::Record<X>("supply_expansion", "A decision to build capacity, on a date or by rule.")
          .required("line", &X::line, {.doc = "Node, packaging family or memory maker id, or \"<family>-on-substrate\" for those steps alone."})
          .optional("decided", &X::decided, {.doc = "Date of the decision; absent: whenever the line decided more than threshold of the starts over the review."})
          .optional("threshold", &X::threshold, {.doc = "Part of the package starts that the line decided.", .at_least = 0.0, .at_most = 1.0})
          .optional("review", &X::review, {.doc = "Time over which the rule looks back.", .above = 0 * day, .at_most = 10 * year})
          .optional("build", &X::build, {.doc = "Fab build id: the region's time to build, the lead time of tools, ramp and capital cost."})
          .optional("build_time", &X::build_time, {.doc = "Decision to first output: shell, tools, qualification; absent: that of the build.", .at_least = 0 * day, .at_most = 20 * year})
          .optional("ramp_time", &X::ramp_time, {.doc = "First to full output; absent: that of the build, or at once.", .at_least = 0 * day, .at_most = 20 * year})
          .required("capacity", &X::capacity, {.doc = "Added at full output.", .above = 0 * wafer / month, .at_most = 1e7 * wafer / month})
          .optional("capital_cost", &X::capital_cost, {.doc = "Of one project; absent: that of the build, or nothing.", .at_least = 0 * usd, .at_most = 10 * tera * usd})
          .optional("max_projects", &X::max_projects, {.doc = "Most projects that the rule starts.", .at_least = 1, .at_most = 1000})
          .check([](const X& x, const io::FieldComplaint& complain) {
            if (x.build.empty() && !x.build_time) complain("", "give \"build\" (a fab build id) or \"build_time\"");
          });
  return record;
}

const io::Record<SupplyAllocation>& SupplyAllocation::record() {
  using A = SupplyAllocation;
  static const auto record =
      io::Record<A>("supply_allocation", "Who gets a packaging line's wafers when they do not suffice.")
          .required("line", &A::line, {.doc = "Packaging family id."})
          .required("policy", &A::policy, {.doc = "agreement: shares, idle ones are lost; release: idle shares go to others; pro_rata: by what could be used; priority: by the order of priority; prepayment: by money paid ahead; auction: the highest bid first."})
          .optional("priority", &A::priority, {.doc = "Company ids, first served first."})
          .optional("prepaid", &A::prepaid, {.doc = "Money paid ahead, by company id.", .at_least = 0 * usd, .at_most = 10 * tera * usd})
          .optional("bids", &A::bids, {.doc = "What a wafer is worth to a company, by its id.", .at_least = 0 * usd / wafer, .at_most = giga * usd / wafer})
          .check([](const A& a, const io::FieldComplaint& complain) {
            using supply::Allocation;
            const auto only_with = [&](Allocation policy, bool is_given, std::string_view key) {
              if ((a.policy == policy) != is_given) complain(key, fmt::format("give it with policy \"{}\", and only then", io::enum_text(policy)));
            };
            only_with(Allocation::priority, !a.priority.empty(), "priority");
            only_with(Allocation::prepayment, !a.prepaid.empty(), "prepaid");
            only_with(Allocation::auction, !a.bids.empty(), "bids");
          });
  return record;
}

const io::Record<SupplyScenario>& SupplyScenario::record() {
  using S = SupplyScenario;
  static const auto record =
      io::Record<S>("supply", "What the chain from wafers to systems delivers, and what limits it.")
          .required("start", &S::start, {.doc = "First day reported."})
          .required("end", &S::end, {.doc = "Day after the last one."})
          .required("known_at", &S::known_at, {.doc = "Forecasts are those known at this date."})
          .optional("warm_up", &S::warm_up, {.doc = "Simulated before the start, to fill the pipeline.", .at_least = 0 * day, .at_most = 10 * year})
          .required("products", &S::products, {.doc = "What is made."})
          .optional("assembly_time", &S::assembly_time, {.doc = "Tested package to system.", .at_least = 0 * day, .at_most = 2 * year})
          .optional("shipping_time", &S::shipping_time, {.doc = "System to owner.", .at_least = 0 * day, .at_most = 1 * year})
          .optional("stocks", &S::stocks, {.doc = "Parts in store at the start of the warm-up."})
          .optional("shocks", &S::shocks, {.doc = "Things that happen to the chain."})
          .optional("expansions", &S::expansions, {.doc = "Decisions to build capacity beyond the catalog's plans."})
          .optional("allocation", &S::allocation, {.doc = "Who gets the wafers of packaging lines; absent: agreement."})
          .optional("forecast_error", &S::forecast_error, {.doc = "Standard deviation of the logarithm of capacity one year after known_at, for monte_carlo.", .at_least = 0.0, .at_most = 3.0})
          .optional("mix_error", &S::mix_error, {.doc = "Standard deviation of the logarithm of a product's weight in its vendor's mix, for monte_carlo.", .at_least = 0.0, .at_most = 3.0})
          .optional("parts", &S::parts, {.doc = "Ids of further parts and steps that may bind; absent: all of the catalog that the products need; []: none."})
          .optional("risks", &S::risks, {.doc = "Events that come by chance in the draws of monte_carlo."})
          .optional("buyers", &S::buyers, {.doc = "Who orders what; products that nobody orders are sold out."})
          .optional("ordering", &S::ordering, {.doc = "How buyers order, and who of them is served."})
          .optional("without", &S::without, {.doc = "Compare with the same chain without these: shocks, expansions, allocation, stocks, other_packaging (products whose packaging is not their own)."})
          .optional("die_yield", &S::die_yield, {.doc = "How the yield of dies follows from their defects, on all nodes; absent: as each node says."})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.end <= s.start) complain("end", fmt::format("must come after the start, {}", s.start.text()));
            if (s.end - s.start > 50 * year) complain("end", "at most 50 years are simulated");
            if (s.products.empty()) complain("products", "give at least one product");
          });
  return record;
}

}  // namespace waferwatt::scenario
