// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <zlib.h>

#include <memory>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;
using catalog::OperatorKind;

TEST_CASE("columns tell the operator, and each row becomes its shape") {
  const auto gemm = read_text("h200_sxm_gemm.csv", "dtype,m,n,k,us\nbfloat16,1,32,64,2.5\n");
  REQUIRE(gemm.rows.size() == 1);
  CHECK(gemm.rows[0].accelerator == "nvidia-h200-sxm");
  CHECK(gemm.rows[0].op == OperatorKind::gemm);
  CHECK(gemm.rows[0].format == "bf16");
  CHECK(gemm.rows[0].shape == std::vector<std::int64_t>{1, 32, 64});
  CHECK(gemm.rows[0].time_s == Approx(2.5e-6));
  CHECK(gemm.id(gemm.rows[0]) == "h200_sxm_gemm.csv:2");

  const auto decode = read_text("b200_decode.csv", "dtype,kv_dtype,batch_size,kv_len,num_heads,num_kv_heads,head_dim,win,us\n"
                                                   "bfloat16,fp8,4,4096,32,0,128,1024,20\n");
  REQUIRE(decode.rows.size() == 1);
  CHECK(decode.rows[0].accelerator == "nvidia-b200");
  CHECK(decode.rows[0].format == "fp8");
  CHECK(decode.rows[0].shape == std::vector<std::int64_t>{4, 4096, 32, 32, 128, 1024});

  const auto experts = read_text("a100_sxm_moe.csv",
                                 "dtype,kernel_source,num_tokens,hidden_size,inter_size,topk,num_experts,tp,ep,distribution,us\n"
                                 "bfloat16,moe_torch_flow_nongated,16,4096,1536,8,128,2,4,power_law_1.2,230\n");
  REQUIRE(experts.rows.size() == 1);
  CHECK(experts.rows[0].accelerator == "nvidia-a100-sxm-80gb");
  CHECK(experts.rows[0].shape == std::vector<std::int64_t>{16, 4096, 768, 8, 128, 4, 0, 120});
}

TEST_CASE("names of files and devices tell accelerators apart") {
  const auto of = [](const char* name) { return accelerator_of_name(name, shipped()).value_or(""); };
  CHECK(of("h100_sxm_gemm_trtllm_1.3.0rc20.csv.gz") == "nvidia-h100-sxm");
  CHECK(of("gb200_gemm.csv") == "nvidia-gb200");
  CHECK(of("b300_sxm_moe.csv") == "nvidia-b300");
  CHECK(of("rtx_pro_6000_gemm.csv") == "nvidia-rtx-pro-6000");
  CHECK(of("NVIDIA H200") == "nvidia-h200-sxm");
  CHECK(of("rtx4090_gemm.csv") == "nvidia-rtx-4090");
  CHECK(of("a10_gemm.csv") == "");
  CHECK(of("measurements.csv") == "");
  CHECK(of("NVIDIA A100 SXM") == "nvidia-a100-sxm-80gb");
  CHECK(of("NVIDIA A100 PCIe") == "nvidia-a100-pcie-80gb");
  CHECK(of("a100_sxm_40gb_gemm.csv") == "nvidia-a100-sxm-40gb");
  CHECK(of("A100 40GB") == "nvidia-a100-sxm-40gb");
  CHECK(of("h100_pcie_moe.csv") == "nvidia-h100-pcie");
  CHECK(of("h100-80gb") == "nvidia-h100-sxm");
  CHECK(of("l4_gemm.csv") == "nvidia-l4");
  CHECK(of("l40s_gemm.csv") == "nvidia-l40s");
  CHECK(of("NVIDIA V100 PCIe") == "");
}

