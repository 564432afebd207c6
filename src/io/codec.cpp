// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/codec.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::io {
namespace {

std::string number_text(double value, std::optional<Dimension> dimension) {
  return dimension ? format_unit_text(value, *dimension) : fmt::format("{}", value);
}

Value schema_of_type(const char* type) { return Value::Object{{"type", Value{type}}}; }

}  // namespace

void ReadContext::complain(const Value& value, const std::string& path, std::string message) {
  diagnostics.add(diagnostic_at(value.place(), path.empty() ? "/" : path, std::move(message)));
}

std::optional<std::string> broken_limit(double value, const Limits<double>& limits, std::optional<Dimension> dimension) {
  if (limits.above && !(value > *limits.above)) return fmt::format("must be above {}", number_text(*limits.above, dimension));
  if (limits.at_least && !(value >= *limits.at_least)) return fmt::format("must be at least {}", number_text(*limits.at_least, dimension));
  if (limits.at_most && !(value <= *limits.at_most)) return fmt::format("must be at most {}", number_text(*limits.at_most, dimension));
  return std::nullopt;
}

void check_limits(const Value& value, const std::string& path, ReadContext& context, double number, const Limits<double>& limits,
                  std::optional<Dimension> dimension) {
  if (const auto broken = broken_limit(number, limits, dimension)) context.complain(value, path, fmt::format("{}, got {}", *broken, value.describe()));
}

bool read_number(const Value& value, const std::string& path, ReadContext& context, double& out) {
  if (!value.is_number()) {
    context.complain(value, path, fmt::format("expected a plain number, got {}", value.describe()));
    return false;
  }
  out = value.number();
  if (std::isfinite(out)) return true;
  context.complain(value, path, "expected a finite number");
  return false;
}

bool read_integer(const Value& value, const std::string& path, ReadContext& context, std::int64_t& out) {
  const double number = value.number();
  if (value.is_number() && number == std::floor(number) && std::abs(number) < 9.0e18) {
    const auto* integer = value.get_if<std::int64_t>();
    out = integer ? *integer : static_cast<std::int64_t>(number);
    return true;
  }
  context.complain(value, path, fmt::format("expected a whole number, got {}", value.describe()));
  return false;
}

bool read_text(const Value& value, const std::string& path, ReadContext& context, std::string& out) {
  if (const auto* text = value.get_if<std::string>()) {
    out = *text;
    return true;
  }
  context.complain(value, path, fmt::format("expected a text, got {}", value.describe()));
  return false;
}

bool read_quantity(const Value& value, const std::string& path, ReadContext& context, Dimension dimension, double& base) {
  const auto* text = value.get_if<std::string>();
  if (!text) {
    context.complain(value, path, fmt::format("expected {}, got {}{}", describe_dimension(dimension), value.describe(),
                                              value.is_number() ? "; a quantity is a text with its unit" : ""));
    return false;
  }
  try {
    base = parse_unit_text_as(dimension, *text);
    return true;
  } catch (const UnitTextError& error) {
    context.complain(value, path, error.what());
    return false;
  }
}

void Codec<bool>::read(const Value& value, const std::string& path, ReadContext& context, bool& out, const Limits<std::monostate>&) {
  if (const auto* flag = value.get_if<bool>()) out = *flag;
  else context.complain(value, path, fmt::format("expected true or false, got {}", value.describe()));
}

void Codec<Date>::read(const Value& value, const std::string& path, ReadContext& context, Date& out, const Limits<std::monostate>&) {
  const auto* text = value.get_if<std::string>();
  const auto date = text ? Date::parse(*text) : std::nullopt;
  if (date) out = *date;
  else context.complain(value, path, fmt::format("expected a date such as \"2024-03\" or \"2024-03-15\", got {}", value.describe()));
}

TypeDescription Codec<double>::describe() { return {"a number", schema_of_type("number")}; }
TypeDescription Codec<std::int64_t>::describe() { return {"a whole number", schema_of_type("integer")}; }
TypeDescription Codec<bool>::describe() { return {"true or false", schema_of_type("boolean")}; }
TypeDescription Codec<std::string>::describe() { return {"a text", schema_of_type("string")}; }
TypeDescription Codec<Date>::describe() {
  return {"a date (e.g. \"2024-03\")",
          Value::Object{{"type", Value{"string"}}, {"pattern", Value{"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"}}}};
}

TypeDescription describe_quantity(Dimension dimension) {
  return {describe_dimension(dimension),
          Value::Object{{"type", Value{"string"}}, {"examples", Value{Value::List{Value{example_unit_text(dimension)}}}}}};
}

std::string quantity_text(double base, Dimension dimension) { return exact_unit_text(base, dimension); }

std::optional<std::size_t> read_choice(const Value& value, const std::string& path, ReadContext& context, const std::vector<std::string>& texts) {
  const auto* text = value.get_if<std::string>();
  if (text)
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (texts[i] == *text) return i;
  context.complain(value, path,
                   text ? fmt::format("unknown choice \"{}\"{}", *text, suggestion(*text, texts, "choices"))
                        : fmt::format("expected one of {}, got {}", fmt::join(texts, ", "), value.describe()));
  return std::nullopt;
}

TypeDescription describe_choice(const std::vector<std::string>& texts) {
  Value::List choices;
  for (const auto& text : texts) choices.emplace_back(text);
  return {fmt::format("one of {}", fmt::join(texts, ", ")), Value::Object{{"enum", Value{choices}}}};
}

const Value::List* expect_list(const Value& value, const std::string& path, ReadContext& context, std::string_view what) {
  const auto* list = value.get_if<Value::List>();
  if (!list) context.complain(value, path, fmt::format("expected {}, got {}", what, value.describe()));
  return list;
}

const Value::Object* expect_object(const Value& value, const std::string& path, ReadContext& context, std::string_view what) {
  const auto* object = value.get_if<Value::Object>();
  if (!object) context.complain(value, path, fmt::format("expected {}, got {}", what, value.describe()));
  return object;
}

bool is_note(std::string_view key) { return key.starts_with('_') || key == "$comment" || key == "$schema"; }

TypeDescription describe_list(TypeDescription element) {
  return {"a list of: " + element.text, Value::Object{{"type", Value{"array"}}, {"items", std::move(element.schema)}}, element.record};
}

TypeDescription describe_map(TypeDescription element) {
  return {"an object whose members are: " + element.text,
          Value::Object{{"type", Value{"object"}}, {"additionalProperties", std::move(element.schema)}}, element.record};
}

bool read_point_date(const Value& point, const std::string& path, ReadContext& context, const Date* before, Date& out) {
  const auto* pair = point.get_if<Value::List>();
  if (!pair || pair->size() != 2) {
    context.complain(point, path, fmt::format("expected a point [date, value], got {}", point.describe()));
    return false;
  }
  const std::size_t n_before = context.diagnostics.found().size();
  Codec<Date>::read((*pair)[0], path + "/0", context, out, {});
  if (context.diagnostics.found().size() > n_before) return false;
  if (before && out <= *before) {
    context.complain((*pair)[0], path + "/0", fmt::format("dates must rise: {} comes after {}", out.text(), before->text()));
    return false;
  }
  return true;
}

TypeDescription describe_ramp(const TypeDescription& value) {
  return {fmt::format("{}, or a list of [date, value] points of it", value.text),
          Value::Object{{"anyOf", Value{Value::List{value.schema, Value{Value::Object{{"type", Value{"array"}}, {"minItems", Value{1}}}}}}}}};
}

}  // namespace waferwatt::io
