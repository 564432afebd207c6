// SPDX-License-Identifier: Apache-2.0
#pragma once
// The members that every scenario has, whatever its kind.
#include <cstdint>
#include <optional>
#include <string>

#include "waferwatt/scenario/sweep.hpp"

namespace waferwatt::scenario {

/// The format this version reads.
inline constexpr const char* kSchema = "waferwatt.scenario/1";

/// Many runs with the catalog's uncertain values drawn within their ranges.
struct MonteCarlo {
  std::int64_t runs = 100;
  std::optional<std::int64_t> seed;  ///< absent: the scenario's

  static const io::Record<MonteCarlo>& record();
};

struct Header {
  std::string schema;
  std::string kind;
  std::string name;      ///< names the results folder, see folder_name
  std::string question;  ///< what the scenario answers
  std::int64_t seed = 1;
  std::optional<std::string> extends;  ///< another scenario file, relative to this one

  std::optional<MonteCarlo> monte_carlo;
  std::optional<Sweep> sweep;

  static const io::Record<Header>& record();
};

/// A scenario's name as the name of a folder: "Llama 3 on H100" is Llama-3-on-H100.
std::string folder_name(std::string_view name);

}  // namespace waferwatt::scenario
