// SPDX-License-Identifier: Apache-2.0
#pragma once
// Traffic that runs beside a pass and meets, on the same links, traffic that the pass itself waits for.
#include <algorithm>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::training {

struct Beside {
  Time exposed;    ///< of the traffic beside the pass: what is left at its end
  Time stretched;  ///< what the pass takes longer
};

/// While both send, each has half of the links. In a pass of length W of which E is spent sending, traffic that needs
/// the links for D moves the share min(1, D / W) of its bytes during the pass's sends, which take that much longer:
///   stretched = E min(1, D / W),  exposed = max(0, D - W)
/// \param rival E, part of `pass`
inline Beside beside(Time traffic, Time pass, Time rival) {
  const Time hidden = std::min(traffic, pass);
  return {traffic - hidden, pass > Time{} ? hidden / pass * rival : Time{}};
}

}  // namespace waferwatt::training