TEST_CASE("rows that cannot be read are skipped with their line and reason") {
  const auto m = read_text("h200_gemm.csv", "dtype,m,n,k,us\nbfloat16,1,32,64,0\nbfloat16,1,32,64,-3\nbfloat16,x,32,64,3\n"
                                            "bfloat16,1,32,64\nfp7,1,32,64,3\nbfloat16,0,32,64,3\nbfloat16,1,32,64,nan\nbfloat16,1,32,64,3\n");
  CHECK(m.rows.size() == 1);
  REQUIRE(m.skipped.size() == 7);
  CHECK(m.skipped[0].id == "h200_gemm.csv:2");
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("us is 0, a time above 0 is expected"));
  CHECK_THAT(m.skipped[1].reason, Catch::Contains("us is -3, a time above 0"));
  CHECK_THAT(m.skipped[2].reason, Catch::Contains("m is \"x\", a number is expected"));
  CHECK_THAT(m.skipped[3].reason, Catch::Contains("4 cells, 5 are expected"));
  CHECK_THAT(m.skipped[4].reason, Catch::Contains("number format \"fp7\" has no model"));
  CHECK_THAT(m.skipped[5].reason, Catch::Contains("m is 0, a whole number of at least 1"));
  CHECK_THAT(m.skipped[6].reason, Catch::Contains("us is nan"));

  const auto moe = read_text("h200_moe.csv",
                             "dtype,kernel_source,num_tokens,hidden_size,inter_size,topk,num_experts,tp,ep,distribution,us\n"
                             "bfloat16,x,16,4096,1536,8,128,1,256,balanced,230\nbfloat16,x,16,4096,1536,200,128,1,1,balanced,230\n"
                             "bfloat16,x,16,4096,1536,8,128,1,1,lucky,230\nbfloat16,x,16,4096,1536,8,1000000000000,1,1,power_law_1.2,230\n");
  REQUIRE(moe.skipped.size() == 4);
  CHECK_THAT(moe.skipped[3].reason, Catch::Contains("1000000000000 experts; more than 65536 have no model"));
  CHECK_THAT(moe.skipped[0].reason, Catch::Contains("128 experts over 256 accelerators"));
  CHECK_THAT(moe.skipped[1].reason, Catch::Contains("200 of 128 experts"));
  CHECK_THAT(moe.skipped[2].reason, Catch::Contains("routing \"lucky\" has no model"));
  const auto decode = read_text("h200_decode.csv", "dtype,kv_dtype,batch_size,kv_len,num_heads,num_kv_heads,head_dim,us\nbfloat16,bfloat16,1,64,8,16,128,9\n");
  REQUIRE(decode.skipped.size() == 1);
  CHECK_THAT(decode.skipped[0].reason, Catch::Contains("16 key-value heads for 8 heads"));
}

TEST_CASE("files that tell nothing are refused") {
  CHECK_THROWS_WITH(read_text("h200.csv", "a,b\n1,2\n"), Catch::Contains("columns \"a,b\" are of no known operator"));
  CHECK_THROWS_WITH(read_text("nccl.csv", "system,op,num_gpus,bytes,dtype,us\n"), Catch::Contains("collectives: waferwatt validate network --cases FILE"));
  CHECK_THROWS_WITH(read_text("h200.csv", "dtype,m,n,k,latency\n"), Catch::Contains("the time must be a column us, in microseconds"));
  CHECK_THROWS_WITH(read_text("h200.csv", ""), Catch::Contains("is empty"));
  CHECK_THROWS_WITH(read_text("kernels.csv", "dtype,m,n,k,us\n"), Catch::Contains("the name tells no accelerator") && Catch::Contains("give --accelerator ID"));
  CHECK_THROWS_WITH(read("/no/such/file"), Catch::Contains("cannot be read"));
  CHECK_THROWS_WITH(read("/tmp"), Catch::Contains("is a folder"));
}

