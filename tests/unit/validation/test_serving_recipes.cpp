// SPDX-License-Identifier: Apache-2.0
// How measurements were driven and served, by their source.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "fixture.hpp"
#include "waferwatt/validation/serving_report.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

ServingCases read(const std::string& columns, const std::string& rows) {
  const std::string path = (std::filesystem::temp_directory_path() / ("waferwatt-" + std::to_string(::getpid()) + "-recipes.csv")).string();
  std::ofstream(path) << columns << "\n" << rows;
  return read_serving_cases(path, shipped());
}

ServingCases cases_of(const std::string& rows) {
  return read("id,backend,model_path,system,precision,mode,concurrency,isl,osl,tp_size,attention_dp_size,moe_tp_size,moe_ep_size,measured_ttft_ms,measured_tpot_ms", rows);
}

/// Releases of engines besides.
ServingCase released(const std::string& row) {
  return read("id,backend,backend_version,measured_on,model_path,system,precision,concurrency,isl,osl,tp_size,attention_dp_size,moe_tp_size,moe_ep_size,measured_ttft_ms,measured_tpot_ms",
              row + ",50,7\n").cases.at(0);
}

}  // namespace

TEST_CASE("Rows are driven and served as their source does it") {
  // InferenceX: lengths from 80 to 100 %, SGLang on Blackwell looks for requests every 10 iterations, from 16 on every 30.
  const std::string row = "x,sglang,deepseek-ai/DeepSeek-R1,", load = ",1024,1024,8,1,1,1,50,7\n";
  const auto x = cases_of(row + "b200_sxm,fp8,agg,8" + load + row + "b200_sxm,fp8,agg,16" + load + row + "h200_sxm,fp8,agg,16" + load +
                          "x,sglang,zhipuai/GLM-5,b200_sxm,fp8,agg,16" + load).cases;
  REQUIRE(x.size() == 4);
  CHECK(x[0].load.spread == Approx(0.2));
  CHECK(x[0].load.receive_interval == 10);
  CHECK(x[1].load.receive_interval == 30);
  CHECK(x[2].load.receive_interval == 1);
  CHECK(x[3].load.receive_interval == 1);  // sparse attention
  CHECK(x[0].plan.kv_format == catalog::NumberFormat::fp8);
  CHECK(x[2].plan.kv_format == catalog::NumberFormat::bf16);
  CHECK_FALSE(x[0].max_batched_tokens.has_value());
  // aiconfigurator: one length for all, a budget of the prompt, 1,500 tokens and 512 sequences.
  const auto a = cases_of("a,trtllm,Qwen/Qwen3-32B,h100_sxm,fp8,agg,8,4096,128,2,1,1,1,50,7\n").cases;
  REQUIRE(a.size() == 1);
  CHECK(a[0].load.spread == 0);
  CHECK(*a[0].max_batched_tokens == 4096 + 1500 + 512);
  // TensorRT-LLM with 1,024 tokens each way: dense models on fewer than 8 accelerators wait for company.
  const std::string llama = "x,trtllm,meta-llama/Llama-3.1-70B,h200_sxm,fp8,agg,64,1024,1024,";
  const auto waiting = cases_of(llama + "4,1,1,1,50,7\n" + llama + "8,1,1,1,50,7\n").cases;
  REQUIRE(waiting.size() == 2);
  CHECK(waiting[0].load.prompt_wait == 20);
  CHECK(waiting[1].load.prompt_wait == 0);
  CHECK(cases_of(row + "h200_sxm,fp8,agg,16" + load).cases.at(0).stream_interval == 1);
}

TEST_CASE("First tokens that are sent with others come by their steps later") {
  auto c = cases_of("x,trtllm,deepseek-ai/DeepSeek-R1,h200_sxm,fp8,agg,16,1024,1024,8,1,8,1,50,7\n").cases;
  REQUIRE(c.size() == 1);
  CHECK(c[0].stream_interval == 10);
  const auto late = predict(c, shipped(), shipped_profile)[0];
  c[0].stream_interval = 1;
  const auto soon = predict(c, shipped(), shipped_profile)[0];
  CHECK(late.ttft_s - soon.ttft_s == Approx(9 * soon.tpot_s));
}

TEST_CASE("Releases that served DeepSeek-R1 with drafts: three tokens, one with data-parallel attention") {
  const auto drafts = [](const std::string& release, const std::string& day, const std::string& layout) {
    return released("x,trtllm," + release + "," + day + ",deepseek-ai/DeepSeek-R1,b200_sxm,fp4,64,1024,1024," + layout).draft_tokens;
  };
  const std::string tensor = "8,1,1,8", data = "1,8,1,8";
  CHECK(drafts("1.2.0rc6.post3", "2026-02-06", tensor) == 3);
  CHECK(drafts("1.2.0rc6.post3", "2026-02-06", data) == 1);
  CHECK(drafts("1.1.0rc2.post2", "2026-01-14", tensor) == 3);
  CHECK(drafts("1.1.0rc2.post2", "2025-12-15", tensor) == 0);
  CHECK(drafts("1.2.0rc6.post2", "2026-02-03", tensor) == 0);
  CHECK(released("x,trtllm,1.2.0rc6.post3,2026-02-06,meta-llama/Llama-3.1-70B,b200_sxm,fp4,64,1024,1024,4,1,1,1").draft_tokens == 0);
}

