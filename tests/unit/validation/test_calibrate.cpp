// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "fixture.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/cost/quantised_gemm.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

CalibrationFit fitted(const std::string& text, const std::string& name = "h200_gemm.csv") {
  return fit_calibration(shipped(), "nvidia-h200-sxm", read_text(name, text, "nvidia-h200-sxm"));
}

/// The catalog with one calibration replaced, as it comes back from its file.
catalog::Catalog with(const catalog::Calibration& calibration) {
  catalog::Catalog catalog = shipped();
  Diagnostics diagnostics;
  catalog::CatalogReadContext context{diagnostics};
  catalog::Calibration back;
  io::Codec<catalog::Calibration>::read(io::parse_json("c.json", calibration_text(calibration), diagnostics), "", context, back, {});
  diagnostics.throw_if_any();
  catalog.calibrations.add(back);
  return catalog;
}

}  // namespace

TEST_CASE("a synthetic device is found again, and its kept points come back exactly from the file") {
  const std::string text = synthetic_gemms();
  const auto result = fitted(text);
  REQUIRE(result.calibration.fits.size() == 1);
  const auto& fit = result.calibration.fits[0];
  CHECK(fit.compute_efficiency == Approx(0.7).epsilon(0.03));
  CHECK(fit.memory_efficiency == Approx(0.8).epsilon(0.03));
  CHECK(fit.launch_time.in(micro * second) == Approx(3).epsilon(0.10));
  CHECK(fit.domain.at("m") == std::vector<std::int64_t>{1, 16384});
  CHECK(fit.n_points == 120);

  auto calibration = result.calibration;
  calibration.source = "aiconfigurator-kernels";
  const auto catalog = with(calibration);
  const cost::OperatorModel model(catalog.accelerators.at("nvidia-h200-sxm"), catalog);
  const auto m = fit.grid->column("m"), n = fit.grid->column("n"), k = fit.grid->column("k");
  std::map<std::vector<std::int64_t>, double> measured;
  for (const auto& row : read_text("h200_gemm.csv", text).rows) measured[row.shape] = row.time_s;
  for (std::size_t i = 0; i < fit.grid->n_points(); ++i) {
    const auto e = model.estimate(cost::Gemm{static_cast<double>(m[i]), static_cast<double>(n[i]), static_cast<double>(k[i])});
    CHECK(e.provenance == cost::Provenance::measured);
    CHECK(e.time.in(second) == Approx(measured.at({m[i], n[i], k[i]})).epsilon(1e-3));
  }
}

TEST_CASE("times in another unit are refused, and the unit is named") {
  CHECK_THROWS_WITH(fitted(synthetic_gemms(1e-3)), Catch::Contains("of a NVIDIA H200") && Catch::Contains("they look like milliseconds, and the column is in microseconds"));
  CHECK_THROWS_WITH(fitted(synthetic_gemms(1e-6)), Catch::Contains("they look like seconds"));
  CHECK_THROWS_WITH(fitted(synthetic_gemms(1e3)), Catch::Contains("they look like nanoseconds"));
  const auto report = validate_kernels(shipped(), read_text("h200_gemm.csv", synthetic_gemms(1e-3)));
  CHECK_THAT(report.note, Catch::Contains("they look like milliseconds"));
  CHECK(report.skipped.size() > 60);  // each row above the peak says so too
}

TEST_CASE("times too short or too long without a unit's factor are refused by what they mean") {
  CHECK_THROWS_WITH(fitted(synthetic_gemms(0.02)), Catch::Contains("rows are faster than a NVIDIA H200"));
  CHECK_THROWS_WITH(fitted(synthetic_gemms(3e4)), Catch::Contains("of the peak rate and") && Catch::Contains("are they in microseconds"));
}

TEST_CASE("one accelerator's times under another's name are refused, and the right name is given") {
  const cost::OperatorModel a100(shipped().accelerators.at("nvidia-a100-sxm-80gb"), shipped());
  std::string text = "dtype,m,n,k,us\n";
  for (int m = 1; m <= 8192; m *= 2)
    for (const int n : {1024, 4096, 16384})
      for (const int k : {1024, 8192})
        text += fmt::format("bfloat16,{},{},{},{}\n", m, n, k,
                            a100.estimate(cost::Gemm{double(m), double(n), double(k)}).time.in(micro * second));
  CHECK_THROWS_WITH(fitted(text), Catch::Contains("the times are those of a NVIDIA A100") && Catch::Contains("give --accelerator nvidia-a100-sxm-80gb"));
  const auto report = validate_kernels(shipped(), read_text("h200_gemm.csv", text));
  CHECK_THAT(report.note, Catch::Contains("those of a NVIDIA A100"));
}

