// SPDX-License-Identifier: Apache-2.0
#pragma once
// One declaration of a record's fields gives its reader, writer, JSON Schema and reference
// page:
//
//   const io::Record<Disk>& Disk::record() {
//     static const auto record = io::Record<Disk>("disk", "A disk of a storage node.")
//         .required("capacity", &Disk::capacity, {.doc = "Usable bytes.", .above = 0 * byte})
//         .optional("name", &Disk::name, {.doc = "Shown in reports."});
//     return record;
//   }
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/io/codec.hpp"

namespace waferwatt::io {

/// What a field accepts, and what it means.
template <class T>
struct Rules {
  std::string_view doc;
  std::optional<LimitOf<T>> above = {}, at_least = {}, at_most = {};
};

/// A field as the schema and the reference page show it.
struct FieldDescription {
  std::string key;
  std::string doc;
  bool required = false;
  TypeDescription type;
  std::string limits;  ///< "above 0 W, at most 50 kW"
  Value default_value;
};

std::string limits_text(const Limits<double>& limits, std::optional<Dimension> dimension);

class RecordBase {
 public:
  const std::string& name() const { return name_; }
  const std::string& doc() const { return doc_; }
  const std::vector<FieldDescription>& fields() const { return fields_; }

 protected:
  RecordBase(std::string name, std::string doc) : name_(std::move(name)), doc_(std::move(doc)) {}
  void declare(FieldDescription field);
  /// Unknown keys, with the nearest known one.
  void complain_of_unknown_keys(const Value&, const std::string& path, ReadContext&) const;

 private:
  std::string name_, doc_;
  std::vector<FieldDescription> fields_;
};

/// Reports a problem of one field of a record that spans fields.
using FieldComplaint = std::function<void(std::string_view key, std::string message)>;

template <class T>
class Record : public RecordBase {
 public:
  Record(std::string name, std::string doc) : RecordBase(std::move(name), std::move(doc)) {}

  template <class M>
  Record&& required(std::string_view key, M T::*member, const std::type_identity_t<Rules<M>>& rules) && {
    return std::move(*this).field(key, member, rules, true);
  }
  /// Absent: the member keeps the value it has in a default-made T.
  template <class M>
  Record&& optional(std::string_view key, M T::*member, const std::type_identity_t<Rules<M>>& rules) && {
    return std::move(*this).field(key, member, rules, false);
  }
  /// A rule that spans fields; it runs only when every field was read without a problem.
  Record&& check(std::function<void(const T&, const FieldComplaint&)> rule) && {
    checks_.push_back(std::move(rule));
    return std::move(*this);
  }

  /// Problems go to the context; `out` is complete only if there were none.
  void read(const Value& value, const std::string& path, ReadContext& context, T& out) const {
    if (!expect_object(value, path, context, "an object (" + name() + ")")) return;
    if constexpr (requires { out.where.path; }) out.where = location_of(value, path);
    const std::size_t n_before = context.diagnostics.found().size();
    for (const auto& entry : readers_) entry(value, path, context, out);
    complain_of_unknown_keys(value, path, context);
    if (context.diagnostics.found().size() > n_before) return;
    for (const auto& rule : checks_)
      rule(out, [&](std::string_view key, std::string message) {
        const Value* member = value.find(key);
        context.complain(member ? *member : value, key.empty() ? path : path + '/' + std::string{key}, std::move(message));
      });
  }

  Value write(const T& record) const {
    Value::Object object;
    for (std::size_t i = 0; i < writers_.size(); ++i)
      if (Value value = writers_[i](record); !value.is_null()) object.push_back({fields()[i].key, std::move(value)});
    return object;
  }

 private:
  using Reader = std::function<void(const Value&, const std::string& path, ReadContext&, T&)>;
  using Writer = std::function<Value(const T&)>;

  template <class M>
  Record&& field(std::string_view key, M T::*member, const Rules<M>& rules, bool required) {
    const Limits<LimitOf<M>> limits{rules.above, rules.at_least, rules.at_most};
    const std::string name{key};
    readers_.push_back([name, member, limits, required](const Value& value, const std::string& path, ReadContext& context, T& out) {
      if (const Value* found = value.find(name)) Codec<M>::read(*found, path + "/" + name, context, out.*member, limits);
      else if (required) context.complain(value, path, "missing key \"" + name + "\", " + Codec<M>::describe().text);
    });
    writers_.push_back([member](const T& record) { return Codec<M>::write(record.*member); });
    FieldDescription description{.key = name, .doc = std::string{rules.doc}, .required = required, .type = Codec<M>::describe()};
    if constexpr (requires { LimitOf<M>::dimension; }) description.limits = limits_text(plain_limits(limits), LimitOf<M>::dimension);
    else if constexpr (!std::is_same_v<LimitOf<M>, std::monostate>) description.limits = limits_text(plain_limits(limits), std::nullopt);
    if (!required) description.default_value = Codec<M>::write(T{}.*member);
    declare(std::move(description));
    return std::move(*this);
  }

  std::vector<Reader> readers_;
  std::vector<Writer> writers_;
  std::vector<std::function<void(const T&, const FieldComplaint&)>> checks_;
};

/// Types that declare a record are read and written by it wherever they stand.
template <class T>
  requires requires { T::record(); }
struct Codec<T> {
  static void read(const Value& value, const std::string& path, ReadContext& context, T& out, const Limits<std::monostate>&) {
    T::record().read(value, path, context, out);
  }
  static Value write(const T& record) { return T::record().write(record); }
  static TypeDescription describe() { return {T::record().name(), Value{}, &T::record()}; }
};

/// JSON Schema (draft 2020-12) of a record, nested records included.
Value json_schema(const RecordBase& record);

/// A Markdown table of a record's fields, nested records after it.
std::string markdown_reference(const RecordBase& record);

}  // namespace waferwatt::io
