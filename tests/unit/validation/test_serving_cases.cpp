// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "fixture.hpp"
#include "waferwatt/validation/serving_fit.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

std::string file_with(const std::string& rows) {
  const std::string path = (std::filesystem::temp_directory_path() / ("waferwatt-" + std::to_string(::getpid()) + "-cases.csv")).string();
  std::ofstream(path) << "id,backend,model_path,system,precision,mode,concurrency,isl,osl,tp_size,attention_dp_size,moe_tp_size,moe_ep_size,"
                         "measured_ttft_ms,measured_tpot_ms\n"
                      << rows;
  return path;
}

ServingCases cases_of(const std::string& rows) { return read_serving_cases(file_with(rows), shipped()); }

}  // namespace

TEST_CASE("A row says model, accelerator, layout, load and what was measured") {
  const auto cases = cases_of("a,vllm,meta-llama/Llama-3.1-8B-Instruct,h200_sxm,fp8,agg,16,1024,128,2,1,1,1,50.5,7.25\r\n");
  REQUIRE(cases.cases.size() == 1);
  const ServingCase& c = cases.cases[0];
  CHECK(c.model->id == "llama-3-1-8b");
  CHECK(c.accelerator->id == "nvidia-h200-sxm");
  CHECK(c.plan.tensor_parallel == 2);
  CHECK(c.plan.weight_format == catalog::NumberFormat::fp8);
  CHECK(c.load.concurrency == 16);
  CHECK(*c.ttft_s == Approx(0.0505));
  CHECK(*c.tpot_s == Approx(0.00725));
}

TEST_CASE("Cells that are no numbers are told by line and column name, all at once") {
  try {
    cases_of("a,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,8,1024,128,2,1,1,1,50,7\nb,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,many,1024,128,2,1,1,1,50,7\n"
             "c,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,8,1024,128,2,1,1,1,50,-7\n");
    FAIL("no error");
  } catch (const core::InputError& error) {
    const std::string text = error.what();
    CHECK(text.find("cases.csv:3:1: error: concurrency: expected a number, got \"many\"") != std::string::npos);
    CHECK(text.find("cases.csv:4:1: error: measured_tpot_ms: -7 is negative") != std::string::npos);
  }
}

TEST_CASE("A missing column and an empty file are errors") {
  const std::string path = file_with("");
  std::ofstream(path) << "id,backend\n";
  CHECK_THROWS_WITH(read_serving_cases(path, shipped()), Catch::Contains("column \"model_path\" is missing"));
  std::ofstream(path) << "";
  CHECK_THROWS_WITH(read_serving_cases(path, shipped()), Catch::Contains("the file is empty"));
}

TEST_CASE("Rows that cannot be simulated are skipped with the reason, never guessed") {
  const auto cases = cases_of(
      "a,vllm,acme/Nobody-7B,h100_sxm,,agg,8,1024,128,2,1,1,1,50,7\nb,vllm,Qwen/Qwen3-32B,abacus,,agg,8,1024,128,2,1,1,1,50,7\n"
      "c,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,,1024,128,2,1,1,1,50,7\nd,trtllm,deepseek-ai/DeepSeek-R1,gb200,fp4,agg,8,1024,128,12,1,12,1,50,7\n"
      "e,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,8,1024,128,2,1,1,1,,\nf,vllm,Qwen/Qwen3-32B,h100_sxm,fp6,agg,8,1024,128,2,1,1,1,50,7\n");
  CHECK(cases.cases.empty());
  REQUIRE(cases.skipped.size() == 6);
  CHECK(cases.skipped[0].reason == "the catalog has no language model \"acme/Nobody-7B\"");
  CHECK(cases.skipped[1].reason == "the catalog has no accelerator \"abacus\"");
  CHECK(cases.skipped[2].reason == "concurrency is not given");
  CHECK(cases.skipped[3].reason == "128 attention heads cannot be split 12 ways");
  CHECK(cases.skipped[4].reason == "nothing was measured");
  CHECK(cases.skipped[5].reason == "precision \"fp6\" is not known");
}