TEST_CASE("spreadsheets' spellings are read: blanks, capitals, a byte order mark") {
  const auto m = read_text("h200_gemm.csv", "\xEF\xBB\xBF\"M\", N,K ,Us,DTYPE\r\n 1 ,32, 64,2.5 ,BF16\r\n2,32,64,3,torch.float8_e4m3fn\r\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].shape == std::vector<std::int64_t>{1, 32, 64});
  CHECK(m.rows[0].format == "bf16");
  CHECK(m.rows[0].time_s == Approx(2.5e-6));
  CHECK(m.rows[1].format == "fp8");
}

TEST_CASE("headers that are nearly an operator's are told what they lack") {
  CHECK_THROWS_WITH(read_text("h200.csv", "dtype,m,n,us\n"), Catch::Contains("for a GEMM it lacks k"));
  CHECK_THROWS_WITH(read_text("h200.csv", "dtype,num_tokens,hidden_size,inter_size,topk,num_experts,tp,us\n"), Catch::Contains("for experts it lacks ep, distribution"));
  CHECK_THROWS_WITH(read_text("h200.csv", "dtype;m;n;k;us\n"), Catch::Contains("cells must be separated by commas"));
}

TEST_CASE("a file named after another accelerator is refused") {
  CHECK_THROWS_WITH(read_text("h200_sxm_gemm.csv", "dtype,m,n,k,us\n", "nvidia-h100-sxm"),
                    Catch::Contains("is named after nvidia-h200-sxm, not nvidia-h100-sxm"));
  CHECK_THROWS_WITH(read_text("gemm.csv", "dtype,m,n,k,us\n", "nvidia-h999"), Catch::Contains("unknown accelerator \"nvidia-h999\""));
}

TEST_CASE("a file of several systems gives the rows of the one asked for") {
  const std::string text = "system,m,k,dtype,us\nh200_sxm,64,4096,fp8,4\nb200_sxm,64,4096,fp8,3\nmars,64,4096,fp8,3\n";
  const auto all = read_text("all_quantize.csv", text);
  CHECK(all.rows.size() == 2);
  REQUIRE(all.skipped.size() == 1);
  CHECK_THAT(all.skipped[0].reason, Catch::Contains("system \"mars\" is no accelerator of the catalog"));
  CHECK(read_text("all_quantize.csv", text, "nvidia-b200").rows.size() == 1);
}

TEST_CASE("cuDNN's benchmarks give forward and backward times, and norms") {
  const auto attention = read_text("sdpa.csv",
      "config_name,backend,data_type,attn_mask,batch_size,q_seqlen,kv_seqlen,num_q_heads,num_kv_heads,head_dim_qk,head_dim_vo,fwd_time_ms,bwd_time_ms,"
      "sliding_window_size,success,gpu_name,cudnn_version\n"
      "llama,cudnn,bfloat16,top_left,1,8192,8192,64,8,128,128,1.708,5.083,,True,NVIDIA H200,1.19\n"
      "llama,cudnn,bfloat16,top_left,1,8192,8192,64,8,128,128,inf,inf,,False,NVIDIA H200,1.19\n"
      "llama,cudnn,bfloat16,top_left,1,8192,8192,64,8,128,128,inf,2,,True,NVIDIA H200,1.19\n");
  REQUIRE(attention.rows.size() == 2);
  CHECK(attention.rows[0].op == OperatorKind::attention_prefill);
  CHECK(attention.rows[0].shape == std::vector<std::int64_t>{1, 8192, 0, 64, 8, 128, 128, 1, 0, 16});
  CHECK(attention.rows[1].op == OperatorKind::attention_backward);
  CHECK(attention.rows[1].time_s == Approx(5.083e-3));
  REQUIRE(attention.skipped.size() == 2);
  CHECK_THAT(attention.skipped[0].reason, Catch::Contains("the run failed"));
  CHECK_THAT(attention.skipped[1].reason, Catch::Contains("fwd_time_ms is inf"));
  const auto norms = read_text("norms.csv", "norm_type,backend,data_type,N,C,fwd_time_ms,bwd_time_ms,success,gpu_name,cudnn_version\n"
                                            "rms_norm,cudnn,bfloat16,16384,4096,0.072,0.106,True,NVIDIA H200,1.19\n"
                                            "rms_norm,pytorch,bfloat16,16384,4096,0.080,0.223,True,NVIDIA H200,1.19\n");
  REQUIRE(norms.rows.size() == 2);
  CHECK(norms.rows[1].shape == std::vector<std::int64_t>{16384, 4096, 2, 1, 2});
  REQUIRE(norms.skipped.size() == 1);
  CHECK_THAT(norms.skipped[0].reason, Catch::Contains("of the library \"pytorch\""));
}

TEST_CASE("a row may go over several lines, and the next one has its own number") {
  const auto m = read_text("h200_gemm.csv", "dtype,m,n,k,us,note\nbfloat16,1,32,64,3,\"failed:\nline, two \"\"quoted\"\"\"\nbfloat16,x,32,64,3,\n");
  REQUIRE(m.rows.size() == 1);
  CHECK(m.rows[0].line == 2);
  REQUIRE(m.skipped.size() == 1);
  CHECK(m.skipped[0].id == "h200_gemm.csv:4");
}

TEST_CASE("DeepGEMM's table is of GEMMs and groups of them") {
  const auto m = read_text("deepgemm_h800.csv", "section,groups,m_per_group,n,k,tflops,GBps\nNormal GEMMs,1,64,2112,7168,206,1688\n"
                                                "Grouped GEMMs for MoE models,4,8192,4096,7168,1346,434\nNormal GEMMs,1,64,2112,7168,0,1\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].accelerator == "nvidia-h800-sxm");
  CHECK(m.rows[0].op == OperatorKind::gemm);
  CHECK(m.rows[0].format == "fp8_block");
  CHECK(m.rows[0].library == "deepgemm");
  CHECK(m.rows[0].time_s == Approx(2.0 * 64 * 2112 * 7168 / 206e12));
  CHECK(m.rows[1].op == OperatorKind::grouped_gemm);
  CHECK(m.rows[1].shape == std::vector<std::int64_t>{4, 8192, 4096, 7168, 0});
  CHECK(m.rows[1].time_s == Approx(4 * 2.0 * 8192 * 4096 * 7168 / 1346e12));
  REQUIRE(m.skipped.size() == 1);
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("tflops is 0, a rate above 0 is expected"));
}

TEST_CASE("rates of FlashAttention's paper become times of 16,384 tokens") {
  const auto m = read_text("fa3_h100.csv", "pass,causal,head_dim,seqlen,FA2_tflops,Triton_tflops,cuDNN_tflops,FA3_tflops\n"
                                           "fwd,1,128,4096,319,353,518,579\nbwd,0,128,4096,310,,499,542\nside,0,128,4096,310,,499,542\n");
  REQUIRE(m.rows.size() == 7);  // Triton has no backward
  CHECK(m.rows[0].library == "flash_attention_3");
  CHECK(m.rows[0].shape == std::vector<std::int64_t>{4, 4096, 0, 16, 16, 128, 128, 1, 0, 16});
  CHECK(m.rows[0].time_s == Approx(0.5 * 4 * 4 * 16 * 128 * 4096.0 * 4096 / 579e12));
  CHECK(m.rows[4].op == OperatorKind::attention_backward);
  CHECK(m.rows[4].time_s == Approx(2.5 * 4 * 4 * 16 * 128 * 4096.0 * 4096 / 542e12));
  REQUIRE(m.skipped.size() == 1);
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("fwd or bwd is expected"));
}

