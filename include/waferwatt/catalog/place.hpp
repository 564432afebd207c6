// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where accelerators stand and who owns them: fabrics, grids, sites, companies.
#include "waferwatt/catalog/fact.hpp"

namespace waferwatt::catalog {

enum class FabricKind { nvlink_switch, infiniband, ethernet, torus, pcie, supernode };

/// A network between accelerators.
struct Fabric {
  std::string id, name;
  std::optional<std::string> vendor;
  FabricKind kind = FabricKind::ethernet;
  Fact<Bandwidth> bandwidth;  ///< one direction, one accelerator
  Fact<Time> latency;
  Fact<double> efficiency;    ///< fraction of the bandwidth that large messages reach
  std::optional<Fact<std::int64_t>> domain_size, torus_dimensions;
  std::vector<std::string> notes;

  static const io::Record<Fabric>& record();
};

struct Grid {
  std::string id, name, region;
  Fact<Ramp<CarbonIntensity>> carbon_intensity;
  Fact<Ramp<EnergyPrice>> price;
  Fact<Time> connection_time;  ///< request to connection of a large load
  std::vector<std::string> notes;

  static const io::Record<Grid>& record();
};

/// A datacenter campus.
struct Site {
  std::string id, name, owner, grid;
  std::optional<Fact<double>> latitude, longitude;  ///< degrees north and east, for maps
  Fact<Ramp<Power>> power;  ///< facility nameplate
  std::optional<std::string> accelerator;
  std::optional<Fact<std::int64_t>> n_accelerators;
  std::optional<Fact<Money>> capex;
  std::optional<Fact<Time>> land_to_power;
  std::vector<std::string> notes;

  static const io::Record<Site>& record();
};

struct Company {
  std::string id, name, country;
  std::vector<std::string> roles;
  std::vector<std::string> partners;               ///< company ids
  std::vector<std::string> in_house_accelerators;  ///< accelerator ids
  std::optional<Fact<Ramp<MoneyRate>>> capex, datacenter_revenue;
  std::map<std::string, Fact<double>> capex_shares;  ///< what the capital spending goes to
  std::optional<Fact<std::int64_t>> fiscal_year_month;  ///< in which the fiscal year begins; absent: January
  std::optional<Fact<double>> pue;
  std::vector<Fact<std::string>> constraints;      ///< what limits it, in words
  std::vector<std::string> notes;

  static const io::Record<Company>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::FabricKind> {
  static constexpr std::array values{
      std::pair{catalog::FabricKind::nvlink_switch, "nvlink-switch"}, std::pair{catalog::FabricKind::infiniband, "infiniband"},
      std::pair{catalog::FabricKind::ethernet, "ethernet"},           std::pair{catalog::FabricKind::torus, "torus"},
      std::pair{catalog::FabricKind::pcie, "pcie"},                   std::pair{catalog::FabricKind::supernode, "supernode"}};
};
}  // namespace waferwatt::io