TEST_CASE("Drafts yield tokens, and first tokens that are sent with others wait for iterations, not for tokens") {
  std::vector<ServingCase> c{released("x,trtllm,1.2.0rc6.post3,2026-02-06,deepseek-ai/DeepSeek-R1,b200_sxm,fp4,64,1024,1024,8,1,1,8")};
  auto plain = c;
  plain[0].draft_tokens = 0;
  const auto drafted = predict(c, shipped(), shipped_profile)[0], undrafted = predict(plain, shipped(), shipped_profile)[0];
  CHECK(drafted.tpot_s < undrafted.tpot_s);
  CHECK(drafted.tpot_s > undrafted.tpot_s / 4);  // no more than four tokens an iteration
  c[0].stream_interval = 1;
  const auto soon = predict(c, shipped(), shipped_profile)[0];
  // Nine iterations, each of 1 + a + a^2 + a^3 tokens with the chance a of 0.65 that one is accepted.
  const double a = 0.65, tokens = 1 + a + a * a + a * a * a;
  CHECK(drafted.ttft_s - soon.ttft_s == Approx(9 * tokens * drafted.tpot_s));
}

TEST_CASE("vLLM's releases and generations: format of the cache, budget, and what data parallel means") {
  const auto vllm = [](const std::string& release, const std::string& model, const std::string& gpu, const std::string& layout) {
    return released("x,vllm," + release + ",," + model + "," + gpu + ",64,8192,1024," + layout);
  };
  const auto fp8 = catalog::NumberFormat::fp8, bf16 = catalog::NumberFormat::bf16;
  const std::string minimax = "MiniMaxAI/MiniMax-M2.5";
  const auto now = vllm("0.19.0", minimax, "b200_sxm,fp8", "2,1,2,1"), before = vllm("0.17.0", minimax, "b200_sxm,fp8", "2,1,2,1");
  CHECK(now.plan.kv_format == fp8);
  CHECK(*now.max_batched_tokens == 2 * 8192);
  CHECK(before.plan.kv_format == bf16);
  CHECK_FALSE(before.max_batched_tokens.has_value());
  CHECK(now.configuration == before.configuration);  // halves do not hang on recipes
  CHECK(vllm("1.0.0", minimax, "b200_sxm,fp8", "2,1,2,1").plan.kv_format == fp8);
  CHECK(vllm("nightly-5b8c30d6", minimax, "b200_sxm,fp8", "2,1,2,1").plan.kv_format == bf16);
  CHECK(vllm("0.19.0", minimax, "h200_sxm,fp8", "4,1,4,1").plan.kv_format == bf16);
  CHECK(vllm("0.15.1", "openai/gpt-oss-120b", "b200_sxm,fp4", "1,1,1,1").plan.kv_format == fp8);
  CHECK(vllm("0.15.1", "openai/gpt-oss-120b", "h200_sxm,fp4", "1,1,1,1").plan.kv_format == bf16);
  const auto narrow = vllm("0.18.0", minimax, "h100_sxm,fp8", "4,4,1,16"), narrower = vllm("0.19.0", minimax, "b200_sxm,fp4", "4,4,1,16");
  CHECK(narrow.plan.tensor_parallel == 4);
  CHECK(narrow.plan.data_parallel == 1);
  CHECK(narrow.plan.expert_parallel);
  CHECK(narrower.plan.data_parallel == 4);
}

TEST_CASE("Cases of one configuration that recipes serve in several ways do not share their tables") {
  std::vector<ServingCase> one{released("x,vllm,0.17.0,,MiniMaxAI/MiniMax-M2.5,b200_sxm,fp8,64,8192,1024,2,1,2,1")}, both = one;
  both.insert(both.begin(), released("x,vllm,0.19.0,,MiniMaxAI/MiniMax-M2.5,b200_sxm,fp8,64,8192,1024,2,1,2,1"));
  const auto predictions = predict(both, shipped(), shipped_profile);
  CHECK(predictions[1].tpot_s == Approx(predict(one, shipped(), shipped_profile)[0].tpot_s));
  CHECK(predictions[0].tpot_s < predictions[1].tpot_s);  // half the cache to read
}

TEST_CASE("aiconfigurator's deployments are measured with a hundred prompts, which vLLM finds in its cache") {
  const std::string row = "meta-llama/Llama-3.1-8B-Instruct,h200_sxm,fp8,16,", layout = ",100,1,1,1,1";
  auto found = released("x,vllm,0.12.0,," + row + "4000" + layout);
  CHECK(found.load.n_prompts == 100);
  CHECK(found.load.n_warm_up == 32);
  CHECK(found.finds_prefixes);
  CHECK(released("x,vllm,0.12.0,," + row + "4096" + layout).load.n_prompts == 0);
  CHECK(released("x,sglang,0.5.6,," + row + "4000" + layout).load.n_prompts == 0);
  std::vector<ServingCase> cases{found, found};
  cases[1].finds_prefixes = false;
  const auto predictions = predict(cases, shipped(), shipped_profile);
  CHECK(predictions[0].ttft_s < predictions[1].ttft_s);
  CHECK(predictions[0].tpot_s < predictions[1].tpot_s);
}

TEST_CASE("A release that launches its kernels one by one takes as long for few sequences as for many") {
  const auto at = [](const std::string& concurrency) {
    return released("x,trtllm,1.3.0rc1,,nvidia/DeepSeek-R1-NVFP4,b200_sxm,fp4," + concurrency + ",4000,1000,8,,1,8");
  };
  std::vector<ServingCase> cases{at("8"), at("32")};
  CHECK(cases[0].launches_kernels);
  const auto slow = predict(cases, shipped(), shipped_profile);
  CHECK(slow[1].tpot_s < 1.1 * slow[0].tpot_s);
  for (ServingCase& c : cases) c.launches_kernels = false;
  const auto fast = predict(cases, shipped(), shipped_profile);
  CHECK(fast[0].tpot_s < slow[0].tpot_s / 3);
  CHECK(fast[1].tpot_s > 1.1 * fast[0].tpot_s);
}