TEST_CASE("products of one die are told apart by their memories") {
  // An H100's GEMMs take as long as an H200's where arithmetic bounds them, 1.4 times as long where memory does.
  const cost::OperatorModel h100(shipped().accelerators.at("nvidia-h100-sxm"), shipped());
  std::string text = "dtype,m,n,k,us\n";
  for (int m = 1; m <= 8192; m *= 2)
    for (const int n : {1024, 4096, 16384})
      for (const int k : {1024, 8192})
        text += fmt::format("bfloat16,{},{},{},{}\n", m, n, k, h100.estimate(cost::Gemm{double(m), double(n), double(k)}).time.in(micro * second));
  CHECK_THROWS_WITH(fitted(text, "mine.csv"), Catch::Contains("the times are those of a NVIDIA H100") && Catch::Contains("give --accelerator nvidia-h100-sxm"));
}

TEST_CASE("times that are all one factor off measure something else") {
  // Shapes that wait for launches, for memory and for arithmetic; every other one takes 5 % more or less.
  const auto rows = [](const char* accelerator, auto factor_of) {
    const cost::OperatorModel model(shipped().accelerators.at(accelerator), shipped());
    std::string text = "dtype,m,n,k,us\n";
    for (int m = 1, i = 0; m <= 16384; m *= 2)
      for (const int n : {1024, 4096, 16384}) {
        const auto e = model.estimate(cost::Gemm{1.0 * m, 1.0 * n, 4096});
        text += fmt::format("bfloat16,{},{},4096,{}\n", m, n, factor_of(e) * (++i % 2 ? 1.05 : 0.95) * e.time.in(micro * second));
      }
    return text;
  };
  const auto by = [&](double factor) { return rows("nvidia-h200-sxm", [=](const cost::Estimate&) { return factor; }); };
  const auto note = [](const std::string& text, const char* name = "h200_gemm.csv") { return validate_kernels(shipped(), read_text(name, text)).note; };
  CHECK_THROWS_WITH(fitted(by(1.8)), Catch::Contains("times what is expected of a NVIDIA H200") && Catch::Contains("evenly"));
  CHECK_THAT(note(by(1.8)), Catch::Contains("evenly"));
  CHECK_THAT(note(by(1)), !Catch::Contains("evenly"));
  CHECK_THAT(note(by(1.2)), !Catch::Contains("evenly"));  // as another collection may be
  // A low clock, or a slow library, makes only what arithmetic bounds slower.
  CHECK_THAT(note(rows("nvidia-h200-sxm", [](const cost::Estimate& e) { return e.bound == cost::Bound::compute ? 1.8 : 1.0; })), !Catch::Contains("evenly"));
  // Nobody measured an H20: what is expected may be off by a third, and a fit tells it, but goes on.
  const auto of_h20 = [&](double factor) { return rows("nvidia-h20", [=](const cost::Estimate&) { return factor; }); };
  CHECK_THAT(note(of_h20(1.4), "h20_gemm.csv"), !Catch::Contains("evenly"));
  CHECK_THAT(note(of_h20(2), "h20_gemm.csv"), Catch::Contains("times what is expected of a NVIDIA H20") && Catch::Contains("evenly"));
  const auto fit = fit_calibration(shipped(), "nvidia-h20", read_text("h20_gemm.csv", of_h20(2)));
  CHECK(std::ranges::any_of(fit.skipped, [](const auto& s) { return s.reason.find("evenly") != std::string::npos; }));
}

TEST_CASE("a GEMM's efficiencies above 1 are refused") {
  // Matrices of at most 34 MB, which stay in the cache, at 1.4 times the memory's bandwidth.
  std::string text = "dtype,m,n,k,us\n";
  for (int m = 1; m <= 64; m *= 2)
    for (const int n : {1024, 1536, 2048, 3072, 4096})
      for (const int k : {1024, 2048, 4096})
        text += fmt::format("bfloat16,{},{},{},{}\n", m, n, k, 3 + 2.0 * (1.0 * m * k + 1.0 * n * k + 1.0 * m * n) / 4.8e6 / 1.4);
  CHECK_THROWS_WITH(fitted(text), Catch::Contains("of the bandwidth of a NVIDIA H200") && Catch::Contains("where 1 is the most"));
}

TEST_CASE("few rows are refused with their number") {
  CHECK_THROWS_WITH(fitted("dtype,m,n,k,us\nbfloat16,1,1024,1024,5\n"), Catch::Contains("gemm bf16: 1 rows, a fit needs 30"));
  CHECK_THROWS_WITH(fitted("dtype,m,n,k,us\n"), Catch::Contains("no usable rows for nvidia-h200-sxm"));
}

