// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::scenario {
namespace {

/// An end of a range: a number, or a quantity.
struct End {
  double base = 0;
  std::optional<core::Dimension> dimension;
  bool is_whole = false;
};

std::optional<End> read_end(const io::Value& value, const std::string& path, io::ReadContext& context) {
  if (value.is_number()) return End{value.number(), std::nullopt, value.get_if<std::int64_t>() != nullptr};
  const auto* text = value.get_if<std::string>();
  if (!text) {
    context.complain(value, path, fmt::format("expected a number or a quantity such as \"700 W\", got {}", value.describe()));
    return std::nullopt;
  }
  try {
    const auto unit = core::parse_unit_text(*text);
    return End{unit.base, unit.dimension, false};
  } catch (const core::UnitTextError& error) {
    context.complain(value, path, error.what());
    return std::nullopt;
  }
}

const io::Value* member(const io::Value& value, const std::string& path, io::ReadContext& context, const char* key) {
  const io::Value* found = value.find(key);
  if (!found) context.complain(value, path, fmt::format("missing key \"{}\"; an axis is a list of values, or a range {{\"low\", \"high\"}}", key));
  return found;
}

std::optional<SweepRange> read_range(const io::Value& value, const std::string& path, io::ReadContext& context) {
  static const std::vector<std::string> kKeys = {"low", "high", "scale", "steps"};
  for (const auto& [key, own] : *value.get_if<io::Value::Object>())
    if (!io::is_note(key) && std::ranges::find(kKeys, key) == kKeys.end())
      context.complain(own, path + "/" + key, fmt::format("unknown key \"{}\"{}", key, core::suggestion(key, kKeys, "keys")));
  const auto *low = member(value, path, context, "low"), *high = member(value, path, context, "high");
  const auto first = low ? read_end(*low, path + "/low", context) : std::nullopt;
  const auto last = high ? read_end(*high, path + "/high", context) : std::nullopt;
  SweepRange range;
  if (const auto* scale = value.find("scale")) io::Codec<SweepScale>::read(*scale, path + "/scale", context, range.scale, {});
  if (const auto* steps = value.find("steps"))
    io::Codec<std::int64_t>::read(*steps, path + "/steps", context, range.steps, {.above = {}, .at_least = 2, .at_most = kMostSweepPoints});
  if (!first || !last) return std::nullopt;
  if (first->dimension != last->dimension) {
    context.complain(*high, path + "/high", "\"low\" and \"high\" have different dimensions");
    return std::nullopt;
  }
  if (first->base >= last->base) context.complain(*low, path + "/low", "\"low\" must be below \"high\"");
  if (range.scale == SweepScale::log && first->base <= 0) context.complain(*low, path + "/low", "a range with \"scale\": \"log\" must be above zero");
  range.low = first->base;
  range.high = last->base;
  range.dimension = first->dimension;
  range.is_whole = first->is_whole && last->is_whole;
  return range;
}

/// A permutation of 0 .. n - 1 (Fisher and Yates).
std::vector<std::size_t> shuffled(std::size_t n, core::RandomStream random) {
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

/// Every axis is cut into as many strata as there are points, and each is met once.
std::vector<std::vector<io::Value>> latin_hypercube(const Sweep& sweep, const core::RandomStream& random) {
  const auto n = static_cast<std::size_t>(*sweep.n_samples);
  std::vector<std::vector<io::Value>> points(n);
  for (const auto& axis : sweep.axes.list) {
    const auto order = shuffled(n, random.substream(axis.path));
    auto jitter = random.substream(axis.path, 1);
    for (std::size_t i = 0; i < n; ++i) {
      const double fraction = (static_cast<double>(order[i]) + jitter.uniform()) / static_cast<double>(n);
      const auto listed = static_cast<std::size_t>(fraction * static_cast<double>(axis.values.size()));
      points[i].push_back(axis.range ? axis.range->at(fraction) : axis.values[listed]);
    }
  }
  return points;
}

}  // namespace

io::Value SweepRange::at(double fraction) const {
  // The ends are exact, whatever the scale.
  const double between = scale == SweepScale::log ? low * std::pow(high / low, fraction) : low + (high - low) * fraction;
  const double value = fraction <= 0 ? low : fraction >= 1 ? high : between;
  if (dimension) return io::Value{core::exact_unit_text(value, *dimension)};
  if (is_whole) return io::Value{static_cast<std::int64_t>(std::llround(value))};
  return io::Value{value};
}

io::Value SweepAxis::value(std::size_t i) const {
  if (!range) return values[i];
  io::Value result = range->at(static_cast<double>(i) / static_cast<double>(range->steps - 1));
  result.set_place(written.place());
  return result;
}

const io::Record<Sweep>& Sweep::record() {
  static const auto record =
      io::Record<Sweep>("sweep", "The same scenario at many points.")
          .required("axes", &Sweep::axes, {.doc = "Dotted key paths and what each takes: a list of values, or {\"low\", \"high\", \"steps\", \"scale\"}."})
          .optional("mode", &Sweep::mode, {.doc = "Every combination (cartesian), the i-th values of all axes together (zipped), or points spread over the whole space (sampled)."})
          .optional("names", &Sweep::names, {.doc = "What each point is called in results, in the order of the points (the last axis fastest); absent: by its values."})
          .optional("n_samples", &Sweep::n_samples, {.doc = "Points of mode \"sampled\".", .at_least = 2, .at_most = static_cast<std::int64_t>(kMostSweepPoints)})
          .optional("about", &Sweep::about, {.doc = "Metric that the headline is about; one with dims as name[key=value;key=value]. Absent: the first without dims."})
          .optional("minimise", &Sweep::minimise, {.doc = "Metric, written as in \"about\", whose lowest value the headline names."})
          .optional("maximise", &Sweep::maximise, {.doc = "Metric, written as in \"about\", whose highest value the headline names."})
          .optional("bad_points", &Sweep::bad_points, {.doc = "Points that break a rule of the scenario: refuse the sweep, or skip them and list them with the reason."})
          .check([](const Sweep& sweep, const io::FieldComplaint& complain) {
            if (sweep.axes.list.empty()) complain("axes", "a sweep needs at least one axis");
            const bool is_sampled = sweep.mode == SweepMode::sampled;
            if (is_sampled && !sweep.n_samples) complain("mode", "mode \"sampled\" needs \"n_samples\"");
            if (!is_sampled && sweep.n_samples) complain("n_samples", "only mode \"sampled\" has \"n_samples\"");
            if (sweep.minimise && sweep.maximise) complain("maximise", "give \"minimise\" or \"maximise\", not both");
            if (sweep.about && (sweep.minimise || sweep.maximise)) complain("about", "give \"about\", or \"minimise\" or \"maximise\", which say what the headline is about too");
            for (const auto& axis : sweep.axes.list)
              if (axis.range && is_sampled == (axis.range->steps > 0))
                complain("axes", is_sampled ? fmt::format("axis \"{}\": mode \"sampled\" takes no \"steps\"", axis.path)
                                            : fmt::format("axis \"{}\": a range needs \"steps\" (or mode \"sampled\")", axis.path));
            if (sweep.mode == SweepMode::zipped)
              for (const auto& axis : sweep.axes.list)
                if (axis.n_values() != sweep.axes.list.front().n_values())
                  complain("axes", fmt::format("zipped axes need equally many values: \"{}\" has {}, \"{}\" has {}", sweep.axes.list.front().path,
                                               sweep.axes.list.front().n_values(), axis.path, axis.n_values()));
            if (!sweep.names.empty() && is_sampled) complain("names", "points of mode \"sampled\" have no names");
            if (!sweep.names.empty() && !is_sampled && sweep.names.size() != n_points(sweep))
              complain("names", fmt::format("{} names for {} points; give one for each", sweep.names.size(), n_points(sweep)));
            if (std::set<std::string>(sweep.names.begin(), sweep.names.end()).size() != sweep.names.size()) complain("names", "two points have the same name");
            if (n_points(sweep) > kMostSweepPoints)
              complain("axes", fmt::format("more than {} points; take fewer values, or mode \"sampled\"", kMostSweepPoints));
          });
  return record;
}

std::size_t n_points(const Sweep& sweep) {
  const auto& axes = sweep.axes.list;
  if (axes.empty()) return 0;
  if (sweep.mode == SweepMode::sampled) return static_cast<std::size_t>(sweep.n_samples.value_or(0));
  if (sweep.mode == SweepMode::zipped) return axes.front().n_values();
  std::size_t n = 1;
  for (const auto& axis : axes) {
    n *= axis.n_values();
    if (n > kMostSweepPoints) return n;
  }
  return n;
}

std::vector<std::vector<io::Value>> sweep_values(const Sweep& sweep, const core::RandomStream& random) {
  if (sweep.mode == SweepMode::sampled) return latin_hypercube(sweep, random);
  const auto& axes = sweep.axes.list;
  std::vector<std::vector<io::Value>> points(n_points(sweep));
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].resize(axes.size());
    std::size_t rest = i;
    for (std::size_t a = axes.size(); a-- > 0;) {
      const std::size_t n = axes[a].n_values();
      points[i][a] = axes[a].value(sweep.mode == SweepMode::zipped ? i : rest % n);
      rest /= n;
    }
  }
  return points;
}

}  // namespace waferwatt::scenario

