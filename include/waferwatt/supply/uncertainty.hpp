// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the catalog's ranges mean for the chain. Low and high of a value are read as its 10 % and 90 %
// quantiles; between them and beyond, values lie on two half normal curves joined at the value (of the
// logarithm, where all three are positive).
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::supply {

/// The standard normal deviate at the 90 % quantile.
inline constexpr double kDeviate90 = 1.2815515655446004;

/// Standard normal deviate of an input by its name, e.g. "tsmc-cowos capacity". Streams by name make random
/// numbers common to all scenarios that have the input.
using Deviates = std::function<double(const std::string& input)>;

/// The shelves that make_product and make_chain_spec read, and of them only what `accelerators` need. With
/// `packaging` more processes than the accelerators' own are kept; of the further parts those in `parts`, of the fab builds
/// those in `builds`.
catalog::Catalog supply_shelves(const catalog::Catalog& catalog, const std::vector<const catalog::Accelerator*>& accelerators,
                                const std::set<std::string>& packaging = {}, const std::vector<std::string>& parts = {},
                                const std::set<std::string>& builds = {});

/// Moves every ranged value of the shelves by its deviate. What was forecast at `known_at` is moved further, by
/// `forecast_error` (standard deviation of the logarithm) times the root of the years ahead. Shares that
/// come to more than 1 are scaled down.
void draw(catalog::Catalog& shelves, Date known_at, double forecast_error, const Deviates& deviate);

/// Names of the inputs that `draw` moves.
std::vector<std::string> uncertain_inputs(const catalog::Catalog& shelves, Date known_at);

/// Value with a range moved to a deviate. \param highest the value's upper bound (1 for fractions)
double moved(double value, double low, double high, double deviate, double highest);

}  // namespace waferwatt::supply
