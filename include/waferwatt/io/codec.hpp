// SPDX-License-Identifier: Apache-2.0
#pragma once
// How one type is read from JSON, written back and described. Record (record.hpp) builds on
// these; a new leaf type is one more specialisation of Codec.
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "waferwatt/core/date.hpp"
#include "waferwatt/core/quantity.hpp"
#include "waferwatt/core/ramp.hpp"
#include "waferwatt/io/value.hpp"

namespace waferwatt::io {

class RecordBase;

/// What readers share: where problems go, and whether facts must name their source.
struct ReadContext {
  explicit ReadContext(Diagnostics& found, bool facts_need_sources = false) : diagnostics(found), sources_required(facts_need_sources) {}
  virtual ~ReadContext() = default;

  Diagnostics& diagnostics;
  bool sources_required;

  void complain(const Value& value, const std::string& path, std::string message);
};

/// Limits of a value; B is what is compared (a Quantity, a double or an integer).
template <class B>
struct Limits {
  std::optional<B> above, at_least, at_most;
};

/// What a type looks like in JSON: for the schema and the reference page.
struct TypeDescription {
  std::string text;  ///< "a power (e.g. \"700 W\")"
  Value schema;      ///< JSON Schema
  const RecordBase* record = nullptr;  ///< the record inside, if there is one
};

template <class T>
struct Codec;

/// The type that limits on a T compare; monostate where limits make no sense.
template <class T>
struct LimitType { using type = std::monostate; };
template <class T>
using LimitOf = typename LimitType<T>::type;

/// `must be above 0 W`, or nothing if the value is inside its limits.
std::optional<std::string> broken_limit(double value, const Limits<double>& limits, std::optional<Dimension> dimension);

template <class B>
Limits<double> plain_limits(const Limits<B>& limits) {
  const auto plain = [](const auto& limit) -> std::optional<double> {
    if (!limit) return std::nullopt;
    if constexpr (requires { limit->base(); }) return limit->base();
    else return static_cast<double>(*limit);
  };
  return {plain(limits.above), plain(limits.at_least), plain(limits.at_most)};
}

// --- numbers, texts, flags ---

bool read_number(const Value&, const std::string& path, ReadContext&, double& out);
bool read_integer(const Value&, const std::string& path, ReadContext&, std::int64_t& out);
bool read_text(const Value&, const std::string& path, ReadContext&, std::string& out);
bool read_quantity(const Value&, const std::string& path, ReadContext&, Dimension, double& base);
void check_limits(const Value&, const std::string& path, ReadContext&, double value, const Limits<double>&, std::optional<Dimension>);

template <> struct LimitType<double> { using type = double; };
template <> struct Codec<double> {
  static void read(const Value& value, const std::string& path, ReadContext& context, double& out, const Limits<double>& limits) {
    if (read_number(value, path, context, out)) check_limits(value, path, context, out, limits, std::nullopt);
  }
  static Value write(double value) { return value; }
  static TypeDescription describe();
};

template <> struct LimitType<std::int64_t> { using type = std::int64_t; };
template <> struct Codec<std::int64_t> {
  static void read(const Value& value, const std::string& path, ReadContext& context, std::int64_t& out, const Limits<std::int64_t>& limits) {
    if (read_integer(value, path, context, out)) check_limits(value, path, context, static_cast<double>(out), plain_limits(limits), std::nullopt);
  }
  static Value write(std::int64_t value) { return value; }
  static TypeDescription describe();
};

template <> struct Codec<bool> {
  static void read(const Value& value, const std::string& path, ReadContext& context, bool& out, const Limits<std::monostate>&);
  static Value write(bool value) { return value; }
  static TypeDescription describe();
};

template <> struct Codec<std::string> {
  static void read(const Value& value, const std::string& path, ReadContext& context, std::string& out, const Limits<std::monostate>&) {
    read_text(value, path, context, out);
  }
  static Value write(const std::string& value) { return value; }
  static TypeDescription describe();
};

template <> struct Codec<Date> {
  static void read(const Value& value, const std::string& path, ReadContext& context, Date& out, const Limits<std::monostate>&);
  static Value write(Date value) { return value.text(); }
  static TypeDescription describe();
};

TypeDescription describe_quantity(Dimension dimension);
std::string quantity_text(double base, Dimension dimension);

template <Dimension D> struct LimitType<Quantity<D>> { using type = Quantity<D>; };
template <Dimension D> struct Codec<Quantity<D>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, Quantity<D>& out, const Limits<Quantity<D>>& limits) {
    double base = 0;
    if (!read_quantity(value, path, context, D, base)) return;
    out = Quantity<D>::from_base(base);
    check_limits(value, path, context, base, plain_limits(limits), D);
  }
  static Value write(Quantity<D> value) { return quantity_text(value.base(), D); }
  static TypeDescription describe() { return describe_quantity(D); }
};

// --- enumerations: specialise EnumTexts with a table of (value, text) ---

template <class E>
struct EnumTexts;

std::optional<std::size_t> read_choice(const Value&, const std::string& path, ReadContext&, const std::vector<std::string>& texts);
TypeDescription describe_choice(const std::vector<std::string>& texts);

