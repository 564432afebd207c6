// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <functional>
#include <stdexcept>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::io {
namespace {

bool is_snake_case(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

/// Puts the schema of a nested record where the type description left a hole.
Value filled_schema(const TypeDescription& type) {
  if (!type.record) return type.schema;
  if (type.schema.is_null()) return json_schema(*type.record);
  Value schema = type.schema;
  const std::function<void(Value&)> fill = [&](Value& at) {
    for (const char* key : {"items", "additionalProperties"})
      if (Value* inner = at.find(key)) {
        if (inner->is_null()) *inner = json_schema(*type.record);
        else fill(*inner);
      }
    if (Value* alternatives = at.find("anyOf"))
      if (auto* list = alternatives->get_if<Value::List>())
        for (auto& alternative : *list) {
          if (alternative.is_null()) alternative = json_schema(*type.record);
          else fill(alternative);
        }
  };
  fill(schema);
  return schema;
}

void collect_records(const RecordBase& record, std::vector<const RecordBase*>& records) {
  if (std::ranges::find(records, &record) != records.end()) return;
  records.push_back(&record);
  for (const auto& field : record.fields())
    if (field.type.record) collect_records(*field.type.record, records);
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

std::string limits_text(const Limits<double>& limits, std::optional<Dimension> dimension) {
  std::string text;
  const auto add = [&](const char* word, const std::optional<double>& limit) {
    if (!limit) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", word,
                        dimension ? format_unit_text(*limit, *dimension) : fmt::format("{}", *limit));
  };
  add("above", limits.above);
  add("at least", limits.at_least);
  add("at most", limits.at_most);
  return text;
}

void RecordBase::declare(FieldDescription field) {
  if (!is_snake_case(field.key)) throw std::logic_error(fmt::format("record {}: key \"{}\" is not snake_case", name_, field.key));
  if (field.doc.empty()) throw std::logic_error(fmt::format("record {}: key \"{}\" has no doc", name_, field.key));
  for (const auto& present : fields_)
    if (present.key == field.key) throw std::logic_error(fmt::format("record {}: key \"{}\" is declared twice", name_, field.key));
  fields_.push_back(std::move(field));
}

void RecordBase::complain_of_unknown_keys(const Value& value, const std::string& path, ReadContext& context) const {
  std::vector<std::string> known;
  for (const auto& field : fields_) known.push_back(field.key);
  for (const auto& [key, member] : *value.get_if<Value::Object>()) {
    if (is_note(key) || std::ranges::find(known, key) != known.end()) continue;
    context.complain(member, path + "/" + key, fmt::format("unknown key \"{}\"{}", key, suggestion(key, known, "keys")));
  }
}

Value json_schema(const RecordBase& record) {
  Value::Object properties;
  Value::List required;
  for (const auto& field : record.fields()) {
    Value schema = filled_schema(field.type);
    std::string description = field.doc;
    if (!field.limits.empty()) description += fmt::format(" Limits: {}.", field.limits);
    schema["description"] = Value{description};
    if (!field.default_value.is_null()) schema["default"] = field.default_value;
    properties.push_back({field.key, std::move(schema)});
    if (field.required) required.emplace_back(field.key);
  }
  return Value::Object{{"type", Value{"object"}},
                       {"description", Value{record.doc()}},
                       {"properties", Value{std::move(properties)}},
                       {"patternProperties", Value{Value::Object{{"^(_|\\$)", Value{Value::Object{}}}}}},
                       {"required", Value{std::move(required)}},
                       {"additionalProperties", Value{false}}};
}

std::string markdown_reference(const RecordBase& record) {
  std::vector<const RecordBase*> records;
  collect_records(record, records);
  std::string text;
  for (const auto* entry : records) {
    text += fmt::format("{} {}\n\n{}\n\n| key | what it is | limits | default | meaning |\n| --- | --- | --- | --- | --- |\n",
                        entry == &record ? "##" : "###", entry->name(), entry->doc());
    for (const auto& field : entry->fields()) {
      std::string fallback = field.required ? "required" : "absent";
      if (!field.default_value.is_null()) {
        fallback = to_json(field.default_value);
        fallback.pop_back();
        std::ranges::replace(fallback, '\n', ' ');
        fallback = fmt::format("`{}`", fallback);
      }
      text += fmt::format("| `{}` | {} | {} | {} | {} |\n", field.key, cell(field.type.text), cell(field.limits), cell(fallback), cell(field.doc));
    }
    text += '\n';
  }
  return text;
}

}  // namespace waferwatt::io
