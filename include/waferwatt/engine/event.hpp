// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <type_traits>

namespace waferwatt::engine {

/// Something that happens at an instant. Plain data: what it means is known to the handler only.
///
/// There is no cancellation: an event that may go stale carries a generation in its payload, and the
/// handler drops it when the generation has moved on.
struct Event {
  double time;             ///< in the loop's unit (see EventLoop)
  std::uint64_t sequence;  ///< order of scheduling; breaks ties, first in first out
  std::uint32_t kind;      ///< chosen by the handler
  std::uint32_t target;    ///< chosen by the handler, usually an index
  std::uint64_t payload;   ///< chosen by the handler
};
static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) == 32);

}  // namespace waferwatt::engine
