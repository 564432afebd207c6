// SPDX-License-Identifier: Apache-2.0
#pragma once
// One folder of models/, file by file.
#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/catalog/energy.hpp"
#include "waferwatt/catalog/policy.hpp"

namespace waferwatt::catalog {

/// A message about a whole file.
inline Diagnostic about_file(const std::filesystem::path& file, std::string message) { return {file.string(), 1, 1, "", std::move(message)}; }

template <class T>
void read_shelf(const std::filesystem::path& folder, Shelf<T>& shelf, CatalogReadContext& context) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) {
    const std::size_t n_before = context.diagnostics.found().size();
    const io::Value value = io::read_json_file(file.string(), context.diagnostics);
    if (context.diagnostics.found().size() > n_before) continue;
    T thing;
    io::Codec<T>::read(value, "", context, thing, {});
    if (context.diagnostics.found().size() > n_before) continue;
    if (thing.id != file.stem()) context.diagnostics.add(about_file(file, fmt::format("id \"{}\" differs from the file's name", thing.id)));
    shelf.add(std::move(thing));
  }
}

/// The folders of EnergyShelves; citations go to the context.
void read_energy(const std::filesystem::path& folder, EnergyShelves& shelves, CatalogReadContext& context);
/// models/policies; citations go to the context.
void read_policies(const std::filesystem::path& folder, Shelf<Policy>& policies, CatalogReadContext& context);

}  // namespace waferwatt::catalog
