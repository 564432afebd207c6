// SPDX-License-Identifier: Apache-2.0
#pragma once
// A value with its source: what the catalog is made of.
#include "waferwatt/io/record.hpp"

namespace waferwatt::catalog {

/// How a value is known. A guess must give a range, a derived value its formula.
enum class Quality { measured, vendor, paper, analyst, derived, guess, scenario };

template <class T>
struct Fact {
  T value{};
  std::string source;  ///< id in models/sources.json; "scenario" for values given in a scenario
  Quality quality = Quality::scenario;
  std::optional<T> low, high;
  std::string note;
  std::optional<std::int64_t> currency_year;

  const T& operator*() const { return value; }
  const T* operator->() const { return &value; }
};

/// A source id and where it is cited.
struct Citation {
  std::string source;
  io::Place place;
  std::string path;
};

/// A reader's context that also notes which sources are cited.
struct CatalogReadContext : io::ReadContext {
  explicit CatalogReadContext(Diagnostics& diagnostics) : ReadContext{diagnostics, true} {}
  std::vector<Citation> citations;
};

/// A forecast series and the date at which it was made.
template <class T>
struct Vintage {
  Date vintage;
  Fact<Ramp<T>> series;

  static const io::Record<Vintage>& record() {
    static const auto record = io::Record<Vintage>("vintage", "A series as it was known or forecast at a date.")
                                   .required("vintage", &Vintage::vintage, {.doc = "When the series was known."})
                                   .required("series", &Vintage::series, {.doc = "The series, realised and forecast."});
    return record;
  }
};

/// The newest series known at a date; the oldest one for dates before all vintages.
template <class T>
const Ramp<T>& known_at(const std::vector<Vintage<T>>& vintages, Date date) {
  const Vintage<T>* best = &vintages.front();
  for (const auto& candidate : vintages)
    if (candidate.vintage <= date) best = &candidate;
  return best->series.value;
}

struct FactDetails {
  std::string source;
  Quality quality = Quality::scenario;
  std::string note;
  std::optional<std::int64_t> currency_year;
};

/// Everything of a fact but its values. \returns false when `value` is no fact object
bool read_fact_details(const io::Value& value, const std::string& path, io::ReadContext& context, bool has_range, FactDetails& out);
void write_fact_details(const FactDetails& details, io::Value& object);

}  // namespace waferwatt::catalog

namespace waferwatt::io {

template <> struct EnumTexts<catalog::Quality> {
  static constexpr std::array values{
      std::pair{catalog::Quality::measured, "measured"}, std::pair{catalog::Quality::vendor, "vendor"},
      std::pair{catalog::Quality::paper, "paper"},       std::pair{catalog::Quality::analyst, "analyst"},
      std::pair{catalog::Quality::derived, "derived"},   std::pair{catalog::Quality::guess, "guess"},
      std::pair{catalog::Quality::scenario, "scenario"}};
};

template <class T> struct LimitType<catalog::Fact<T>> : LimitType<T> {};

template <class T> struct Codec<catalog::Fact<T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, catalog::Fact<T>& out, const Limits<LimitOf<T>>& limits) {
    // In a scenario a fact may be written as its bare value.
    if (!value.get_if<Value::Object>() && !context.sources_required) {
      out = {};
      Codec<T>::read(value, path, context, out.value, limits);
      out.source = "scenario";
      return;
    }
    catalog::FactDetails details;
    const auto *low = value.find("low"), *high = value.find("high");
    const bool has_range = low && high;
    if (!catalog::read_fact_details(value, path, context, has_range, details)) return;
    const auto read_member = [&](const char* key, T& member) {
      Codec<T>::read(*value.find(key), path + "/" + key, context, member, limits);
    };
    if (value.find("value")) read_member("value", out.value);
    if (value.find("low")) read_member("low", out.low.emplace());
    if (value.find("high")) read_member("high", out.high.emplace());
    if (details.quality == catalog::Quality::guess && has_range && io::to_json(*low) == io::to_json(*high))
      context.complain(*high, path + "/high", "a guess needs a range: \"low\" and \"high\" are the same; if the value is certain, say how it is known");
    out.source = std::move(details.source);
    out.quality = details.quality;
    out.note = std::move(details.note);
    out.currency_year = details.currency_year;
  }
  static Value write(const catalog::Fact<T>& fact) {
    Value object{Value::Object{{"value", Codec<T>::write(fact.value)}}};
    if (fact.low) object["low"] = Codec<T>::write(*fact.low);
    if (fact.high) object["high"] = Codec<T>::write(*fact.high);
    catalog::write_fact_details({fact.source, fact.quality, fact.note, fact.currency_year}, object);
    return object;
  }
  static TypeDescription describe() {
    TypeDescription type = Codec<T>::describe();
    type.text += ", with its source";
    type.schema = Value::Object{{"anyOf", Value{Value::List{type.schema, Value{Value::Object{{"type", Value{"object"}}, {"required", Value{Value::List{Value{"value"}}}}}}}}}};
    return type;
  }
};

}  // namespace waferwatt::io
