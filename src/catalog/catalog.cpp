// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "read_shelf.hpp"

namespace waferwatt::catalog {
namespace {

namespace fs = std::filesystem;

/// Calls `visit(folder, shelf)` for every kind: the one list of kinds.
template <class C, class F>
void for_each_kind(C& catalog, F visit) {
  visit("accelerators", catalog.accelerators);
  visit("systems", catalog.systems);
  visit("language-models", catalog.language_models);
  visit("packaging", catalog.packaging);
  visit("packaging-families", catalog.packaging_families);
  visit("memories", catalog.memories);
  visit("memory-makers", catalog.memory_makers);
  visit("nodes", catalog.nodes);
  visit("fab-builds", catalog.fab_builds);
  visit("parts", catalog.parts);
  visit("fabrics", catalog.fabrics);
  visit("grids", catalog.grids);
  visit("sites", catalog.sites);
  visit("companies", catalog.companies);
  visit("calibrations", catalog.calibrations);
  visit("collectives", catalog.collectives);
}

/// What is read apart (energy.hpp, policy.hpp).
struct ApartShelves {
  EnergyShelves energy;
  Shelf<Policy> policies;

  static ApartShelves load(const fs::path& folder) { return {EnergyShelves::load(folder), load_policies(folder)}; }
};

/// The same for what is read apart.
template <class F>
void for_each_apart_kind(const ApartShelves& shelves, F visit) {
  visit("power-sources", shelves.energy.power_sources);
  visit("campus-builds", shelves.energy.campus_builds);
  visit("climates", shelves.energy.climates);
  visit("policies", shelves.policies);
}

template <class T>
const io::RecordBase& record_of(const Shelf<T>&) { return T::record(); }

void read_sources(const fs::path& file, Catalog& catalog, Diagnostics& diagnostics) {
  io::ReadContext context{diagnostics};
  const std::size_t n_before = diagnostics.found().size();
  const io::Value value = io::read_json_file(file.string(), diagnostics);
  if (diagnostics.found().size() > n_before) return;
  std::map<std::string, Source> sources;
  io::Codec<std::map<std::string, Source>>::read(value, "", context, sources, {});
  std::map<std::string, std::string> by_url;
  for (auto& [id, source] : sources) {
    if (!source.url && !source.where) diagnostics.add(about_file(file, fmt::format("source \"{}\" needs a url or a where", id)));
    if (source.url)
      if (const auto [at, is_new] = by_url.emplace(*source.url, id); !is_new)
        diagnostics.add(about_file(file, fmt::format("sources \"{}\" and \"{}\" have the same url", at->second, id)));
    catalog.sources.emplace(id, std::move(source));
  }
}

/// Every source cited exists and every source is cited.
void check_citations(const Catalog& catalog, const std::vector<Citation>& citations, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const auto& [id, source] : catalog.sources) known.push_back(id);
  std::set<std::string> cited;
  for (const auto& citation : citations) {
    cited.insert(citation.source);
    if (!catalog.sources.contains(citation.source))
      diagnostics.add(io::diagnostic_at(citation.place, citation.path, fmt::format("unknown source \"{}\"{}", citation.source, suggestion(citation.source, known, "sources"))));
  }
  for (const auto& [id, calibration] : catalog.calibrations.all()) {
    cited.insert(calibration.source);
    if (!catalog.sources.contains(calibration.source))
      diagnostics.add(about_file(catalog.folder / "calibrations" / (id + ".json"), fmt::format("unknown source \"{}\"", calibration.source)));
  }
  for (const auto& [id, calibration] : catalog.collectives.all())
    for (const auto& source : calibration.sources()) {
      cited.insert(source);
      if (!catalog.sources.contains(source))
        diagnostics.add(about_file(catalog.folder / "collectives" / (id + ".json"), fmt::format("unknown source \"{}\"", source)));
    }
  for (const auto& id : known)
    if (!cited.contains(id)) diagnostics.add(about_file(catalog.folder / "sources.json", fmt::format("source \"{}\" is never cited", id)));
}

/// Checks ids that point from one file to another.
class LinkChecker {
 public:
  LinkChecker(const Catalog& catalog, Diagnostics& diagnostics) : catalog_(catalog), diagnostics_(diagnostics) {}