TEST_CASE("best matmuls are GEMMs of the accelerator that their row names") {
  const auto m = read_text("mamf.csv", "gpu,dtype,mamf_tflops,theory_tflops,shape_MxNxK,torch\nAMD MI300X,bf16,668.4,1300,10240x15360x8192,2.5\n"
                                       "NVIDIA B200 SXM,fp8,3432.5,4500,15360x4096,2.7\nIntel Gaudi 2,bf16,418,432,14336x15360x2048,2.6\n");
  REQUIRE(m.rows.size() == 1);
  CHECK(m.rows[0].accelerator == "amd-mi300x");
  CHECK(m.rows[0].shape == std::vector<std::int64_t>{10240, 15360, 8192});
  CHECK(m.rows[0].time_s == Approx(2.0 * 10240 * 15360 * 8192 / 668.4e12));
  REQUIRE(m.skipped.size() == 2);
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("three whole numbers are expected"));
  CHECK_THAT(m.skipped[1].reason, Catch::Contains("\"Intel Gaudi 2\" is no accelerator"));
}

TEST_CASE("half of a gzip file is no file") {
  const TemporaryFile file("h200_gemm.csv.gz", "");
  const std::string text = synthetic_gemms();
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> out(gzopen(file.path().c_str(), "wb"), gzclose);
  gzwrite(out.get(), text.data(), static_cast<unsigned>(text.size()));
  gzflush(out.get(), Z_FINISH);
  CHECK(read(file.path()).rows.size() == 120);
  std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
  CHECK_THROWS_WITH(read(file.path()), Catch::Contains("is not a whole gzip file"));
}

