// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading a scenario: `extends`, overrides, defaults, checks.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "waferwatt/scenario/header.hpp"
#include "waferwatt/scenario/kinds.hpp"

namespace waferwatt::scenario {

/// A scenario that has been read and checked and can be run.
struct Scenario {
  Header header;
  std::shared_ptr<const Model> model;
  std::shared_ptr<const catalog::Catalog> catalog;
  io::Value document;  ///< as written, extended and overridden
  std::span<const Kind> kinds;

  /// The whole scenario with overrides applied and defaults filled in; it reads back to itself.
  io::Value resolved() const;
};

struct LoadOptions {
  std::vector<std::string> overrides = {};  ///< "PATH=VALUE"
  std::vector<io::Value> patches = {};      ///< merged over the document (RFC 7396)
  std::optional<std::uint64_t> seed = {};   ///< replaces the scenario's seed
  std::span<const Kind> kinds = scenario::kinds();
};

/// \throws InputError with every problem of the file and of those it extends
Scenario load(const std::string& file, std::shared_ptr<const catalog::Catalog> catalog,
              const LoadOptions& options = {});

/// The same for a text; `name` stands for the file in messages and `extends` is relative to the
/// working folder.
Scenario load_text(const std::string& name, std::string_view text, std::shared_ptr<const catalog::Catalog> catalog,
                   const LoadOptions& options = {});

/// One point of a sweep.
struct SweepPoint {
  std::vector<io::Value> values;     ///< one for each axis
  std::optional<Scenario> scenario;  ///< without the sweep
  std::string refusal;               ///< why there is none, where bad points are skipped
};

/// The points of a scenario that has a sweep, in order.
/// \throws InputError with every value that the scenario refuses, where it was written
std::vector<SweepPoint> sweep_points(const Scenario& scenario);

}  // namespace waferwatt::scenario