template <class E>
std::vector<std::string> enum_texts() {
  std::vector<std::string> texts;
  for (const auto& [value, text] : EnumTexts<E>::values) texts.emplace_back(text);
  return texts;
}
template <class E>
std::string enum_text(E value) {
  for (const auto& [candidate, text] : EnumTexts<E>::values)
    if (candidate == value) return std::string{text};
  return "?";
}
template <class E>
  requires std::is_enum_v<E>
struct Codec<E> {
  static void read(const Value& value, const std::string& path, ReadContext& context, E& out, const Limits<std::monostate>&) {
    if (const auto index = read_choice(value, path, context, enum_texts<E>())) out = EnumTexts<E>::values[*index].first;
  }
  static Value write(E value) { return enum_text(value); }
  static TypeDescription describe() { return describe_choice(enum_texts<E>()); }
};

// --- containers ---

template <class T> struct LimitType<std::optional<T>> : LimitType<T> {};
template <class T> struct Codec<std::optional<T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, std::optional<T>& out, const Limits<LimitOf<T>>& limits) {
    Codec<T>::read(value, path, context, out.emplace(), limits);
  }
  static Value write(const std::optional<T>& value) { return value ? Codec<T>::write(*value) : Value{}; }
  static TypeDescription describe() { return Codec<T>::describe(); }
};

const Value::List* expect_list(const Value&, const std::string& path, ReadContext&, std::string_view what);
TypeDescription describe_list(TypeDescription element);

template <class T> struct LimitType<std::vector<T>> : LimitType<T> {};
template <class T> struct Codec<std::vector<T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, std::vector<T>& out, const Limits<LimitOf<T>>& limits) {
    out.clear();
    const auto* list = expect_list(value, path, context, "a list");
    if (!list) return;
    for (std::size_t i = 0; i < list->size(); ++i) Codec<T>::read((*list)[i], path + "/" + std::to_string(i), context, out.emplace_back(), limits);
  }
  static Value write(const std::vector<T>& values) {
    Value::List list;
    for (const auto& value : values) list.push_back(Codec<T>::write(value));
    return list;
  }
  static TypeDescription describe() { return describe_list(Codec<T>::describe()); }
};

const Value::Object* expect_object(const Value&, const std::string& path, ReadContext&, std::string_view what);
TypeDescription describe_map(TypeDescription element);
/// Keys that start with "_" and "$comment" are notes and are passed over.
bool is_note(std::string_view key);

template <class T> struct LimitType<std::map<std::string, T>> : LimitType<T> {};
template <class T> struct Codec<std::map<std::string, T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, std::map<std::string, T>& out, const Limits<LimitOf<T>>& limits) {
    out.clear();
    const auto* object = expect_object(value, path, context, "an object");
    if (!object) return;
    for (const auto& [key, member] : *object)
      if (!is_note(key)) Codec<T>::read(member, path + "/" + key, context, out[key], limits);
  }
  static Value write(const std::map<std::string, T>& values) {
    Value::Object object;
    for (const auto& [key, value] : values) object.push_back({key, Codec<T>::write(value)});
    return object;
  }
  static TypeDescription describe() { return describe_map(Codec<T>::describe()); }
};

/// Reads the date of the i-th point and checks that it comes after the one before.
bool read_point_date(const Value& point, const std::string& path, ReadContext&, const Date* before, Date& out);
TypeDescription describe_ramp(const TypeDescription& value);

template <class T> struct LimitType<Ramp<T>> : LimitType<T> {};
/// A ramp is a list of [date, value], or one value that holds at all times.
template <class T> struct Codec<Ramp<T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, Ramp<T>& out, const Limits<LimitOf<T>>& limits) {
    if (value.template get_if<std::string>() || value.is_number()) {
      T constant{};
      Codec<T>::read(value, path, context, constant, limits);
      out = Ramp<T>::constant(constant);
      return;
    }
    const auto* list = expect_list(value, path, context, "a value, or a list of [date, value] points");
    if (!list) return;
    if (list->empty()) context.complain(value, path, "a ramp needs at least one [date, value] point");
    std::vector<typename Ramp<T>::Point> points;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string at = path + "/" + std::to_string(i);
      typename Ramp<T>::Point point;
      if (!read_point_date((*list)[i], at, context, points.empty() ? nullptr : &points.back().first, point.first)) continue;
      Codec<T>::read((*(*list)[i].template get_if<Value::List>())[1], at + "/1", context, point.second, limits);
      points.push_back(point);
    }
    out = Ramp<T>(std::move(points));
  }
  static Value write(const Ramp<T>& ramp) {
    if (ramp.empty()) return {};
    if (ramp.points().size() == 1) return Codec<T>::write(ramp.points().front().second);
    Value::List list;
    for (const auto& [date, value] : ramp.points()) list.push_back(Value::List{Value{date.text()}, Codec<T>::write(value)});
    return list;
  }
  static TypeDescription describe() { return describe_ramp(Codec<T>::describe()); }
};

}  // namespace waferwatt::io
