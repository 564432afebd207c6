// SPDX-License-Identifier: Apache-2.0
// The records of kind "world" and the rules that span them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "waferwatt/scenario/world_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<WorldProduct>& WorldProduct::record() {
  using P = WorldProduct;
  static const auto record =
      io::Record<P>("world_product", "An accelerator in production and on sale.")
          .required("accelerator", &P::accelerator, {.doc = "Accelerator id, or the record itself."})
          .optional("vendor", &P::vendor, {.doc = "Company whose share of the packaging line it uses; absent: the accelerator's vendor."})
          .required("mix", &P::mix, {.doc = "Weight among the vendor's products over time.", .at_least = 0.0, .at_most = 1e6})
          .optional("harvest_fraction", &P::harvest_fraction, {.doc = "Defective dies that can be sold with units switched off.", .at_least = 0.0, .at_most = 1.0})
          .optional("price", &P::price, {.doc = "Price of one; absent: the catalog's.", .above = 0 * usd, .at_most = 10 * mega * usd})
          .optional("only_to", &P::only_to, {.doc = "Buyers it may be sold to; absent: everyone."})
          .optional("not_to", &P::not_to, {.doc = "Buyers it may not be sold to."});
  return record;
}

const io::Record<WorldFleet>& WorldFleet::record() {
  using F = WorldFleet;
  static const auto record =
      io::Record<F>("world_fleet", "Accelerators that are on at the start.")
          .required("accelerator", &F::accelerator, {.doc = "Accelerator id; it must be among the products."})
          .required("n_accelerators", &F::n_accelerators, {.doc = "How many.", .at_least = 0.0, .at_most = 1e9})
          .required("delivered", &F::delivered, {.doc = "When they came, on average: their service life counts from then."});
  return record;
}

const io::Record<WorldPowerDelay>& WorldPowerDelay::record() {
  using D = WorldPowerDelay;
  static const auto record =
      io::Record<D>("world_power_delay", "How late power comes that was planned at known_at: lognormal, each owner and each site for itself.")
          .optional("median", &D::median, {.doc = "Median delay.", .at_least = 0 * day, .at_most = 30 * year})
          .optional("sigma", &D::sigma, {.doc = "Standard deviation of the delay's logarithm.", .at_least = 0.0, .at_most = 3.0});
  return record;
}

const io::Record<WorldEconomics>& WorldEconomics::record() {
  using E = WorldEconomics;
  static const auto record =
      io::Record<E>("world_economics", "What capital and operation cost.")
          .optional("discount_rate", &E::discount_rate, {.doc = "Cost of capital a year.", .at_least = 0.0, .at_most = 1.0})
          .optional("operations_fraction", &E::operations_fraction, {.doc = "Operation and maintenance a year over IT cost.", .at_least = 0.0, .at_most = 1.0})
          .optional("it_life", &E::it_life, {.doc = "Depreciation of accelerators and servers.", .above = 0 * day, .at_most = 50 * year})
          .optional("building_life", &E::building_life, {.doc = "Depreciation of buildings and power.", .above = 0 * day, .at_most = 100 * year})
          .optional("service_life", &E::service_life, {.doc = "Accelerators are taken out at this age.", .above = 0 * day, .at_most = 50 * year})
          .optional("budget_response", &E::budget_response, {.doc = "While rents do not pay for new capacity, budgets are cut to (rent / cost)^this.", .at_least = 0.0, .at_most = 10.0})
          .optional("patience", &E::patience, {.doc = "Money that found nothing to buy for so long lapses.", .above = 0 * day, .at_most = 50 * year})
          .optional("power_wait_limit", &E::power_wait_limit, {.doc = "A buyer whose chips wait for power holds back a part of its money: their worth over so much of its budget.", .above = 0 * day, .at_most = 50 * year})
          .optional("building_cost", &E::building_cost, {.doc = "Building, power and cooling per facility power.", .at_least = 0 * usd / watt, .at_most = 1000 * usd / watt});
  return record;
}

const io::Record<WorldUncertainty>& WorldUncertainty::record() {
  using U = WorldUncertainty;
  static const auto record =
      io::Record<U>("world_uncertainty", "How wrong forecasts may be: standard deviations of the logarithm a year after known_at; they grow as the root of time.")
          .optional("supply", &U::supply, {.doc = "Of capacities of the chain.", .at_least = 0.0, .at_most = 3.0})
          .optional("demand", &U::demand, {.doc = "Of tokens and training asked for.", .at_least = 0.0, .at_most = 3.0})
          .optional("budgets", &U::budgets, {.doc = "Of buyers' budgets.", .at_least = 0.0, .at_most = 3.0})
          .optional("power", &U::power, {.doc = "Of buyers' energised power.", .at_least = 0.0, .at_most = 3.0});
  return record;
}

