// SPDX-License-Identifier: Apache-2.0
#pragma once
// From chips to megawatts. Three powers of one thing that are never mixed: nameplate (what must be
// connected), peak (the highest the meter will see) and mean (what energy follows from).
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::power {

struct PowerLevels {
  Power nameplate, peak, mean;

  friend PowerLevels operator*(double n, const PowerLevels& p) { return {n * p.nameplate, n * p.peak, n * p.mean}; }
  PowerLevels& operator+=(const PowerLevels& p) {
    nameplate += p.nameplate, peak += p.peak, mean += p.mean;
    return *this;
  }
};

/// What a campus adds to its servers. The first is a published ratio, the second the one number fitted to the
/// nameplates of campuses (docs/models/power.md), the third a measurement.
struct CampusFactors {
  double network_and_storage = 1.155;  ///< IT over servers that are not in the catalog: 1,472 W against 10.2 kW / 8 (CoreWeave S-1, 2025)
  double design_pue = 1.27;            ///< on the hottest day, spare losses included
  double peak_load = 8.4 / 10.2;       ///< highest measured over rated power of an 8-GPU node in training
  double mean_pue = 1.15;
};

/// Rated power of one accelerator's share of its server: the upper end where the vendor gives a range. Servers
/// without a rating take TDP times 1.56, the ratio of the TPU v4 (arXiv 2405.21015).
Power rated_server_power(const catalog::Accelerator&, const catalog::System*);

/// Power of one accelerator with its server when the accelerator draws `load` of its TDP. The rest of the server draws
/// 0.257 + 0.43 load of its rating: mean and highest draw of the A100 servers of Acme.
Power server_power(const catalog::Accelerator&, const catalog::System*, double load);

/// The same over the rated power of that server, when the accelerator draws so much; above 1 where the draw is above TDP.
double server_load(const catalog::Accelerator&, const catalog::System*, Power accelerator_power);

/// Facility power of one accelerator.
PowerLevels facility_power(const catalog::Accelerator&, const catalog::System*, const CampusFactors& = {});

}  // namespace waferwatt::power
