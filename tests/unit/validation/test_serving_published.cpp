// SPDX-License-Identifier: Apache-2.0
// Published rows and tables of static batches become cases.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "fixture.hpp"
#include "waferwatt/validation/serving_report.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

ServingCases cases_of(const std::string& text, const char* suffix) {
  const std::string path = (std::filesystem::temp_directory_path() / ("waferwatt-" + std::to_string(::getpid()) + suffix)).string();
  std::ofstream(path) << text;
  return read_serving_cases(path, shipped());
}

const std::string kShape = R"("model": {"name": "tiny", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128, "ffn": 14336, "vocab": 32000})";
const std::string kH100 = R"("hardware": {"gpu": "H100-SXM5-80GB", "hbm_GB": 80, "hbm_TBps": 3.35, "n_gpus": 8, "node_size": 8})";

ServingCases row(const std::string& plan, const std::string& measured, const std::string& rest = "\"replayable\": \"full\"") {
  return cases_of(fmt::format(R"([{{"id": "a", "source": "a page", {}, {}, "plan": {}, "measured": {}, {}}}])", kShape, kH100, plan, measured, rest), ".json");
}

}  // namespace

TEST_CASE("Offline runs serve all requests at once, with whole requests set aside") {
  const auto cases = row(R"({"engine": "TensorRT-LLM", "tp": 2, "isl": 128, "osl": 256, "num_requests": 3000, "arrival": "all at once", "weight_dtype": "FP8"})",
                         R"({"output_tokens_per_s_total": 9000})");
  REQUIRE(cases.cases.size() == 1);
  const ServingCase& c = cases.cases[0];
  CHECK(c.protocol == Protocol::offline);
  CHECK(c.backend == "trtllm");
  CHECK(c.load.concurrency == 3000);
  CHECK(c.plan.tensor_parallel == 2);
  CHECK(c.plan.weight_format == catalog::NumberFormat::fp8);
  CHECK(*c.tokens_per_s == 9000);
  CHECK(c.model->n_layers.value == 32);
  // trtllm-bench: (2 x 80 GB - 7.24e9 weights) x 0.9 over 2 x 32 x 8 x 128 x 384 bytes of a request are 5,463 requests, of
  // which it takes 4,096; answers of as many and their prompts are 4,096 x (1 + 128 / 256) tokens.
  CHECK(*c.max_sequences == 3000);
  CHECK(*c.max_batched_tokens == 6144);
  CHECK(c.plan.kv_format == catalog::NumberFormat::fp8);
}

TEST_CASE("trtllm-bench's batch is that of a stage, rounded up, and its budget holds the longest prompt beside it") {
  const auto cases = row(R"({"engine": "TensorRT-LLM", "tp": 2, "pp": 4, "isl": 2048, "osl": 2048, "num_requests": 3000, "arrival": "all at once", "weight_dtype": "FP8"})",
                         R"({"output_tokens_per_s_total": 9000})");
  // (8 x 80 GB - 7.24e9) x 0.9 / (65,536 x 4,096 bytes) = 2,121.6 requests, 530.4 a stage: 640. 1,060.8 tokens would do, at
  // least 2,048 are taken, and 2,048 + 640 hold a whole prompt.
  CHECK(*cases.cases.at(0).max_sequences == 4 * 640);
  CHECK(*cases.cases.at(0).max_batched_tokens == 2688);
}

