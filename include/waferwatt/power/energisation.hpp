// SPDX-License-Identifier: Apache-2.0
#pragma once
// Chips without megawatts are inventory: accelerators of one owner wait for energised power.
#include <cstddef>
#include <deque>
#include <vector>

#include "waferwatt/core/ramp.hpp"

namespace waferwatt::power {

/// Electrical load of one accelerator with its share of the system. Nameplate power must be
/// there before it is switched on; mean power is what the meter sees.
struct AcceleratorLoad {
  Power it_nameplate;
  double mean_load_fraction = 1;

  Power facility_nameplate(double pue) const { return it_nameplate * pue; }
  Power facility_mean(double pue) const { return it_nameplate * mean_load_fraction * pue; }
};

/// Accelerators of one owner by product: delivered ones wait for power. The product that
/// computes most for its watts is switched on first; within a product the oldest is first.
class EnergisationQueue {
 public:
  /// \param value_of_power of each product, e.g. H100-equivalents per facility watt: higher goes first
  EnergisationQueue(std::vector<double> value_of_power, double pue);

  void deliver(std::size_t product, double n_accelerators, Date date);

  /// Accelerators that are on already, delivered at a date.
  void place_energised(std::size_t product, double n_accelerators, Date date);

  /// Switches on what the energised facility power allows. Where power was taken away nothing
  /// is switched off: the overdraft is worked off.
  void energise(Power available, const std::vector<AcceleratorLoad>& loads);

  /// Takes out accelerators older than a service life. \returns how many of each product
  std::vector<double> retire(Date date, Time service_life);

  const std::vector<double>& energised() const { return energised_; }
  const std::vector<double>& waiting() const { return waiting_; }

  /// Facility nameplate power of all energised accelerators.
  Power power_in_use(const std::vector<AcceleratorLoad>& loads) const;
  double pue() const { return pue_; }

 private:
  struct Batch {
    double n_accelerators;
    Date delivered;
  };
  std::vector<std::deque<Batch>> batches_;  // by product, oldest first
  std::vector<std::size_t> order_;          // products, first to be switched on first
  std::vector<double> energised_, waiting_;
  double pue_;
};

}  // namespace waferwatt::power
