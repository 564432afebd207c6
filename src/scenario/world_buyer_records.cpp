// SPDX-License-Identifier: Apache-2.0
// The records of buyers and demand of kind "world".
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "waferwatt/scenario/world_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<WorldBuyer>& WorldBuyer::record() {
  using B = WorldBuyer;
  static const auto record =
      io::Record<B>("world_buyer", "Someone who buys and runs accelerators.")
          .required("name", &B::name, {.doc = "Name in the results."})
          .optional("kind", &B::kind, {.doc = "What it is."})
          .optional("company", &B::company, {.doc = "Company id, for its capital spending, PUE and country."})
          .optional("jurisdiction", &B::jurisdiction, {.doc = "Whose rules its purchases meet, as policies name it (\"China\"); absent: the company's country."})
          .optional("region", &B::region, {.doc = "Part of the world, for sums of energy."})
          .optional("partners", &B::partners, {.doc = "Buyers that pay for it when it cannot."})
          .optional("budget", &B::budget, {.doc = "Money for accelerators over time.", .at_least = 0 * usd / year, .at_most = 10 * tera * usd / year})
          .optional("capex_share", &B::capex_share, {.doc = "Share of the company's capital spending that buys accelerators.", .at_least = 0.0, .at_most = 1.0})
          .required("vendors", &B::vendors, {.doc = "Share of the money by vendor; they sum to 1.", .at_least = 0.0, .at_most = 1.0})
          .optional("prepayment", &B::prepayment, {.doc = "Part of the value of orders that is paid when they are placed; who pays ahead is served first.", .at_least = 0.0, .at_most = 1.0})
          .optional("order_ahead", &B::order_ahead, {.doc = "How long before delivery orders are placed.", .at_least = 0 * day, .at_most = 10 * year})
          .required("power", &B::power, {.doc = "Facility power energised for accelerators over time; what lies after known_at is a plan.", .at_least = 0 * watt, .at_most = tera * watt})
          .optional("sites", &B::sites, {.doc = "Site ids whose power comes on top."})
          .required("grid", &B::grid, {.doc = "Grid id, for carbon and price."})
          .optional("pue", &B::pue, {.doc = "Power usage effectiveness; absent: the company's, else 1.2.", .at_least = 1.0, .at_most = 4.0})
          .optional("initial_fleet", &B::initial_fleet, {.doc = "Accelerators that are on at the start."})
          .optional("finance", &B::finance, {.doc = "Its own money; absent: the rest of the company pays whatever is missing."})
          .optional("token_share", &B::token_share, {.doc = "Of the tokens sold, over time; absent: as its part of the fleet, of what others leave.", .at_least = 0.0, .at_most = 1.0})
          .optional("training_share", &B::training_share, {.doc = "Of the training done, likewise.", .at_least = 0.0, .at_most = 1.0})
          .check([](const B& b, const io::FieldComplaint& complain) {
            if (b.budget.has_value() == b.capex_share.has_value()) complain("budget", "give either \"budget\" or \"capex_share\"");
            if (b.capex_share && !b.company) complain("capex_share", "needs the \"company\" whose capital spending it is");
            double sum = 0;
            for (const auto& [vendor, share] : b.vendors) sum += share;
            if (std::abs(sum - 1) > 1e-6) complain("vendors", fmt::format("the shares must sum to 1, they sum to {:.6g}", sum));
          });
  return record;
}

const io::Record<WorldFinance>& WorldFinance::record() {
  using F = WorldFinance;
  static const auto record =
      io::Record<F>("world_finance", "Money of a buyer that has to live on what it has.")
          .optional("cash", &F::cash, {.doc = "At the start.", .at_least = 0 * usd, .at_most = 100 * tera * usd})
          .optional("debt", &F::debt, {.doc = "At the start.", .at_least = 0 * usd, .at_most = 100 * tera * usd})
          .optional("credit", &F::credit, {.doc = "Part of the fleet's book value that lenders lend.", .at_least = 0.0, .at_most = 1.0})
          .optional("interest", &F::interest, {.doc = "A year.", .at_least = 0.0, .at_most = 1.0})
          .optional("funding", &F::funding, {.doc = "Money from investors and other business over time.", .at_least = 0 * usd / year, .at_most = 10 * tera * usd / year});
  return record;
}