  void check() {
    for (const auto& [id, a] : catalog_.accelerators.all()) {
      in("accelerators", id);
      link("vendor", a.vendor, catalog_.companies);
      link("foundry", a.foundry, catalog_.companies);
      link("node", a.node, catalog_.nodes);
      link("packaging", a.packaging, catalog_.packaging);
      link("memory", a.memory, catalog_.memories);
    }
    for (const auto& [id, s] : catalog_.systems.all()) {
      in("systems", id);
      link("vendor", s.vendor, catalog_.companies);
      link("accelerator", s.accelerator, catalog_.accelerators);
      link("fabric", s.fabric, catalog_.fabrics);
    }
    for (const auto& [id, m] : catalog_.language_models.all()) {
      in("language-models", id);
      link("vendor", m.vendor, catalog_.companies);
    }
    for (const auto& [id, c] : catalog_.calibrations.all()) {
      in("calibrations", id);
      link("accelerator", c.accelerator, catalog_.accelerators);
    }
    for (const auto& [id, c] : catalog_.collectives.all()) {
      in("collectives", id);
      link("accelerator", c.accelerator, catalog_.accelerators);
    }
    check_supply();
    check_places();
  }

 private:
  void check_supply() {
    for (const auto& [id, p] : catalog_.packaging.all()) {
      in("packaging", id);
      link("vendor", p.vendor, catalog_.companies);
      link("family", p.family, catalog_.packaging_families);
    }
    for (const auto& [id, f] : catalog_.packaging_families.all()) {
      in("packaging-families", id);
      link("vendor", f.vendor, catalog_.companies);
      for (const auto& share : f.customer_shares) link("customer_shares", share.company, catalog_.companies);
    }
    for (const auto& [id, m] : catalog_.memory_makers.all()) {
      in("memory-makers", id);
      link("vendor", m.vendor, catalog_.companies);
      for (const auto& gate : m.qualified) {
        link("qualified", gate.memory, catalog_.memories);
        link("qualified", gate.customer, catalog_.companies);
      }
    }
    for (const auto& [id, p] : catalog_.parts.all()) {
      in("parts", id);
      for (const auto& use : p.uses)
        for (const auto& accelerator : use.accelerators) link("uses", accelerator, catalog_.accelerators);
    }
    for (const auto& [id, n] : catalog_.nodes.all()) {
      in("nodes", id);
      link("foundry", n.foundry, catalog_.companies);
      link("capacity_of", n.capacity_of, catalog_.nodes);
      check_capacity_of(n);
    }
  }

  /// Nodes that share the capacity of each other in a circle have none.
  void check_capacity_of(const ProcessNode& node) {
    std::string way = node.id;
    std::set<std::string> seen = {node.id};
    for (const auto* at = &node; at && at->capacity_of; at = catalog_.nodes.find(*at->capacity_of)) {
      way += " -> " + *at->capacity_of;
      if (!seen.insert(*at->capacity_of).second) {
        complain("capacity_of", fmt::format("capacity leads in a circle: {}", way));
        return;
      }
    }
  }

  void check_places() {
    for (const auto& [id, f] : catalog_.fabrics.all()) {
      in("fabrics", id);
      link("vendor", f.vendor, catalog_.companies);
    }
    for (const auto& [id, s] : catalog_.sites.all()) {
      in("sites", id);
      link("owner", s.owner, catalog_.companies);
      link("grid", s.grid, catalog_.grids);
      link("accelerator", s.accelerator, catalog_.accelerators);
    }
    for (const auto& [id, c] : catalog_.companies.all()) {
      in("companies", id);
      for (const auto& partner : c.partners) link("partners", partner, catalog_.companies);
      for (const auto& chip : c.in_house_accelerators) link("in_house_accelerators", chip, catalog_.accelerators);
    }
  }

  /// Such errors are rare: the file is read once more to say where its key stands.
  void complain(std::string_view key, std::string message) {
    Diagnostics known;
    const io::Value document = io::read_json_file(file_.string(), known);
    const io::Value* found = document.find(key);
    diagnostics_.add(io::diagnostic_at((found ? *found : document).place(), "/" + std::string{key}, std::move(message)));
  }

  void in(std::string_view kind, const std::string& id) { file_ = catalog_.folder / kind / (id + ".json"); }

  template <class T>
  void link(std::string_view key, const std::string& id, const Shelf<T>& shelf) {
    if (!shelf.find(id))
      complain(key, fmt::format("unknown {} \"{}\"{}", T::record().name(), id, suggestion(id, shelf.ids(), "ids")));
  }
  template <class T>
  void link(std::string_view key, const std::optional<std::string>& id, const Shelf<T>& shelf) {
    if (id) link(key, *id, shelf);
  }

  const Catalog& catalog_;
  Diagnostics& diagnostics_;
  fs::path file_;
};

}  // namespace