TEST_CASE("points above the peak at the clock that was measured with them are not used") {
  // 2 x 8,192^3 operations in 1,300 us are 846 TFLOP/s: possible at 1,980 MHz, where the card's peak is 1,070, not at 1,410, where it is 762.
  const std::string document = R"({"schema": "gpu-calibration/1", "gpu": {"name": "NVIDIA H200", "clock_max_mhz": 1980}, "spec": {"bf16_flops": 1070e12}, "points": [
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 8192, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 1300}, "flops": 1.0995e12, "sm_mhz": 1980},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 8192, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 1300}, "flops": 1.0995e12, "sm_mhz": 1410},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 8192, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 1300}, "flags": ["noisy", "above_peak"]}]})";
  const auto m = read_text("card.json", document);
  CHECK(m.rows.size() == 1);
  REQUIRE(m.skipped.size() == 2);
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("845.8 TFLOP/s are above the peak of 762 at the measured clock of 1410 MHz"));
  CHECK_THAT(m.skipped[1].reason, Catch::Contains("flagged above_peak"));
}

TEST_CASE("what waferwatt-calibrate says against its own measurement is heard") {
  const auto document = [](const char* mig) {
    return std::string{R"({"schema": "gpu-calibration/1", "status": "suspect", "gpu": {"name": "NVIDIA H200", "mig": )"} + mig + R"(},
    "checks": [{"op": "gemm TN", "dtype": "fp8_e4m3", "relative_error": 0.7, "limit": 0.02, "pass": false},
               {"op": "gemm TN", "dtype": "bf16", "relative_error": 0.001, "limit": 0.01, "pass": true},
               {"op": "attention_decode", "dtype": "bf16", "pass": false, "unsupported": "no engine"}],
    "gates": [{"name": "sentinel drift", "value": 0.2, "pass": false}, {"name": "idle power, W", "value": 90, "pass": true}],
    "points": [
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 64, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 40}},
    {"op": "gemm", "dtype": "fp8_e4m3", "shape": {"m": 64, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 30}},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 128, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 40}, "flags": ["thermal"]},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 256, "n": 8192, "k": 8192}, "mode": "burst", "us": {"median": 50}, "flags": ["power_capped", "noisy"]}]})";
  };
  const auto m = read_text("card.json", document("false"));
  REQUIRE(m.rows.size() == 2);  // a power cap is the card's own, and noise is in the error
  REQUIRE(m.skipped.size() == 2);
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("the results of gemm TN fp8_e4m3 were wrong"));
  CHECK_THAT(m.skipped[1].reason, Catch::Contains("flagged thermal"));
  REQUIRE(m.doubts.size() == 1);
  CHECK_THAT(m.doubts[0], Catch::Contains("card.json: a gate failed when it was measured: sentinel drift"));
  CHECK_THAT(validate_kernels(shipped(), m).note, Catch::Contains("sentinel drift"));
  CHECK_THROWS_WITH(read_text("card.json", document("true")), Catch::Contains("a part of the card (MIG)"));
}