TEST_CASE("Releases of TensorRT-LLM before 0.19 run engines that TensorRT built; checkpoints of experts keep 16-bit caches on Hopper") {
  const std::string shape = R"({"name": "m", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128, "ffn": 14336, "vocab": 32000, "moe": {"experts": 16, "top_k": 1, "moe_ffn": 4096, "shared_experts": 0, "first_dense_layers": 0}})";
  const auto of = [&](const std::string& source, const std::string& gpu) {
    const auto cases = cases_of(fmt::format(R"([{{"id": "a", "source": "{}", "model": {}, "hardware": {{"gpu": "{}", "n_gpus": 8, "node_size": 8}}, "plan": {{"engine": "TensorRT-LLM", "tp": 1, "isl": 128, "osl": 128, "num_requests": 9, "arrival": "all at once", "weight_dtype": "FP8"}}, "measured": {{"output_tokens_per_s_total": 9}}, "replayable": "full"}}])", source, shape, gpu), ".json");
    REQUIRE(cases.cases.size() == 1);
    return cases.cases[0];
  };
  CHECK(of("TensorRT-LLM v0.19", "H100-SXM5-80GB").backend == "trtllm");
  CHECK(of("TensorRT-LLM v0.18", "H100-SXM5-80GB").backend == "trtllm-engine");
  CHECK(of("TensorRT-LLM v1.0", "H100-SXM5-80GB").plan.kv_format == catalog::NumberFormat::bf16);
  CHECK(of("TensorRT-LLM v1.0", "B200-SXM-180GB").plan.kv_format == catalog::NumberFormat::fp8);
}

TEST_CASE("Static batches, phases and profiles give times of iterations") {
  const auto batch = row(R"({"engine": "vLLM (2023, paper) fp16", "tp": 4, "batch": 2, "isl": 512, "osl": 101, "weight_dtype": "fp16"})",
                         R"({"prompt_time_ms": 100, "token_time_ms": 20, "e2e_time_ms": 2100, "average_power_rel_tdp": 0.5})");
  REQUIRE(batch.cases.size() == 1);
  CHECK(batch.cases[0].backend == "eager");
  CHECK(*batch.cases[0].tokens_per_s == Approx(2 * 101 / 2.1));
  CHECK(*batch.cases[0].joule_per_token == Approx(0.5 * 700 * 4 * 2.1 / 202));
  // The whole is not the sum of its parts: answers ended early, and no rate follows.
  const auto early = row(R"({"engine": "vLLM (2023, paper) fp16", "tp": 4, "batch": 2, "isl": 512, "osl": 101, "weight_dtype": "fp16"})",
                         R"({"prompt_time_ms": 100, "token_time_ms": 20, "e2e_time_ms": 1100})");
  CHECK_FALSE(early.cases.at(0).tokens_per_s);
  const auto prefill = row(R"({"phase": "prefill", "engine": "SGLang", "max_prefill_tokens": 16384, "world": 1, "isl": 4096})", R"({"tokens_per_s_per_gpu": 20000})");
  REQUIRE(prefill.cases.size() == 1);
  CHECK(prefill.cases[0].load.concurrency == 4);
  CHECK(prefill.cases[0].counted == Counted::input_tokens);
  const auto profile = row(R"({"engine": "distserve", "tp": 1})", R"({"prefill_abc": [1, 2, 3], "prefill_512_ms": 70, "decode_b32_ctx512_ms": 30})");
  REQUIRE(profile.cases.size() == 2);
  CHECK(*profile.cases[0].ttft_s == Approx(0.07));
  CHECK(profile.cases[1].load.concurrency == 32);
  CHECK(*profile.cases[1].tpot_s == Approx(0.03));
}

TEST_CASE("Servers at the edge of what they hold count by their tokens a second; the data set's lengths are said or assumed") {
  const auto cases = row(R"({"scenario": "Server", "dataset": "ISL ~9.4k OSL ~680", "engine": "as submitted by NVIDIA", "tp": 4, "max_batch": 64, "weight_dtype": "fp8"})",
                         R"({"scheduled_or_target_qps": 3, "tpot_p50_ms": 50, "ttft_p50_ms": 900, "output_tokens_per_s_total": 2000})");
  REQUIRE(cases.cases.size() == 1);
  const ServingCase& c = cases.cases[0];
  CHECK(c.protocol == Protocol::offline);
  CHECK(c.n_replicas == 2);  // of four accelerators
  CHECK(c.load.input_tokens == 2 * 9400);
  CHECK(*c.max_sequences == 64);
  CHECK(*c.tokens_per_s == 2000);
  CHECK_FALSE(c.tpot_s);
  CHECK(c.assumption.find("a server at the edge of what it holds") != std::string::npos);
}

