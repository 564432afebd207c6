// SPDX-License-Identifier: Apache-2.0
#pragma once
// A trace as it is to be replayed: faster or slower, a part of it, again and again.
#include <memory>
#include <optional>

#include "waferwatt/core/quantity.hpp"
#include "waferwatt/io/record.hpp"
#include "waferwatt/traces/trace_file.hpp"

namespace waferwatt::traces {

struct Replay {
  std::string file;
  double rate_scale = 1;
  Time from;                     ///< only requests from here on, counted from the first one's arrival
  std::optional<Time> length;    ///< and only for so long
  std::int64_t repeat = 1;
  Time spread;                   ///< requests of the same instant are spread evenly over so much time
  std::int64_t prefix_tokens = 512;

  static const io::Record<Replay>& record();
};

class ReplaySource final : public Source {
 public:
  /// \throws InputError as TraceFile
  explicit ReplaySource(const Replay& replay);

  /// \throws InputError as TraceFile, and when no request arrives in the window
  bool next(Request& request) override;
  std::int64_t prefix_tokens() const override { return file_.prefix_tokens(); }

 private:
  bool next_spread(Request& request);
  bool next_in_window(Request& request);

  Replay replay_;
  TraceFile file_;
  std::vector<Request> instant_;  // requests of one instant, the next to give first at i_instant_
  std::size_t i_instant_ = 0;
  Request ahead_;
  bool has_ahead_ = false, at_end_ = false;
  std::int64_t n_done_ = 0, n_given_ = 0;
  double round_starts_s_ = 0, last_s_ = 0;
};

}  // namespace waferwatt::traces
