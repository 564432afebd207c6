// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/network_cases.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace waferwatt;
using namespace waferwatt::validation;

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

TEST_CASE("copies of a token to distinct ranks are counted as drawing without putting back") {
  // Two ranks of two experts, two drawn: none of a rank's two in 1 of 6 draws: 2 * (1 - 1/6).
  CHECK(distinct_ranks(4, 2, 2) == Approx(2 * 5.0 / 6));
  CHECK(distinct_ranks(8, 1, 8) == Approx(1));
  CHECK(distinct_ranks(8, 8, 8) == Approx(8));
}

TEST_CASE("cases that cannot be predicted are skipped with their reason") {
  const auto file = written("waferwatt_network_cases.csv",
                            "system,nccl_version,op,num_gpus,bytes,dtype,us\n"
                            "h200_sxm,2.29.2,all_reduce,8,512,half,16.0\n"
                            "h200_sxm,2.29.2,all_reduce,8,0,half,16.0\n"
                            "b60,2.29.2,all_reduce,8,512,half,16.0\n"
                            "l40s,2.27.3,all_reduce,8,512,half,16.0\n"
                            "h200_sxm,2.29.2,all_swap,8,512,half,16.0\n"
                            "h200_sxm,2.29.2,all_reduce,8,512,half,fast\n");
  const auto report = validate_network(shipped(), {file});
  CHECK(report.n_cases == 6);
  CHECK(report.all.n == 1);
  CHECK(report.skipped.size() == 5);
  CHECK(report.all.median < 0.1);
  CHECK_THROWS_WITH(validate_network(shipped(), {written("waferwatt_other.csv", "a,b\n1,2\n")}),
                    Catch::Matchers::Contains("its columns are of no known table of collectives"));
  std::filesystem::remove(file);
}

TEST_CASE("DeepEP's published normal kernels are exchanges of one copy of a token for each node") {
  // 4,096 tokens of 7,168 bytes to 8 of 256 experts on 4 nodes: 4 (1 - C(192, 8) / C(256, 8)) = 3.612 copies, 106.1 MB at 58 GB/s.
  const auto file = written("waferwatt_normal.csv", "type,dispatch_ep,dispatch_GBps,dispatch_link,combine_ep,combine_GBps,combine_link\n"
                                                    "Internode,32,58,RDMA,32,57,RDMA\n");
  const auto report = validate_network(shipped(), {file});
  REQUIRE(report.cases.size() == 2);
  CHECK(report.cases[0].measured_s == Approx(1.829e-3).epsilon(1e-3));
  CHECK(report.cases[1].measured_s == Approx(2 * 1.829e-3 * 58 / 57).epsilon(1e-3));
  // Three quarters of the copies leave the node over a NIC of 50 GB/s at 0.85.
  CHECK(report.cases[0].predicted_s == Approx(106.1e6 * 0.75 / 42.5e9).epsilon(0.02));
  CHECK(report.all.median < 0.05);
  std::filesystem::remove(file);
}

TEST_CASE("held-out errors of measured collectives stay within their goals") {
  const std::string folder = std::string{WAFERWATT_SHARED_DIR} + "/data/kernels/";
  if (!std::filesystem::exists(folder + "all_nccl.csv.gz")) {
    WARN("skipped: the measured tables are absent");
    return;
  }
  const auto nccl = validate_network(shipped(), {folder + "all_nccl.csv.gz"});
  CHECK(nccl.held_out_groups.at("all nccl below 1 MiB").median <= 0.15);
  CHECK(nccl.held_out_groups.at("all nccl from 1 MiB").median <= 0.08);
  for (const auto& [id, calibration] : shipped().collectives.all())
    for (const auto& curve : calibration.curves)
      if (curve.library.starts_with("deepep")) {
        INFO(id << " " << curve.library << " " << curve.operation);
        CHECK(curve.held_out_error <= 0.20);
      }
  CHECK(validate_network(shipped(), {folder + "all_deepep_low_latency.csv.gz", folder + "all_deepep_normal.csv.gz"}).all.median <= 0.15);
}
