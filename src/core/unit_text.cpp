// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/unit_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace waferwatt::core {
namespace {

enum class Prefixes { none, si, binary, money };

struct UnitDefinition {
  std::string_view symbol;
  double base;
  Dimension dimension;
  Prefixes prefixes = Prefixes::none;
};

constexpr UnitDefinition kUnits[] = {
    {"s", 1, {.time = 1}, Prefixes::si},
    {"min", 60, {.time = 1}},
    {"h", 3600, {.time = 1}},
    {"day", day.base(), {.time = 1}},
    {"week", week.base(), {.time = 1}},
    {"month", month.base(), {.time = 1}},
    {"year", year.base(), {.time = 1}},
    {"mm", 1e-3, {.length = 1}},
    {"cm", 1e-2, {.length = 1}},
    {"mm2", 1e-6, {.length = 2}},
    {"cm2", 1e-4, {.length = 2}},
    {"m2", 1, {.length = 2}},
    {"J", 1, {.energy = 1}, Prefixes::si},
    {"Wh", 3600, {.energy = 1}, Prefixes::si},
    {"W", 1, {.time = -1, .energy = 1}, Prefixes::si},
    {"B", 1, {.data = 1}, Prefixes::binary},
    {"bit", 0.125, {.data = 1}, Prefixes::binary},
    {"FLOP", 1, {.flop = 1}, Prefixes::si},
    {"token", 1, {.token = 1}, Prefixes::si},
    {"USD", 1, {.money = 1}, Prefixes::money},
    {"gCO2e", 1e-3, {.carbon = 1}, Prefixes::si},
    {"tCO2e", 1e3, {.carbon = 1}, Prefixes::si},
    {"L", 1, {.water = 1}, Prefixes::si},
    {"wafer", 1, {.wafer = 1}},
    {"die", 1, {.die = 1}},
    {"stack", 1, {.stack = 1}},
    {"package", 1, {.package = 1}},
    {"accelerator", 1, {.accelerator = 1}},
    {"1", 1, {}},
};

struct Prefix {
  std::string_view text;
  double factor;
};
constexpr Prefix kSiPrefixes[] = {{"p", 1e-12}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3},
                                  {"M", 1e6},   {"G", 1e9},  {"T", 1e12}, {"P", 1e15}, {"E", 1e18},
                                  {"Z", 1e21},  {"Y", 1e24}};
constexpr Prefix kBinaryPrefixes[] = {
    {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}};
constexpr Prefix kMoneyPrefixes[] = {{"k", 1e3}, {"M", 1e6}, {"B", 1e9}, {"T", 1e12}};

/// Spellings that people write and that mean two things, or nothing here.
constexpr std::pair<std::string_view, std::string_view> kRefused[] = {
    {"FLOPS", "FLOP/s (a rate) or FLOP (an amount)"},
    {"GFLOPS", "GFLOP/s (a rate) or GFLOP (an amount)"},
    {"TFLOPS", "TFLOP/s (a rate) or TFLOP (an amount)"},
    {"PFLOPS", "PFLOP/s (a rate) or PFLOP (an amount)"},
    {"EFLOPS", "EFLOP/s (a rate) or EFLOP (an amount)"},
    {"TOPS", "TFLOP/s (integer operations count as FLOP)"},
    {"b", "bit or B"},
    {"kb", "kbit or kB"},
    {"Mb", "Mbit or MB"},
    {"Gb", "Gbit or GB"},
    {"Tb", "Tbit or TB"},
    {"Mbps", "Mbit/s"},
    {"Gbps", "Gbit/s"},
    {"Tbps", "Tbit/s"},
    {"GBps", "GB/s"},
    {"TBps", "TB/s"},
    {"m", "min, month, mm or ms"},
    {"M", "a prefix with a unit, such as MW or Mtoken"},
    {"d", "day"},
    {"y", "year"},
    {"yr", "year"},
    {"hr", "h"},
    {"hour", "h"},
    {"sec", "s"},
    {"mo", "month"},
    {"$", "USD"},
    {"t", "tCO2e or Ttoken"},
    {"g", "gCO2e"},
    {"kg", "kgCO2e"},
    {"K", "k as a prefix, or Ki"},
    {"kW-h", "kWh"},
    {"GUSD", "BUSD (billion dollars)"},
    {"unit", "accelerator or package"},
    {"wpm", "wafer/month"},
    {"%", "a plain number between 0 and 1"},
};