TEST_CASE("Layouts that count one size twice are the same as those that count it once") {
  const std::string head = "x,trtllm,deepseek-ai/DeepSeek-R1,b200_sxm,fp4,agg,64,1024,1024,", tail = ",50,7\n";
  const auto cases = cases_of(head + "64,1,8,8" + tail + head + "8,1,1,8" + tail + head + "1,64,8,8" + tail + head + "1,8,1,8" + tail + head +
                              "4,4,1,16" + tail + head + "1,4,1,4" + tail);
  REQUIRE(cases.cases.size() == 6);
  for (const std::size_t i : {0, 2, 4}) {
    CAPTURE(i);
    CHECK(cases.cases[i].configuration == cases.cases[i + 1].configuration);
  }
  CHECK(cases.cases[0].plan.n_accelerators() == 8);
}

TEST_CASE("A batch smaller than the concurrency tells how many replicas share it") {
  const std::string path = file_with("");
  const std::string head = "id,backend,model_path,system,concurrency,batch_size,isl,osl,tp_size,measured_ttft_ms,measured_tpot_ms\n";
  const auto read = [&](const std::string& row) {
    std::ofstream(path) << head << row;
    return read_serving_cases(path, shipped()).cases.at(0);
  };
  const auto four = read("a,vllm,Qwen/Qwen3-32B,h100_sxm,64,16,2000,128,2,50,7\n"), one = read("a,vllm,Qwen/Qwen3-32B,h100_sxm,16,16,2000,128,2,50,7\n");
  CHECK(four.n_replicas == 4);
  CHECK(one.n_replicas == 1);
  CHECK(read("a,vllm,Qwen/Qwen3-32B,h100_sxm,64,24,2000,128,2,50,7\n").n_replicas == 1);  // does not divide it
  const auto of_four = predict({four}, shipped(), shipped_profile)[0], of_one = predict({one}, shipped(), shipped_profile)[0];
  CHECK(of_four.tpot_s == Approx(of_one.tpot_s));
  CHECK(of_four.ttft_s == Approx(of_one.ttft_s));
  CHECK(of_four.tokens_per_s == Approx(4 * of_one.tokens_per_s));
}

TEST_CASE("A report tells the errors of both halves, each measurement once") {
  const std::string row = "a,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,8,1024,128,2,1,1,1,50,7\n";
  const auto report = validate_serving(cases_of(row + row), shipped());
  CHECK(report.n_cases == 2);
  const bool fitted = report.groups.contains("half fitted, vllm");
  CHECK(fitted != report.groups.contains("half held out, vllm"));
  CHECK(report.groups.at(fitted ? "half fitted, vllm" : "half held out, vllm").at("tpot").n == 1);
}

TEST_CASE("A backend without a profile takes the default, and the report says how many did") {
  const auto report = validate_serving(cases_of("a,homemade,Qwen/Qwen3-32B,h100_sxm,,agg,8,1024,128,2,1,1,1,50,7\n"), shipped());
  CHECK(report.n_cases == 1);
  CHECK(report.n_default_backend == 1);
  CHECK(report.text().find("1 cases are of backends without a profile: the default was taken") != std::string::npos);
}

TEST_CASE("Shipped measurements of serving are met within bounds") {
  const auto cases = shipped_serving_cases(shipped());
  const auto report = validate_serving(cases, shipped());
  REQUIRE(report.n_cases > 50);
  INFO(report.text());
  CHECK(report.metrics.at("tpot").median < 12);
  CHECK(report.metrics.at("ttft").median < 45);  // of few rows, some with settings that they do not say
  CHECK(report.metrics.at("throughput").median < 12);
}

