// SPDX-License-Identifier: Apache-2.0
#pragma once
// Degrees of parallelism under the placements that make a difference.
#include "waferwatt/training/search.hpp"

namespace waferwatt::training {

/// The degrees under each of the space's placements whose groups, on this network, differ in shape from those under all before.
std::vector<Parallelism> placed(Parallelism degrees, const network::TwoLevelNetwork&, const SearchSpace&);

}  // namespace waferwatt::training