TEST_CASE("Conversations that arrive by themselves have the lengths of the runs that are known request by request") {
  const auto cases = row(R"({"engine": "vLLM 0.19.0", "tp": 1, "max_num_seqs": 128, "num_requests": 300, "weight_dtype": "bfloat16", "arrival": "ShareGPT, 10 sessions/s, request-level trace"})",
                         R"({"ttft_median_ms": 9000, "mean_input_tokens": 857.5, "mean_output_tokens": 652.5})");
  REQUIRE(cases.cases.size() == 1);
  CHECK(cases.cases[0].protocol == Protocol::open_loop);
  CHECK(cases.cases[0].rate_per_s == 10);
  REQUIRE(cases.cases[0].lengths);
  core::RandomStream random(1, "lengths");
  double input = 0, output = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto n = cases.cases[0].lengths->output.sample(random);
    CHECK((n >= 512 && n <= 1021));  // none ends early: the first place falls free after 512 tokens
    input += static_cast<double>(cases.cases[0].lengths->input.sample(random)), output += static_cast<double>(n);
  }
  CHECK(input / 10000 == Approx(857.5).epsilon(0.03));
  CHECK(output / 10000 == Approx(652.5).epsilon(0.03));
}

TEST_CASE("Rows that cannot be replayed are skipped with the reason") {
  const auto skipped = [](const ServingCases& cases) { return cases.skipped.at(0).reason; };
  CHECK(skipped(row("{}", "{}", "\"replayable\": \"no\"")) == "marked as not replayable");
  CHECK(skipped(row("{}", "{}", R"("replayable": "partial", "notes": "repository marks this folder experimental/possibly wrong")")) == "its source marks it as possibly wrong");
  CHECK(skipped(row(R"({"engine": "vLLM", "concurrency": 4, "osl": 10})", R"({"ttft_ms": 4})")) == "the input length is not given");
  CHECK(skipped(row(R"({"engine": "vLLM", "concurrency": 4, "isl": 10, "osl": 10})", R"({"kv_MB": 4})")) == "nothing that is simulated was measured");
  CHECK(skipped(row(R"({"engine": "vLLM", "isl": 10, "osl": 10})", R"({"ttft_ms": 4})")) == "the arrivals are not given");
}

TEST_CASE("Repeats of a static batch become their mean; a cap is half of the power") {
  const std::string head = "model,hardware,prompt_size,batch_size,token_size,peak_power,average_power,prompt_time,token_time,e2e_time,tensor_parallel\n";
  const auto cases = cases_of(head + "llama2-70b,h100-80gb,512,1,101,0,0,90,30,3090,4\nllama2-70b,h100-80gb,512,1,101,0,0,110,30,3110,4\n"
                                     "llama2-70b,h100-80gb-pcap,512,1,101,0,0.4,100,30,3100,4\nnobody,h100-80gb,512,1,101,0,0,90,30,3090,4\n",
                              ".csv");
  REQUIRE(cases.cases.size() == 2);
  CHECK(cases.cases[0].model->id == "llama-2-70b");
  CHECK(*cases.cases[0].ttft_s == Approx(0.1));
  CHECK_FALSE(cases.cases[0].joule_per_token);
  CHECK(*cases.cases[1].power_cap == 350 * watt);
  CHECK(*cases.cases[1].joule_per_token == Approx(0.4 * 700 * 4 * 3.1 / 101));
  REQUIRE(cases.skipped.size() == 1);
  CHECK(cases.skipped[0].reason == "the catalog has no language model \"nobody\"");
}