TEST_CASE("A fit finds the profile that made up the measurements, with any number of threads") {
  auto cases = shipped_serving_cases(shipped());
  std::erase_if(cases.cases, [](const ServingCase& c) { return c.backend != "vllm"; });
  for (std::size_t i = 0, n = cases.cases.size(); i < n; ++i) {
    cases.cases.push_back(cases.cases[i]);
    cases.cases.back().load.concurrency *= 2;
  }
  serving::BackendProfile truth = *serving::find_backend("vllm");
  truth.step_overhead = 3 * milli * second, truth.decode_launch = 1.6;
  const auto made_up = predict(cases.cases, shipped(), [&](const ServingCase&) { return truth; });
  for (std::size_t i = 0; i < made_up.size(); ++i) cases.cases[i].ttft_s = made_up[i].ttft_s, cases.cases[i].tpot_s = made_up[i].tpot_s;
  const auto fit = fit_backend(cases, "vllm", shipped(), 1);
  const auto& errors = fit.fitted.at("table of measurements").metrics;
  CHECK(errors.at("tpot").median < 3);
  CHECK(errors.at("ttft").median < 6);
  CHECK(fit.loss < 0.1 * fit.first_loss);
  CHECK(fit.loss < fit.shipped_loss);
  CHECK(text_of(fit).find("step_overhead") != std::string::npos);
  CHECK(text_of(fit_backend(cases, "vllm", shipped(), 2)) == text_of(fit));
}

TEST_CASE("A fit does not see what it is told to leave out, and tells its errors apart") {
  auto cases = shipped_serving_cases(shipped());
  std::erase_if(cases.cases, [](const ServingCase& c) { return c.backend != "vllm"; });
  for (std::size_t i = 0, n = cases.cases.size(); i < 3 * n; ++i) {
    cases.cases.push_back(cases.cases[i]);
    cases.cases.back().load.concurrency += 1;
  }
  const std::string model = cases.cases[0].model->id;
  std::size_t n_of_model = 0;
  for (auto& c : cases.cases)
    if (c.model->id == model) ++n_of_model, c.tpot_s = 1e3;  // seconds: whoever sees them cannot be met
  const auto fit = fit_backend(cases, "vllm", shipped(), 2, {model});
  REQUIRE(n_of_model < cases.cases.size() / 2);
  CHECK(fit.left_out.at("table of measurements").metrics.at("tpot").n == n_of_model);
  CHECK(fit.left_out.at("table of measurements").metrics.at("tpot").median > 90);
  CHECK(fit.fitted.at("table of measurements").metrics.at("tpot").n + fit.held_out.at("table of measurements").metrics.at("tpot").n == cases.cases.size() - n_of_model);
  CHECK(fit.fitted.at("table of measurements").metrics.at("tpot").median < 20);
  CHECK(text_of(fit).find("  left out table of measurements") != std::string::npos);
  CHECK_THROWS_WITH(fit_backend(cases, "vllm", shipped(), 1, {model + "x"}),
                    Catch::Contains("\"" + model + "x\" is no model or accelerator of these cases") && Catch::Contains("did you mean \"" + model + "\"?"));
}

TEST_CASE("Sending answers token by token costs where clients read them while they grow, and offline nothing") {
  auto cases = cases_of("a,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,8,1024,128,2,1,1,1,50,7\n");
  const auto time_per_token = [&](Protocol protocol, Time stream_overhead) {
    cases.cases[0].protocol = protocol;
    return predict(cases.cases, shipped(), [&](const ServingCase& c) {
             auto profile = shipped_profile(c);
             profile.stream_overhead = stream_overhead;
             return profile;
           })[0].tpot_s;
  };
  for (const auto protocol : {Protocol::closed_loop, Protocol::open_loop}) {
    if (protocol == Protocol::open_loop) cases.cases[0].rate_per_s = 100;
    CHECK(time_per_token(protocol, 10 * milli * second) > 2 * time_per_token(protocol, {}));
  }
  // All at once, with first tokens told: a server was asked. Without them, a program that ends with its last answer.
  CHECK(time_per_token(Protocol::offline, 10 * milli * second) > 2 * time_per_token(Protocol::offline, {}));
  CHECK(time_per_token(Protocol::batch, 10 * milli * second) == time_per_token(Protocol::batch, {}));
  cases.cases[0].ttft_s.reset();
  CHECK(time_per_token(Protocol::offline, 10 * milli * second) == time_per_token(Protocol::offline, {}));
}

TEST_CASE("Too few cases of a backend are not fitted") {
  CHECK_THROWS_WITH(fit_backend(shipped_serving_cases(shipped()), "nobody", shipped()),
                    Catch::Contains("backend \"nobody\": 0 cases in the half that is fitted, at least 20 are needed"));
}