const io::Record<WorldProject>& WorldProject::record() {
  using P = WorldProject;
  static const auto record =
      io::Record<P>("world_project", "A model that someone wants trained.")
          .required("name", &P::name, {.doc = "Name in the results."})
          .optional("buyer", &P::buyer, {.doc = "Buyer whose fleet trains it; absent: everyone's."})
          .required("work", &P::work, {.doc = "Training work with the methods of \"reference\".", .above = 0 * flop, .at_most = 1e33 * flop})
          .optional("reference", &P::reference, {.doc = "Date of the methods; absent: the start."})
          .optional("progress", &P::progress, {.doc = "Better methods and data halve the work in this time; absent: they do not.", .above = 0 * day, .at_most = 100 * year})
          .required("start", &P::start, {.doc = "First day of training."})
          .optional("deadline", &P::deadline, {.doc = "When it should be done."})
          .optional("largest_share", &P::largest_share, {.doc = "Of the fleet's training that it may take.", .above = 0.0, .at_most = 1.0})
          .check([](const P& p, const io::FieldComplaint& complain) {
            if (p.deadline && *p.deadline <= p.start) complain("deadline", fmt::format("must come after the start, {}", p.start.text()));
          });
  return record;
}

const io::Record<WorldScenario>& WorldScenario::record() {
  using W = WorldScenario;
  static const auto record =
      io::Record<W>("world", "Supply, buyers, power and tokens over years.")
          .required("start", &W::start, {.doc = "First day reported."})
          .required("end", &W::end, {.doc = "Day after the last one."})
          .required("known_at", &W::known_at, {.doc = "Forecasts are those known at this date."})
          .optional("warm_up", &W::warm_up, {.doc = "Supply simulated before the start, to fill the pipeline.", .at_least = 0 * day, .at_most = 10 * year})
          .required("products", &W::products, {.doc = "What is made and sold."})
          .optional("stocks", &W::stocks, {.doc = "Parts in store at the start of the warm-up."})
          .optional("shocks", &W::shocks, {.doc = "What happens to the chain on days nobody planned for."})
          .optional("expansions", &W::expansions, {.doc = "Capacity decided on during the run."})
          .optional("parts", &W::parts, {.doc = "Further parts that may bind; absent: all of the catalog that the products need."})
          .optional("policies", &W::policies, {.doc = "Rules of states: policy ids, or the records themselves."})
          .required("buyers", &W::buyers, {.doc = "Who buys."})
          .required("demand", &W::demand, {.doc = "What the fleet is for."})
          .optional("economics", &W::economics, {.doc = "What it costs."})
          .optional("power_delay", &W::power_delay, {.doc = "How late planned power comes."})
          .optional("projects", &W::projects, {.doc = "Models that someone wants trained."})
          .optional("uncertainty", &W::uncertainty, {.doc = "How wrong forecasts may be."})
          .optional("other_load", &W::other_load, {.doc = "Mean power of datacentres beside the accelerators, by region; \"world\" is all.", .at_least = 0 * watt, .at_most = tera * watt})
          .optional("vendor_systems", &W::vendor_systems, {.doc = "What a vendor earns with networks, boards and software beside its accelerators, over time, as a part of their price; it comes out of the servers' cost.", .at_least = 0.0, .at_most = 5.0})
          .optional("power_scale", &W::power_scale, {.doc = "Multiplies the power of all buyers, over time.", .at_least = 0.0, .at_most = 1000.0})
          .optional("budget_scale", &W::budget_scale, {.doc = "Multiplies the budgets of all buyers, over time.", .at_least = 0.0, .at_most = 1000.0})
          .optional("certainty_draws", &W::certainty_draws, {.doc = "Draws in which marginal values are computed again, to say how sure they are.", .at_least = 0, .at_most = 1000})
          .optional("draw", &W::draw, {.doc = "Which draw of the uncertain values; 0: the values themselves. A sweep over it is a Monte Carlo that can be resumed.", .at_least = 0, .at_most = 1000000})
          .optional("marginal_step", &W::marginal_step, {.doc = "Step by which each resource is raised for its marginal value; 0: not computed.", .at_least = 0.0, .at_most = 10.0})
          .check([](const W& w, const io::FieldComplaint& complain) {
            if (w.end <= w.start) complain("end", fmt::format("must come after the start, {}", w.start.text()));
            if (w.end - w.start > 50 * year) complain("end", "at most 50 years are simulated");
            if (w.products.empty()) complain("products", "give at least one product");
            if (w.buyers.empty()) complain("buyers", "give at least one buyer");
            std::set<std::string> names;
            for (const auto& buyer : w.buyers) {
              if (!names.insert(buyer.name).second) complain("buyers", fmt::format("buyer \"{}\" is given twice", buyer.name));
              if (std::ranges::find(buyer.partners, buyer.name) != buyer.partners.end()) complain("buyers", fmt::format("buyer \"{}\" is its own partner; a buyer cannot own or rescue itself", buyer.name));
              for (const auto& fleet : buyer.initial_fleet)
                if (fleet.delivered > w.start)
                  complain("buyers", fmt::format("buyer \"{}\": its initial fleet of {} is delivered on {}, after the start", buyer.name, fleet.accelerator.id(), fleet.delivered.text()));
            }
          });
  return record;
}

}  // namespace waferwatt::scenario
