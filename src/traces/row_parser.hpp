// SPDX-License-Identifier: Apache-2.0
#pragma once
// One row of a trace: a line of CSV or a JSON object, into a request.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/traces/request.hpp"

namespace waferwatt::traces {

enum class Field { arrival, input, output, hashes, priority, adapter, session, none };

class RowParser {
 public:
  virtual ~RowParser() = default;
  /// Fills what the row has; lengths that are missing stay at 0 with a complaint.
  /// \returns what is wrong, or an empty text
  virtual std::string parse(std::string_view line, Request& request) = 0;
  virtual bool has_hashes() const = 0;
};

/// From the first line of a file. \throws InputError when a CSV header lacks a column
std::unique_ptr<RowParser> parser_of(std::string_view first_line, const std::string& path);

/// The field that a column or key stands for, and the seconds in its unit for arrivals.
struct FieldName {
  Field field = Field::none;
  double unit_s = 1;
};
FieldName field_named(std::string_view name, bool is_json);

/// A date with a time of day. Kept apart: seconds since 1970 would have no room for a tenth of a microsecond.
struct DateTime {
  std::int64_t day = 0;  ///< since 1970
  double second_of_day = 0;
};

std::optional<double> parse_number(std::string_view text);
std::optional<DateTime> parse_date_time(std::string_view text);

/// Stores a value of a field. \returns what is wrong with it, or an empty text
std::string store(Field field, double value, Request& request);

std::unique_ptr<RowParser> csv_parser(std::string_view header, const std::string& path);
std::unique_ptr<RowParser> json_parser();

}  // namespace waferwatt::traces
