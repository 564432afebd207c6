// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/collective_fit.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

using namespace waferwatt;
using namespace waferwatt::validation;
using Catch::Matchers::Contains;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(std::string{WAFERWATT_SOURCE_DIR} + "/models");
  return catalog;
}

std::string written(const std::string& name, const std::string& text) {
  const auto path = (std::filesystem::temp_directory_path() / name).string();
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("curves of collectives are medians by size, newest library first, and bad rows have their reason") {
  const auto file = written("waferwatt_collective_fit.csv",
                            "system,nccl_version,op,num_gpus,bytes,dtype,us\n"
                            "h200_sxm,2.20.0,all_reduce,8,1024,half,20\n"
                            "h200_sxm,2.20.0,all_reduce,8,2048,half,21\n"
                            "h200_sxm,2.29.2,all_reduce,8,1024,half,10\n"
                            "h200_sxm,2.29.2,all_reduce,8,1024,half,12\n"
                            "h200_sxm,2.29.2,all_reduce,8,1024,half,11\n"
                            "h200_sxm,2.29.2,all_reduce,8,1024,half,99\n"  // far from the others
                            "h200_sxm,2.29.2,all_reduce,8,4096,half,13\n"
                            "h200_sxm,2.29.2,all_reduce,8,4096,int8,14\n"  // a curve of its own, of one size
                            "h200_sxm,2.29.2,all_reduce,8,4096,half,-1\n"
                            "gpu_x,2.29.2,all_reduce,8,4096,half,1\n");
  const auto fit = fit_collectives(shipped(), {file}, "aiconfigurator-nccl");
  REQUIRE(fit.calibrations.size() == 1);
  const auto& curves = fit.calibrations[0].curves;
  REQUIRE(curves.size() == 2);
  CHECK(curves[0].library == "nccl 2.29.2");
  CHECK(curves[0].sizes_byte == std::vector<double>{1024, 4096});
  CHECK(curves[0].times_us == std::vector<double>{11, 13});
  CHECK(curves[0].n_points == 4);
  CHECK(curves[1].library == "nccl 2.20.0");
  // Held out: 1024 told by the curve of 4096 alone, and the other way round: 13/11, 13/10, 13/12 and 11/13.
  CHECK(curves[0].held_out_error == Approx((2.0 / 13 + 2.0 / 11) / 2));
  REQUIRE(fit.n_rows == 10);
  REQUIRE(fit.skipped.size() == 4);
  std::string reasons;
  for (const auto& s : fit.skipped) reasons += s.reason + "\n";
  CHECK_THAT(reasons, Contains("99 us is 8.61 times the median of its size, 11.5 us"));
  CHECK_THAT(reasons, Contains("the only size of its curve"));
  CHECK_THAT(reasons, Contains("time -1 is not above zero"));
  CHECK_THAT(reasons, Contains("\"gpu_x\" is no accelerator of the catalog"));
  std::filesystem::remove(file);
}

TEST_CASE("a fitted file reads back, and the shipped one is what its command makes") {
  const std::string folder = std::string{WAFERWATT_SHARED_DIR} + "/data/kernels/";
  if (!std::filesystem::exists(folder + "all_nccl.csv.gz")) {
    WARN("skipped: the measured tables are absent");
    return;
  }
  const auto fit = fit_collectives(shipped(), {folder + "all_nccl.csv.gz"}, "aiconfigurator-nccl");
  CHECK(fit.calibrations.size() == shipped().collectives.all().size());
  for (const auto& calibration : fit.calibrations) {
    const auto* kept = shipped().collectives.find(calibration.accelerator);
    REQUIRE(kept);
    for (const auto& curve : calibration.curves) {
      INFO(calibration.accelerator << " " << curve.operation << " " << curve.library << " " << curve.n_ranks);
      const auto* same = kept->find(curve.operation, curve.library, curve.n_ranks, curve.n_nodes);
      REQUIRE(same);
      CHECK(same->n_points == curve.n_points);
      for (std::size_t i = 0; i < curve.sizes_byte.size(); ++i)
        CHECK(same->time(curve.sizes_byte[i]).in(micro * second) == Approx(curve.times_us[i]).epsilon(1e-3));  // four digits are kept
    }
  }
}