const io::Record<WorldTier>& WorldTier::record() {
  using T = WorldTier;
  static const auto record =
      io::Record<T>("world_tier", "Tokens of one quality, and the model that stands for them.")
          .required("name", &T::name, {.doc = "Name in the results."})
          .required("tokens", &T::tokens, {.doc = "Prompt and output tokens asked for at the reference price.", .at_least = 0 * token / second, .at_most = 1e18 * token / second})
          .required("model", &T::model, {.doc = "Language model whose capability on each accelerator is simulated."})
          .optional("input_tokens", &T::input_tokens, {.doc = "Prompt tokens of a request.", .at_least = 1, .at_most = 10000000})
          .optional("output_tokens", &T::output_tokens, {.doc = "Output tokens of a request.", .at_least = 1, .at_most = 10000000})
          .optional("reference_price", &T::reference_price, {.doc = "Price at which so many are asked for; absent: the price at the cost of new capacity on each day.", .above = 0 * usd / token, .at_most = 1 * usd / token})
          .optional("margin", &T::margin, {.doc = "Seller's part of the price; absent: the demand's.", .at_least = 0.0, .at_most = 0.99});
  return record;
}

const io::Record<WorldDemand>& WorldDemand::record() {
  using D = WorldDemand;
  static const auto record =
      io::Record<D>("world_demand", "Tokens and training the world asks for, and how the fleet serves them.")
          .optional("tokens", &D::tokens, {.doc = "Prompt and output tokens asked for over time, where there is one tier.", .at_least = 0 * token / second, .at_most = 1e18 * token / second})
          .optional("model", &D::model, {.doc = "Language model that stands for the traffic, where there is one tier; its capability on each accelerator is simulated."})
          .optional("tiers", &D::tiers, {.doc = "Tokens of several qualities, in place of \"tokens\" and \"model\"."})
          .optional("input_tokens", &D::input_tokens, {.doc = "Prompt tokens of a request.", .at_least = 1, .at_most = 10000000})
          .optional("output_tokens", &D::output_tokens, {.doc = "Output tokens of a request.", .at_least = 1, .at_most = 10000000})
          .optional("margin", &D::margin, {.doc = "Seller's part of the price.", .at_least = 0.0, .at_most = 0.99})
          .optional("elasticity", &D::elasticity, {.doc = "Per cent fewer tokens for each per cent of a higher price: a positive number.", .at_least = 0.0, .at_most = 10.0})
          .optional("substitution", &D::substitution, {.doc = "Elasticity of substitution between tiers: a positive number.", .at_least = 0.0, .at_most = 20.0})
          .optional("utilisation", &D::utilisation, {.doc = "Served over saturated throughput, averaged over the day.", .above = 0.0, .at_most = 1.0})
          .optional("largest_share", &D::largest_share, {.doc = "Largest part of the fleet that serves.", .above = 0.0, .at_most = 1.0})
          .optional("scale", &D::scale, {.doc = "Multiplies all tokens asked for, over time.", .at_least = 0.0, .at_most = 1e6})
          .optional("software_gain", &D::software_gain, {.doc = "Tokens per accelerator relative to the simulated rate.", .above = 0.0, .at_most = 1e6})
          .optional("reference_gain", &D::reference_gain, {.doc = "Software gain that the forecast of tokens counted on: a higher one makes tokens cheaper and more are asked for; absent: the same.", .above = 0.0, .at_most = 1e6})
          .optional("training", &D::training, {.doc = "Training work wanted over time at the cost of new capacity; absent: whatever is left over trains.", .at_least = 0 * flop / second, .at_most = 1e30 * flop / second})
          .optional("training_elasticity", &D::training_elasticity, {.doc = "Per cent less training for each per cent of a higher rent: a positive number.", .at_least = 0.0, .at_most = 10.0})
          .optional("training_model", &D::training_model, {.doc = "Language model whose training is simulated on each accelerator; absent: training_utilisation."})
          .optional("training_utilisation", &D::training_utilisation, {.doc = "Model FLOP over peak FLOP of the accelerators that train.", .above = 0.0, .at_most = 1.0})
          .optional("rental_contract", &D::rental_contract, {.doc = "Time for which rents are agreed, on average.", .at_least = 0 * day, .at_most = 10 * year})
          .optional("expected_utilisation", &D::expected_utilisation, {.doc = "Part of the hours that buyers of new capacity count on selling.", .above = 0.0, .at_most = 1.0})
          .check([](const D& d, const io::FieldComplaint& complain) {
            const bool is_single = d.tokens || d.model;
            if (is_single && !d.tiers.empty()) complain("tiers", "give either \"tokens\" and \"model\", or \"tiers\"");
            if (d.tiers.empty() && !(d.tokens && d.model)) complain("", "give \"tokens\" and \"model\", or \"tiers\"");
            std::set<std::string> names;
            for (const auto& tier : d.tiers)
              if (!names.insert(tier.name).second) complain("tiers", fmt::format("tier \"{}\" is given twice", tier.name));
          });
  return record;
}

}  // namespace waferwatt::scenario