const io::Record<Source>& Source::record() {
  static const auto record = io::Record<Source>("source", "Where facts come from.")
                                 .required("title", &Source::title, {.doc = "Title."})
                                 .required("publisher", &Source::publisher, {.doc = "Who published it."})
                                 .optional("date", &Source::date, {.doc = "When it was published."})
                                 .optional("url", &Source::url, {.doc = "Where it can be read."})
                                 .optional("where", &Source::where, {.doc = "Where it can be found if there is no url."})
                                 .optional("note", &Source::note, {.doc = "What to know about it."});
  return record;
}

Catalog Catalog::load(const fs::path& folder) {
  Diagnostics diagnostics;
  Catalog catalog;
  catalog.folder = folder;
  CatalogReadContext context{diagnostics};
  read_sources(folder / "sources.json", catalog, diagnostics);
  for_each_kind(catalog, [&](const char* name, auto& shelf) { read_shelf(folder / name, shelf, context); });
  LinkChecker{catalog, diagnostics}.check();
  EnergyShelves energy;
  read_energy(folder, energy, context);
  for (const auto& id : energy.climates.ids())
    if (!catalog.grids.find(id)) diagnostics.add(about_file(folder / "climates" / (id + ".json"), fmt::format("no grid \"{}\"", id)));
  Shelf<Policy> policies;
  read_policies(folder, policies, context);
  check_citations(catalog, context.citations, diagnostics);
  diagnostics.throw_if_any();
  return catalog;
}

const System* Catalog::system_of(std::string_view accelerator) const {
  for (const auto& [id, system] : systems.all())
    if (system.accelerator == accelerator) return &system;
  return nullptr;
}

std::vector<std::string> kinds() {
  std::vector<std::string> names;
  const Catalog none;
  for_each_kind(none, [&](const char* name, const auto&) { names.emplace_back(name); });
  for_each_apart_kind({}, [&](const char* name, const auto&) { names.emplace_back(name); });
  return names;
}

const io::RecordBase& record_of_kind(std::string_view kind) {
  const Catalog none;
  const io::RecordBase* found = nullptr;
  for_each_kind(none, [&](const char* name, const auto& shelf) {
    if (name == kind) found = &record_of(shelf);
  });
  for_each_apart_kind({}, [&](const char* name, const auto& shelf) {
    if (name == kind) found = &record_of(shelf);
  });
  if (!found) throw InputError(fmt::format("unknown kind \"{}\"{}", kind, suggestion(kind, kinds(), "kinds")));
  return *found;
}

std::vector<std::string> ids_of_kind(const Catalog& catalog, std::string_view kind) {
  record_of_kind(kind);
  std::vector<std::string> ids;
  for_each_kind(catalog, [&](const char* name, const auto& shelf) {
    if (name == kind) ids = shelf.ids();
  });
  if (ids.empty())
    for_each_apart_kind(ApartShelves::load(catalog.folder), [&](const char* name, const auto& shelf) {
      if (name == kind) ids = shelf.ids();
    });
  return ids;
}

io::Value show(const Catalog& catalog, std::string_view id) {
  io::Value found;
  std::vector<std::string> all;
  for_each_kind(catalog, [&]<class T>(const char*, const Shelf<T>& shelf) {
    std::ranges::copy(shelf.ids(), std::back_inserter(all));
    if (const T* thing = shelf.find(id); thing && found.is_null()) found = io::Codec<T>::write(*thing);
  });
  // A climate has the id of its grid, which is found first.
  if (found.is_null())
    for_each_apart_kind(ApartShelves::load(catalog.folder), [&]<class T>(const char*, const Shelf<T>& shelf) {
      std::ranges::copy(shelf.ids(), std::back_inserter(all));
      if (const T* thing = shelf.find(id)) found = io::Codec<T>::write(*thing);
    });
  if (found.is_null()) throw InputError(fmt::format("unknown id \"{}\"{}", id, suggestion(id, all, "ids")));
  return found;
}

fs::path find_models_folder() {
  if (const char* given = std::getenv("WAFERWATT_MODELS")) {
    if (!fs::exists(fs::path{given} / "sources.json")) throw InputError(fmt::format("WAFERWATT_MODELS={} holds no sources.json", given));
    return given;
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (fs::path at = program.parent_path(); !at.empty(); at = at.parent_path()) {
    for (const fs::path& candidate : {at / "models", at / "share/waferwatt/models"})
      if (fs::exists(candidate / "sources.json", error)) return fs::relative(candidate, error).string().size() < candidate.string().size() ? fs::relative(candidate, error) : candidate;
    if (at == at.root_path()) break;
  }
  throw InputError("no models/ folder beside the program; set WAFERWATT_MODELS to it");
}

}  // namespace waferwatt::catalog