TEST_CASE("times that do not follow their shapes are refused") {
  std::string text = "dtype,m,n,k,us\n";
  RandomStream random(1, "nonsense");
  for (int i = 0; i < 400; ++i)
    text += "bfloat16," + std::to_string(1 + random.below(16)) + ",1024," + std::to_string(64 + 64 * random.below(16)) + "," +
            std::to_string(5 * std::exp(random.normal(2, 2.5)) + 3) + "\n";
  CHECK_THROWS_WITH(fitted(text), Catch::Contains("the rows do not follow their shapes"));
}

TEST_CASE("single impossible rows are skipped with the reason and leave the fit alone") {
  const auto result = fitted(synthetic_gemms() + "bfloat16,8192,8192,8192,10\nbfloat16,1,16384,16384,20\nbfloat16,1,32,32,0.01\n");
  REQUIRE(result.skipped.size() == 3);
  CHECK_THAT(result.skipped[2].reason, Catch::Contains("0.01 us are less than an empty kernel takes"));
  // 1.1 PFLOP in 10 us; 537 MB in 20 us.
  CHECK_THAT(result.skipped[0].reason, Catch::Contains("TFLOP/s are above the peak of 989.5"));
  CHECK_THAT(result.skipped[1].reason, Catch::Contains("26.85 TB/s of 537 MB are above the memory's 4.8"));
  CHECK(result.calibration.fits[0].compute_efficiency == Approx(0.7).epsilon(0.03));
}

TEST_CASE("formats without a peak rate and rows of other accelerators are named") {
  const auto nvfp4 = fitted(synthetic_gemms() + "nvfp4,64,4096,4096,10\n");
  REQUIRE(nvfp4.skipped.size() == 1);
  CHECK_THAT(nvfp4.skipped[0].reason, Catch::Contains("has no peak rate for nvfp4"));
  auto mixed = read_text("h200_gemm.csv", synthetic_gemms());
  mixed.rows[0].accelerator = "nvidia-b200";
  const auto result = fit_calibration(shipped(), "nvidia-h200-sxm", mixed);
  REQUIRE(result.skipped.size() == 1);
  CHECK(result.skipped[0].reason == "of nvidia-b200");
}

TEST_CASE("power is fitted to watts, and kept within the range from idle to the limit") {
  std::string text = "dtype,m,n,k,us,watts,power_limit\n";
  // A device at 60 % of the rate that draws 84 + 616 * 1.2 * 0.6 = 527.5 W.
  for (int m = 4096; m <= 16384; m += 512)
    for (const int n : {4096, 6144, 8192, 12288, 16384})
      text += "bfloat16," + std::to_string(m) + "," + std::to_string(n) + ",8192," + std::to_string(2.0 * m * n * 8192 / 989.5e6 / 0.6) + ",527.5,700\n";
  const auto result = fitted(text, "h200_power.csv");
  REQUIRE(result.calibration.power);
  CHECK(result.calibration.power->error_median < 0.05);
  CHECK(result.calibration.fits[0].load == "sustained");
}

TEST_CASE("a validation counts every row, skips with reasons, and groups by accelerator and operator") {
  const auto report = validate_kernels(shipped(), read_text("h200_gemm.csv", synthetic_gemms() + "bfloat16,1,1,1,0\nbfloat16,8192,8192,8192,1\n"));
  CHECK(report.n_cases == 122);
  CHECK(report.skipped.size() == 2);
  CHECK(report.all.n == 120);
  CHECK(report.all.median < 0.15);
  REQUIRE(report.groups.contains("nvidia-h200-sxm gemm bf16"));
  const auto json = report.json();
  CHECK(json.find("set")->get_if<std::string>()->compare("kernels") == 0);
  CHECK(json.find("n_skipped")->number() == 2);
  CHECK(json.find("metrics")->find("time")->find("median_abs_pct")->number() == Approx(100 * report.all.median).epsilon(1e-3));
  CHECK(json.find("groups")->find("nvidia-h200-sxm gemm bf16")->find("time")->find("n")->number() == 120);
}

TEST_CASE("shipped errors say what they are, and coefficients without residuals are skipped") {
  const auto report = shipped_kernel_errors(shipped());
  CHECK_THAT(report.note, Catch::Contains("held-out errors"));
  CHECK(report.groups.contains("nvidia-h200-sxm gemm bf16"));
  CHECK(report.groups.contains("nvidia-b300 quantise fp8"));
  bool has_b300 = false;
  for (const auto& s : report.skipped) has_b300 = has_b300 || s.id.starts_with("nvidia-b300");
  CHECK(has_b300);
}

