// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who wants the fleet's hours at which price: tokens of several qualities and training share one fleet, the rent of an
// H100-equivalent hour follows from their wants and the fleet's size, and prices of tokens follow from the rent.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/core/ramp.hpp"

namespace waferwatt::market {

/// Tokens of one quality.
struct Tier {
  std::string name;
  Ramp<TokenRate> demand;  ///< at the reference price
  std::optional<Ramp<TokenPrice>> reference_price;  ///< absent: the price at the cost of new capacity
  double margin = 0.3;     ///< seller's part of the price
};

/// Tokens of each tier that are wanted at its price on a date: a demand curve of the caller's own. It is asked some sixty
/// times a week, for the rents among which the one that clears the market lies, and must answer the same to the same
/// question, from several threads where the run may use several processors. What is wanted must not rise with a price, or
/// the rent that is found is one of several. It gives as many rates as there are tiers, finite and at least 0. What it throws
/// ends the run.
using DemandCurve = std::function<std::vector<TokenRate>(const std::vector<TokenPrice>& prices, Date date)>;

struct ComputeDemand {
  std::vector<Tier> tiers;
  double elasticity = 1.1;     ///< of all tokens to the price of all: 1 % dearer, this many per cent less
  double substitution = 2.0;   ///< between tiers
  std::optional<Ramp<FlopRate>> training;  ///< wanted at the cost of new capacity; absent: whatever is left over
  double training_elasticity = 1.0;
  double largest_share = 1.0;  ///< of the fleet that serves at most
  DemandCurve curve;           ///< in place of (3) and (4); absent: those
};

/// The energised fleet, and what all of it would do if it did one thing only.
struct Fleet {
  double h100_equivalents = 0;
  std::vector<TokenRate> tokens;  ///< by tier, at the load that service levels allow
  FlopRate training;
  double reference_scale = 1;         ///< price that demand was forecast with over the price at the cost of new capacity
};

/// What a week comes to.
struct Clearing {
  MoneyRate rent;                    ///< of one H100-equivalent
  std::vector<TokenPrice> prices;    ///< by tier
  std::vector<TokenRate> wanted, served;
  FlopRate training_wanted, training;
  double inference_share = 0, training_share = 0, idle_share = 0;  ///< of the fleet's time; they sum to 1
  double tightness = 0;              ///< the fleet's time that is wanted at the cost of new capacity, over what there is
};

/// (1) k_i = rent h100e / tokens_i, (2) p_i = k_i / (1 - margin_i): cost and price of a token of tier i.
TokenPrice token_price(const ComputeDemand&, const Fleet&, std::size_t tier, MoneyRate rent);

/// (3) D_i = A_i (q_i / Q)^-substitution Q^-elasticity, q_i = p_i / reference_i,
/// (4) Q = (sum w_i q_i^(1-s))^(1/(1-s)), w_i the tier's part of spending at reference prices.
std::vector<TokenRate> tokens_wanted(const ComputeDemand&, const Fleet&, Date, MoneyRate rent, MoneyRate entry_cost);

/// (5) T (rent / entry cost)^-training_elasticity
FlopRate training_wanted(const ComputeDemand&, const Fleet&, Date, MoneyRate rent, MoneyRate entry_cost);

/// The rent at which what is wanted is what there is; at least `avoidable_cost`, below which owners switch off.
/// \param entry_cost what an H100-equivalent hour of new capacity costs: with idle capacity competition drives the rent
/// below it, with capacity that binds users bid it above, and the difference is scarcity rent
MoneyRate clearing_rent(const ComputeDemand&, const Fleet&, Date, MoneyRate entry_cost, MoneyRate avoidable_cost);

/// The week at a given rent. Where more is wanted than there is, tokens go first up to their largest share.
Clearing clear(const ComputeDemand&, const Fleet&, Date, MoneyRate rent, MoneyRate entry_cost);

/// Rents are agreed for a while: the mean rent nears the clearing rent as contracts end.
/// (6) log r' = log r* + (log r - log r*) exp(-dt / contract)
MoneyRate contract_rent(MoneyRate rent, MoneyRate clearing, Time span, Time contract);

}  // namespace waferwatt::market
