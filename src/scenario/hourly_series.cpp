// SPDX-License-Identifier: Apache-2.0
#include "hourly_series.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "waferwatt/power/hourly_text.hpp"

namespace waferwatt::scenario {

namespace fs = std::filesystem;

std::string path_of(const Located<std::string>& file) {
  const fs::path given{file.value};
  return given.is_absolute() || !file.place.file ? given.string() : (fs::path{*file.place.file}.parent_path() / given).string();
}

std::string text_of(const Located<std::string>& file) {
  const std::string path = path_of(file);
  std::ifstream in(path, std::ios::binary);
  if (!in) throw InputError({file.problem(fmt::format("cannot read \"{}\"", path))});
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

namespace {

std::string day_of(power::HourIndex hour) { return Date::from_days(std::floor(static_cast<double>(hour) / 24)).text(); }

power::Hourly<double> read_series(const SeriesFile& series, power::HourIndex first, power::HourIndex last, std::vector<std::string>& notes) {
  Diagnostics diagnostics;
  power::HourlyRepairs repairs;
  power::HourlyColumns columns{.time = series.time, .value = series.value, .longest_gap = series.longest_gap, .utc_offset_hours = series.utc_offset_hours};
  if (series.low) columns.low = *series.low;
  if (series.high) columns.high = *series.high;
  const auto hours = power::read_hours(path_of(series.file), text_of(series.file), columns, repairs, diagnostics);
  diagnostics.throw_if_any();
  if (repairs.any()) notes.push_back(fmt::format("{}: {}", series.file.value, repairs.text()));
  const power::HourIndex end = hours.first() + static_cast<power::HourIndex>(hours.values().size());
  if (first < hours.first() || last >= end)
    notes.push_back(fmt::format("{}: has the hours of {} to {}, which repeat", series.file.value, day_of(hours.first()), day_of(end - 1)));
  return hours;
}

template <class Q>
power::Hourly<Q> in_unit(const power::Hourly<double>& hours, Q unit) {
  std::vector<Q> values;
  for (const double v : hours.values()) values.push_back(v * unit);
  return {hours.first(), std::move(values)};
}

}  // namespace

void take_series(const std::optional<SeriesFile>& carbon, const std::optional<SeriesFile>& price, const std::optional<SeriesFile>& temperature, power::HourIndex first_hour, power::HourIndex last_hour,
                 power::HourlySurroundings& around, std::vector<std::string>& notes) {
  const auto read = [&](const SeriesFile& series) { return read_series(series, first_hour, last_hour, notes); };
  if (carbon) around.carbon_intensity = in_unit(read(*carbon), 1e-3 * kg_co2e / (kilo * watt_hour));
  if (price) around.price = in_unit(read(*price), usd / (mega * watt_hour));
  if (!temperature) return;
  const auto hours = read(*temperature);
  std::vector<power::Weather> weather;
  for (const double t : hours.values()) weather.push_back({t, t - 4});
  around.weather = {hours.first(), std::move(weather)};
}

}  // namespace waferwatt::scenario