TEST_CASE("shipped calibrations hold what the goals ask and stay small") {
  struct Goal { const char* accelerator; catalog::OperatorKind op; const char* format; double median; };
  using K = catalog::OperatorKind;
  for (const Goal& g : {Goal{"nvidia-h200-sxm", K::gemm, "bf16", 0.04}, {"nvidia-h100-sxm", K::gemm, "bf16", 0.04},
                        {"nvidia-a100-sxm-80gb", K::gemm, "bf16", 0.04}, {"nvidia-b200", K::gemm, "bf16", 0.04},
                        {"nvidia-h200-sxm", K::gemm, "fp8", 0.05}, {"nvidia-b200", K::gemm, "fp8", 0.05},
                        {"nvidia-h200-sxm", K::attention_prefill, "bf16", 0.06}, {"nvidia-b200", K::attention_prefill, "bf16", 0.06},
                        {"nvidia-h200-sxm", K::attention_decode, "bf16", 0.10}, {"nvidia-h100-sxm", K::attention_decode, "bf16", 0.10},
                        {"nvidia-h200-sxm", K::moe, "bf16", 0.10}, {"nvidia-h100-sxm", K::moe, "bf16", 0.10}, {"nvidia-b200", K::moe, "bf16", 0.10},
                        {"nvidia-a100-sxm-80gb", K::moe, "bf16", 0.10}, {"nvidia-h200-sxm", K::moe, "fp8_block", 0.10}, {"nvidia-b200", K::moe, "nvfp4", 0.10}}) {
    INFO(g.accelerator << " " << g.format);
    const auto* fit = shipped().calibrations.at(g.accelerator).find(g.op, g.format);
    REQUIRE(fit);
    CHECK(fit->error_median <= g.median);
    if (g.op == K::gemm && std::string_view{g.format} == "bf16") CHECK(fit->error_mean <= 0.06);
    if (g.op == K::attention_decode) CHECK(fit->error_p90 <= 0.22);
  }
  for (const auto& [id, calibration] : shipped().calibrations.all())
    CHECK(std::filesystem::file_size(shipped().folder / "calibrations" / (id + ".json")) < 450000);
}

TEST_CASE("narrow GEMMs of waferwatt-calibrate start from narrow numbers, and fits add what they leave out") {
  const cost::OperatorModel model(shipped().accelerators.at("nvidia-h200-sxm"), shipped());
  std::string points;
  for (int m = 1; m <= 16384; m *= 4)
    for (const int n : {1024, 4096, 16384})
      for (const int k : {1024, 4096, 16384}) {
        const auto e = cost::on_quantised_inputs(model, {1.0 * m, 1.0 * n, 1.0 * k, catalog::NumberFormat::fp8});
        points += fmt::format("{}{{\"op\": \"gemm\", \"dtype\": \"fp8_e4m3\", \"shape\": {{\"m\": {}, \"n\": {}, \"k\": {}}}, \"mode\": \"burst\", "
                              "\"us\": {{\"median\": {:.6g}}}}}", points.empty() ? "" : ",", m, n, k, e.time.in(micro * second));
      }
  const auto measured = read_text("card.json", R"({"schema": "gpu-calibration/1", "gpu": {"name": "NVIDIA H200"}, "points": [)" + points + "]}");
  REQUIRE(measured.rows.size() == 72);
  const auto report = validate_kernels(shipped(), measured);
  CHECK(report.groups.at("nvidia-h200-sxm gemm fp8 cublaslt").p90 < 1e-4);
  // A model of the new fit times whole GEMMs, from bf16 on, as the one before.
  catalog::Catalog catalog = shipped();
  catalog.calibrations = {};
  catalog.calibrations.add(fit_calibration(shipped(), "nvidia-h200-sxm", measured).calibration);
  const cost::OperatorModel again(catalog.accelerators.at("nvidia-h200-sxm"), catalog);
  const cost::Gemm kept{1024, 4096, 4096, catalog::NumberFormat::fp8};
  CHECK(again.estimate(kept).time / model.estimate(kept).time == Approx(1).epsilon(0.05));
}

TEST_CASE("kernels of libraries with laws of their own are not fitted") {
  std::string text = "section,groups,m_per_group,n,k,tflops\n";
  for (int n = 1024; n < 1024 + 40 * 128; n += 128) text += "Normal GEMMs,1,4096," + std::to_string(n) + ",7168,1200\n";
  const auto measured = read_text("deepgemm_h800.csv", text);
  CHECK(measured.rows.size() == 40);
  CHECK_THROWS_WITH(fit_calibration(shipped(), "nvidia-h800-sxm", measured), Catch::Contains("no usable rows for nvidia-h800-sxm"));
}