std::span<const Prefix> prefixes_of(const UnitDefinition& unit, bool binary) {
  switch (unit.prefixes) {
    case Prefixes::si: return binary ? std::span<const Prefix>{} : std::span<const Prefix>{kSiPrefixes};
    case Prefixes::binary: return binary ? std::span<const Prefix>{kBinaryPrefixes} : std::span<const Prefix>{kSiPrefixes};
    case Prefixes::money: return binary ? std::span<const Prefix>{} : std::span<const Prefix>{kMoneyPrefixes};
    case Prefixes::none: break;
  }
  return {};
}

std::optional<UnitValue> find_unit(std::string_view symbol) {
  for (const auto& unit : kUnits)
    if (symbol == unit.symbol) return UnitValue{unit.base, unit.dimension};
  for (const auto& unit : kUnits) {
    if (!symbol.ends_with(unit.symbol)) continue;
    const std::string_view prefix = symbol.substr(0, symbol.size() - unit.symbol.size());
    for (const bool binary : {false, true})
      for (const auto& [text, factor] : prefixes_of(unit, binary))
        if (prefix == text) return UnitValue{unit.base * factor, unit.dimension};
  }
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

/// What the writer may have meant: another case, a plural, a long name.
std::optional<std::string> meant_unit(std::string_view symbol) {
  if (symbol.size() > 1 && symbol.ends_with('s') && find_unit(symbol.substr(0, symbol.size() - 1)))
    return std::string{symbol.substr(0, symbol.size() - 1)};
  for (const std::string_view prefix : {"", "k", "M", "G", "T", "P", "E"})
    for (const auto& unit : kUnits) {
      const std::string candidate = fmt::format("{}{}", prefix, unit.symbol);
      if (lower(candidate) == lower(symbol) && find_unit(candidate)) return candidate;
    }
  constexpr std::pair<std::string_view, std::string_view> kLongNames[] = {
      {"watt", "W"},   {"joule", "J"},   {"byte", "B"},   {"second", "s"},   {"minute", "min"},
      {"dollar", "USD"}, {"litre", "L"}, {"liter", "L"}, {"chip", "accelerator"}, {"gpu", "accelerator"}};
  std::string singular = lower(symbol);
  if (singular.ends_with('s')) singular.pop_back();
  for (const auto& [name, unit] : kLongNames)
    if (singular == name) return std::string{unit};
  return std::nullopt;
}

UnitValue parse_unit(std::string_view symbol) {
  if (symbol.empty()) throw UnitTextError("a unit is missing beside \"/\" or \"*\"");
  if (const auto unit = find_unit(symbol)) return *unit;
  for (const auto& [refused, instead] : kRefused)
    if (symbol == refused)
      throw UnitTextError(fmt::format("unit \"{}\" is not accepted; write {}", symbol, instead));
  if (const auto meant = meant_unit(symbol))
    throw UnitTextError(fmt::format("unknown unit \"{}\"; did you mean \"{}\"?", symbol, *meant));
  throw UnitTextError(fmt::format("unknown unit \"{}\"", symbol));
}

struct DimensionName {
  Dimension dimension;
  std::string_view name;
  std::string_view example;
  /// Units to print in, smallest first.
  std::array<std::string_view, 7> units;
};

constexpr DimensionName kDimensions[] = {
    {{.time = 1}, "a time", "5 us", {"ns", "us", "ms", "s", "h", "day", "year"}},
    {{.time = -1}, "a frequency", "2 1/s", {"1/s"}},
    {{.length = 1}, "a length", "26 mm", {"mm"}},
    {{.length = 2}, "an area", "814 mm2", {"mm2"}},
    {{.length = -2}, "a defect density", "0.09 1/cm2", {"1/cm2"}},
    {{.energy = 1}, "an energy", "1.2 MWh", {"pJ", "nJ", "mJ", "J", "kWh", "MWh", "TWh"}},
    {{.time = -1, .energy = 1}, "a power", "700 W", {"mW", "W", "kW", "MW", "GW"}},
    {{.data = 1}, "a data size", "80 GB", {"B", "kB", "MB", "GB", "TB", "PB"}},
    {{.time = -1, .data = 1}, "a bandwidth", "3.35 TB/s", {"B/s", "MB/s", "GB/s", "TB/s", "PB/s"}},
    {{.flop = 1}, "a FLOP count", "2.1e25 FLOP", {"FLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"}},
    {{.time = -1, .flop = 1}, "a FLOP rate", "989 TFLOP/s", {"FLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s", "EFLOP/s"}},
    {{.token = 1}, "a number of tokens", "15 Ttoken", {"token", "Mtoken", "Gtoken", "Ttoken"}},
    {{.time = -1, .token = 1}, "a token rate", "1000 Ttoken/month", {"token/s", "Mtoken/s", "Gtoken/s"}},
    {{.money = 1}, "an amount of money", "30000 USD", {"USD", "MUSD", "BUSD"}},
    {{.time = -1, .money = 1}, "money per time", "60 BUSD/year", {"USD/year", "MUSD/year", "BUSD/year"}},
    {{.token = -1, .money = 1}, "a token price", "0.3 USD/Mtoken", {"USD/Mtoken"}},
    {{.energy = -1, .money = 1}, "an energy price", "0.08 USD/kWh", {"USD/kWh"}},
    {{.energy = -1, .carbon = 1}, "a carbon intensity", "400 gCO2e/kWh", {"gCO2e/kWh"}},
    {{.carbon = 1}, "a mass of CO2e", "500 tCO2e", {"gCO2e", "kgCO2e", "tCO2e", "MtCO2e"}},
    {{.water = 1}, "a volume of water", "3 L", {"L"}},
    {{.time = -1, .wafer = 1}, "a wafer rate", "35000 wafer/month", {"wafer/month"}},
    {{.wafer = -1, .package = 1}, "packages per wafer", "29 package/wafer", {"package/wafer"}},
    {{.money = 1, .wafer = -1}, "a wafer price", "16000 USD/wafer", {"USD/wafer"}},
    {{.time = -1, .accelerator = 1}, "an accelerator rate", "1000 accelerator/month", {"accelerator/month"}},
    {{.length = -2, .energy = 1}, "energy per area", "2.75 kWh/cm2", {"kWh/cm2"}},
    {{.length = -2, .carbon = 1}, "CO2e per area", "0.5 kgCO2e/cm2", {"kgCO2e/cm2"}},
    {{.data = -1, .money = 1}, "a price per data size", "15 USD/GB", {"USD/GB"}},
};

const DimensionName* find_dimension(Dimension dimension) {
  for (const auto& entry : kDimensions)
    if (entry.dimension == dimension) return &entry;
  return nullptr;
}

UnitValue parse_unit_expression(std::string_view text) {
  UnitValue result{1, {}};
  int sign = +1;
  while (true) {
    const auto end = text.find_first_of("/*");
    const UnitValue unit = parse_unit(text.substr(0, end));
    result.base = sign > 0 ? result.base * unit.base : result.base / unit.base;
    result.dimension = combine(result.dimension, unit.dimension, sign);
    if (end == std::string_view::npos) return result;
    sign = text[end] == '/' ? -1 : +1;
    text.remove_prefix(end + 1);
  }
}

/// Base units with exponents for a dimension nobody gave a name: "USD/stack".
std::string composed_unit(Dimension d) {
  const std::pair<std::string_view, int> parts[] = {
      {"USD", d.money}, {"gCO2e", d.carbon}, {"J", d.energy}, {"B", d.data}, {"FLOP", d.flop},
      {"token", d.token}, {"L", d.water}, {"wafer", d.wafer}, {"die", d.die}, {"stack", d.stack},
      {"package", d.package}, {"accelerator", d.accelerator}, {"m2", d.length / 2}, {"mm", d.length % 2}, {"s", d.time}};
  std::string numerator, denominator;
  for (const auto& [symbol, exponent] : parts) {
    for (int i = 0; i < exponent; ++i) numerator += fmt::format("{}{}", numerator.empty() ? "" : "*", symbol);
    for (int i = 0; i > exponent; --i) denominator += fmt::format("/{}", symbol);
  }
  return (numerator.empty() ? "1" : numerator) + denominator;
}

}  // namespace