TEST_CASE("the document of waferwatt-calibrate is read point by point") {
  const std::string document = R"({"schema": "gpu-calibration/1", "gpu": {"name": "NVIDIA H200"}, "points": [
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 1, "n": 8192, "k": 8192, "layout": "TN"}, "mode": "burst", "cache": "cold", "us": {"median": 35.6}},
    {"op": "gemm", "dtype": "fp8_block128", "shape": {"m": 1, "n": 8192, "k": 8192}, "mode": "sustained", "us": {"median": 35.6}},
    {"op": "attention_decode", "dtype": "bf16", "shape": {"batch": 4, "q_heads": 32, "kv_heads": 8, "head": 128, "kv_length": 1024, "page": 16}, "mode": "burst", "us": {"median": 12}},
    {"op": "grouped_gemm", "dtype": "bf16", "shape": {"experts": 8, "rows_per_expert": 16, "n": 4096, "k": 4096, "routing": "one_hot"}, "mode": "burst", "us": {"median": 90}},
    {"op": "rms_norm", "dtype": "bf16", "shape": {"rows": 16384, "columns": 4096}, "mode": "burst", "us": {"median": 72}},
    {"op": "attention_backward", "dtype": "bf16", "shape": {}, "mode": "burst", "unsupported": "engine not found"},
    {"op": "launch", "dtype": "none", "shape": {"kernels": 1, "way": "stream"}, "mode": "burst", "us": {"median": 2}},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 1, "n": 64}, "mode": "burst", "us": {"median": 2}},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 1, "n": 64, "k": 64}, "mode": "burst", "us": {"median": 0}},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 0, "n": 64, "k": 64}, "mode": "burst", "us": {"median": 3}},
    {"op": "gemm", "dtype": "bf16", "shape": {"m": 1e300, "n": 64, "k": 64}, "mode": "burst", "us": {"median": 3}}]})";
  const auto m = read_text("card.json", document);
  REQUIRE(m.rows.size() == 4);
  CHECK(m.rows[0].accelerator == "nvidia-h200-sxm");
  CHECK(m.rows[1].format == "fp8_block");
  CHECK(m.rows[1].is_sustained);
  CHECK(m.rows[2].shape == std::vector<std::int64_t>{4, 1024, 32, 8, 128, 0});
  CHECK(m.rows[3].op == OperatorKind::row);
  REQUIRE(m.skipped.size() == 7);
  CHECK_THAT(m.skipped[5].reason, Catch::Contains("shape has m = 0, a whole number of at least 1 is expected"));
  CHECK_THAT(m.skipped[6].reason, Catch::Contains("shape has m = 1e+300"));
  CHECK_THAT(m.skipped[0].reason, Catch::Contains("routing one_hot of a grouped GEMM has no model"));
  CHECK_THAT(m.skipped[1].reason, Catch::Contains("not measured: engine not found"));
  CHECK_THAT(m.skipped[2].reason, Catch::Contains("operator \"launch\" has no fit"));
  CHECK_THAT(m.skipped[3].reason, Catch::Contains("shape lacks the number \"k\""));
  CHECK_THAT(m.skipped[4].reason, Catch::Contains("us.median must be a time above 0"));
  CHECK_THROWS_WITH(read_text("card.json", document, "nvidia-b200"), Catch::Contains("was measured on NVIDIA H200 (nvidia-h200-sxm), not on nvidia-b200"));
  CHECK_THROWS_WITH(read_text("card.json", R"({"schema": "gpu-calibration/9"})"), Catch::Contains("schema is \"gpu-calibration/9\""));
  CHECK_THROWS_WITH(read_text("card.json", R"({"schema": "gpu-calibration/1", "gpu": {"name": "Voodoo 2"}, "points": []})"),
                    Catch::Contains("gpu \"Voodoo 2\" is no accelerator of the catalog"));
  CHECK_THROWS_WITH(read_text("card.json", R"({"schema": "gpu-calibration/1", "gpu": {"name": "NVIDIA H200"}, "points": []})"),
                    Catch::Contains("has no points"));
}
