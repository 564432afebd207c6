// SPDX-License-Identifier: Apache-2.0
#pragma once
// Hourly series out of CSV as grids, markets and weather services publish it.
//
// Repaired and counted: cells that are no number or outside their limits (taken as missing), hours that are missing (both
// bridged by straight lines over at most `longest_gap` hours), hours that come twice (the mean of the rows), rows out of order
// (sorted). Times without a zone are local clock time: from the hour that is missing on a Sunday to the one that comes twice on
// another they are an hour ahead, which is undone. Negative values are legal unless `low` says otherwise.
// Refused: no such column, times that cannot be read, minutes that are not 00, gaps too long, nothing at all.
#include <string>
#include <string_view>

#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/power/hourly.hpp"

namespace waferwatt::power {

struct HourlyColumns {
  std::string time, value;
  double low = -1e12, high = 1e12;  ///< values outside are bad rows
  std::int64_t longest_gap = 6;     ///< hours
  double utc_offset_hours = 0;      ///< of times without a zone, of standard time
};

struct HourlyRepairs {
  std::int64_t n_rows = 0, n_bad = 0, n_missing = 0, n_repeated = 0, n_out_of_order = 0, n_daylight_saving = 0;

  bool any() const { return n_bad + n_missing + n_repeated + n_out_of_order + n_daylight_saving > 0; }
  std::string text() const;  ///< "8760 rows; 5 bad values and 1 missing hour bridged"
};

/// \param file names the text in messages
/// \returns an empty series when something was refused
Hourly<double> read_hours(const std::string& file, std::string_view text, const HourlyColumns&, HourlyRepairs&, Diagnostics&);

}  // namespace waferwatt::power