UnitValue parse_unit_text(std::string_view text) {
  // The product with the unit is rounded once: in double some values have no text that reads back to them.
  long double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range)
    throw UnitTextError(fmt::format("\"{}\" is too large or too small a number", text));
  if (error != std::errc{}) throw UnitTextError(fmt::format("\"{}\" does not start with a number", text));
  if (!std::isfinite(number)) throw UnitTextError(fmt::format("\"{}\" is not a finite number", text));
  std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty()) throw UnitTextError(fmt::format("\"{}\" has no unit", text));
  const UnitValue scale = parse_unit_expression(unit);
  const auto base = static_cast<double>(number * scale.base);
  if (!std::isfinite(base) || (base == 0 && number != 0))
    throw UnitTextError(fmt::format("\"{}\" is too large or too small a number", text));
  return {base, scale.dimension};
}

double parse_unit_text_as(Dimension dimension, std::string_view text) {
  UnitValue value;
  try {
    value = parse_unit_text(text);
  } catch (const UnitTextError& error) {
    throw UnitTextError(fmt::format("expected {}: {}", describe_dimension(dimension), error.what()));
  }
  if (!(value.dimension == dimension))
    throw UnitTextError(fmt::format("expected {}, got \"{}\", which is {}", describe_dimension(dimension), text,
                                    find_dimension(value.dimension) ? std::string{find_dimension(value.dimension)->name}
                                                                    : composed_unit(value.dimension)));
  return value.base;
}