namespace waferwatt::io {

void Codec<scenario::SweepAxes>::read(const Value& value, const std::string& path, ReadContext& context, scenario::SweepAxes& out, const Limits<std::monostate>&) {
  out.list.clear();
  const auto* object = expect_object(value, path, context, "an object of key paths");
  if (!object) return;
  for (const auto& [key, own] : *object) {
    if (is_note(key)) continue;
    const std::string at = path + "/" + key;
    scenario::SweepAxis axis{.path = key, .values = {}, .range = {}, .written = own};
    if (key.empty() || key.front() == '.' || key.back() == '.' || key.find("..") != std::string::npos)
      context.complain(own, at, fmt::format("the key path \"{}\" has an empty part", key));
    if (key == "sweep" || key.starts_with("sweep.")) context.complain(own, at, "a sweep cannot vary itself");
    if (own.get_if<Value::Object>()) {
      axis.range = scenario::read_range(own, at, context);
    } else if (const auto* list = expect_list(own, at, context, "a list of values, or a range")) {
      axis.values = *list;
      if (list->empty()) context.complain(own, at, "an axis needs at least one value");
    }
    out.list.push_back(std::move(axis));
  }
}

Value Codec<scenario::SweepAxes>::write(const scenario::SweepAxes& axes) {
  Value::Object object;
  for (const auto& axis : axes.list) object.push_back({axis.path, axis.written});
  return object;
}

TypeDescription Codec<scenario::SweepAxes>::describe() {
  return {"an object from key paths to lists of values or ranges",
          Value::Object{{"type", Value{"object"}},
                        {"additionalProperties", Value{Value::Object{{"type", Value{Value::List{Value{"array"}, Value{"object"}}}}}}}}};
}

}  // namespace waferwatt::io
