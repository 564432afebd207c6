// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/used_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace waferwatt::report {
namespace {

using io::Value;

/// Keys by which a thing of the catalog names a part of itself. Vendors and partners are not parts.
bool names_a_part(std::string_view key) {
  constexpr std::string_view kParts[] = {"accelerator", "fabric", "memory",      "packaging",
                                         "family",      "node",   "capacity_of", "grid"};
  return std::ranges::find(kParts, key) != std::end(kParts);
}

const std::string* text_of(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  return member ? member->get_if<std::string>() : nullptr;
}

std::string short_text(const Value& value) {
  if (const auto* text = value.get_if<std::string>()) return *text;
  const auto* list = value.get_if<Value::List>();
  if (list && list->size() >= 2) {
    const auto point = [](const Value& v) {
      const auto* pair = v.get_if<Value::List>();
      return pair && pair->size() == 2 ? fmt::format("{} at {}", short_text((*pair)[1]), short_text((*pair)[0]))
                                       : std::string{"..."};
    };
    return fmt::format("{} ... {}", point(list->front()), point(list->back()));
  }
  std::string text = io::to_json(value);
  text.pop_back();
  return text;
}

std::string range_text(const Value* low, const Value* high) {
  if (!low || !high) return "";
  return low->get_if<Value::List>() ? "by date" : fmt::format("{} to {}", short_text(*low), short_text(*high));
}

class Collector {
 public:
  explicit Collector(const catalog::Catalog& catalog) : catalog_(catalog) {
    for (const auto& kind : catalog::kinds())
      for (auto& id : catalog::ids_of_kind(catalog, kind)) ids_.insert(std::move(id));
  }

  /// Follows every text of the scenario that is an id.
  void follow_scenario(const Value& value, const std::string& path) {
    if (is_fact(value)) return add_fact("scenario", path, value);
    if (const auto* text = value.get_if<std::string>()) return follow_thing(*text);
    for_each_member(value, [&](const std::string& key, const Value& member) {
      if (!path.empty() || (key != "name" && key != "question")) follow_scenario(member, joined(path, key));
    });
  }

  std::vector<UsedValue> take() { return std::move(values_); }

 private:
  static bool is_fact(const Value& value) {
    return value.find("value") && text_of(value, "source") && text_of(value, "quality");
  }
  static std::string joined(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "/" + key;
  }

  template <class F>
  static void for_each_member(const Value& value, F visit) {
    if (const auto* object = value.get_if<Value::Object>())
      for (const auto& [key, member] : *object) visit(key, member);
    if (const auto* list = value.get_if<Value::List>())
      for (std::size_t i = 0; i < list->size(); ++i) visit(std::to_string(i), (*list)[i]);
  }

  void follow_thing(const std::string& id) {
    if (!ids_.contains(id) || !seen_.insert(id).second) return;
    const Value thing = catalog::show(catalog_, id);
    collect(id, "", thing);
    for_each_member(thing, [&](const std::string& key, const Value& member) {
      if (const auto* part = member.get_if<std::string>(); part && names_a_part(key)) follow_thing(*part);
    });
  }

  void collect(const std::string& id, const std::string& path, const Value& value) {
    if (is_fact(value))
      add_fact(id, path, value);
    else
      for_each_member(value,
                      [&](const std::string& key, const Value& member) { collect(id, joined(path, key), member); });
  }

  void add_fact(const std::string& thing, const std::string& key, const Value& fact) {
    const std::string source = *text_of(fact, "source");
    const auto known = catalog_.sources.find(source);
    const auto* note = text_of(fact, "note");
    values_.push_back({thing, key, short_text(*fact.find("value")), range_text(fact.find("low"), fact.find("high")),
                       *text_of(fact, "quality"),
                       known == catalog_.sources.end()
                           ? source
                           : fmt::format("{} ({})", known->second.title, known->second.publisher),
                       note ? *note : ""});
  }

  const catalog::Catalog& catalog_;
  std::set<std::string, std::less<>> ids_, seen_;
  std::vector<UsedValue> values_;
};

}  // namespace

std::vector<UsedValue> used_values(const Value& resolved, const catalog::Catalog& catalog) {
  Collector collector(catalog);
  collector.follow_scenario(resolved, "");
  return collector.take();
}

core::Table inputs_table(const std::vector<UsedValue>& values) {
  using Kind = core::Table::Kind;
  core::Table table("inputs", {{"of", Kind::text}, {"value_of", Kind::text}, {"value", Kind::text}, {"range", Kind::text}, {"quality", Kind::text},
                         {"source", Kind::text}, {"note", Kind::text}});
  for (const auto& value : values) table.add({value.thing, value.key, value.value, value.range, value.quality, value.source, value.note});
  return table;
}

}  // namespace waferwatt::report