namespace {

/// The unit to print a value in: the largest that leaves a number of at least one.
std::string unit_for(double base, Dimension dimension) {
  const DimensionName* entry = find_dimension(dimension);
  if (!entry) return composed_unit(dimension);
  std::string_view chosen = entry->units.front();
  for (const std::string_view unit : entry->units) {
    if (unit.empty()) break;
    const double candidate = parse_unit_expression(unit).base;
    if (base == 0 ? candidate == 1 : std::abs(base) >= candidate * (1 - 1e-12)) chosen = unit;
  }
  return std::string{chosen};
}

}  // namespace

std::string format_unit_text(double base, Dimension dimension) {
  const std::string unit = unit_for(base, dimension);
  return fmt::format("{:.15g} {}", base / parse_unit_expression(unit).base, unit);
}

std::string exact_unit_text(double base, Dimension dimension) {
  const std::string unit = unit_for(base, dimension);
  const long double number = base / static_cast<long double>(parse_unit_expression(unit).base);
  std::string text;
  for (int digits = 15; digits <= 21; ++digits) {
    text = fmt::format("{:.{}g} {}", number, digits, unit);
    if (parse_unit_text(text).base == base) break;
  }
  return text;
}

std::string describe_dimension(Dimension dimension) {
  if (dimension == Dimension{}) return "a plain number";
  const DimensionName* entry = find_dimension(dimension);
  return entry ? fmt::format("{} (e.g. \"{}\")", entry->name, entry->example)
               : fmt::format("a quantity in {}", composed_unit(dimension));
}

std::string example_unit_text(Dimension dimension) {
  const DimensionName* entry = find_dimension(dimension);
  return entry ? std::string{entry->example} : fmt::format("1 {}", composed_unit(dimension));
}

}  // namespace waferwatt::core
