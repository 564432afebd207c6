// SPDX-License-Identifier: Apache-2.0
#pragma once
// All of models/: read once, checked as a whole, looked up by id.
#include <filesystem>
#include <map>

#include "waferwatt/catalog/accelerator.hpp"
#include "waferwatt/catalog/calibration.hpp"
#include "waferwatt/catalog/collective_calibration.hpp"
#include "waferwatt/catalog/language_model.hpp"
#include "waferwatt/catalog/place.hpp"
#include "waferwatt/catalog/supply.hpp"

namespace waferwatt::catalog {

/// Where facts come from.
struct Source {
  std::string title, publisher;
  std::optional<std::string> date, url, where, note;

  static const io::Record<Source>& record();
};

/// All things of one kind, by id.
template <class T>
class Shelf {
 public:
  const T* find(std::string_view id) const {
    const auto at = things_.find(id);
    return at == things_.end() ? nullptr : &at->second;
  }
  /// \throws InputError with the nearest ids
  const T& at(std::string_view id) const {
    if (const T* thing = find(id)) return *thing;
    throw InputError("unknown " + T::record().name() + " \"" + std::string{id} + "\"" + suggestion(id, ids(), "ids"));
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> result;
    for (const auto& [id, thing] : things_) result.push_back(id);
    return result;
  }
  const std::map<std::string, T, std::less<>>& all() const { return things_; }
  void add(T thing) { things_.insert_or_assign(thing.id, std::move(thing)); }

 private:
  std::map<std::string, T, std::less<>> things_;
};

struct Catalog {
  std::filesystem::path folder;
  Shelf<Accelerator> accelerators;
  Shelf<System> systems;
  Shelf<LanguageModel> language_models;
  Shelf<Packaging> packaging;
  Shelf<PackagingFamily> packaging_families;
  Shelf<Memory> memories;
  Shelf<MemoryMaker> memory_makers;
  Shelf<ProcessNode> nodes;
  Shelf<FabBuild> fab_builds;
  Shelf<Part> parts;
  Shelf<Fabric> fabrics;
  Shelf<Grid> grids;
  Shelf<Site> sites;
  Shelf<Company> companies;
  Shelf<Calibration> calibrations;
  Shelf<CollectiveCalibration> collectives;
  std::map<std::string, Source, std::less<>> sources;

  /// Reads a folder such as models/.
  /// \throws InputError with every problem of every file: unknown ids and sources, facts
  ///         without source, guesses without range, unused or repeated sources
  static Catalog load(const std::filesystem::path& folder);

  /// The first system that holds an accelerator, or nothing.
  const System* system_of(std::string_view accelerator) const;
};

/// The folders under models/ in the order they are shown: "accelerators", "systems", ...
std::vector<std::string> kinds();

/// The record of a kind ("accelerators"), for schemas. \throws InputError for an unknown kind
const io::RecordBase& record_of_kind(std::string_view kind);

/// Ids of a kind. \throws InputError for an unknown kind
std::vector<std::string> ids_of_kind(const Catalog&, std::string_view kind);

/// One thing, whatever its kind, as JSON. \throws InputError with near ids
io::Value show(const Catalog&, std::string_view id);

/// models/ beside or above the running program, or WAFERWATT_MODELS.
/// \throws InputError when there is none
std::filesystem::path find_models_folder();

/// A thing of the catalog named by its id, or written out in place.
template <class T>
class Reference {
 public:
  Reference() = default;
  explicit Reference(std::string id) : id_(std::move(id)) {}

  /// The thing; an unknown id is a diagnostic where it was written, and nothing is returned.
  const T* resolve(const Shelf<T>& shelf, Diagnostics& diagnostics) const {
    if (own_) return &*own_;
    if (const T* thing = shelf.find(id_)) return thing;
    diagnostics.add(io::diagnostic_at(place_, path_, "unknown " + T::record().name() + " \"" + id_ + "\"" + suggestion(id_, shelf.ids(), "ids")));
    return nullptr;
  }
  const std::string& id() const { return own_ ? own_->id : id_; }
  bool is_inline() const { return own_.has_value(); }

 private:
  friend struct io::Codec<Reference<T>>;
  std::string id_;
  std::optional<T> own_;
  io::Place place_;
  std::string path_;
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <class T> struct Codec<catalog::Reference<T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, catalog::Reference<T>& out, const Limits<std::monostate>&) {
    out.place_ = value.place();
    out.path_ = path;
    if (value.get_if<Value::Object>()) Codec<T>::read(value, path, context, out.own_.emplace(), {});
    else read_text(value, path, context, out.id_);
  }
  static Value write(const catalog::Reference<T>& reference) {
    if (reference.own_) return Codec<T>::write(*reference.own_);
    return reference.id_.empty() ? Value{} : Value{reference.id_};
  }
  static TypeDescription describe() {
    return {T::record().name() + " id, or the record itself",
            Value::Object{{"anyOf", Value{Value::List{Value{Value::Object{{"type", Value{"string"}}}}, Value{Value::Object{{"type", Value{"object"}}}}}}}}};
  }
};
}  // namespace waferwatt::io
