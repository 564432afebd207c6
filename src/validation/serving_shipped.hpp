// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured serving that ships with the project: two rows of every backend, model and accelerator of the public table of
// aiconfigurator (Apache-2.0, commit 095f58a), drawn by a hash of their names.
#include <string_view>

namespace waferwatt::validation {

inline constexpr std::string_view kShippedServing = R"(id,backend,backend_version,measured_on,model_path,system,precision,concurrency,batch_size,isl,osl,tp_size,attention_dp_size,moe_tp_size,moe_ep_size,measured_ttft_ms,measured_tpot_ms
sglang-h200-1,sglang,0.5.6.post2,,Qwen/Qwen3-235B-A22B-FP8,h200_sxm,fp8,2,2,4000,500,2,,2,1,645.1,16.5
sglang-h200-2,sglang,0.5.6.post2,,Qwen/Qwen3-235B-A22B-FP8,h200_sxm,fp8,9,9,1000,2000,4,,4,1,323.9,16.98
sglang-b200-3,sglang,nightly-dev,,Qwen/Qwen3.5-397B-A17B,b200_sxm,bf16,4,4,8192,1024,8,1,8,1,385.5,8.411
sglang-b200-4,sglang,nightly-dev,,Qwen/Qwen3.5-397B-A17B,b200_sxm,bf16,64,64,1024,8192,8,1,8,1,591.3,19.94
sglang-b300-5,sglang,0.5.9,2026-04-03,Qwen/Qwen3.5-397B-A17B,b300_sxm,fp8,128,128,1024,1024,4,1,1,4,929.2,28.32
sglang-b300-6,sglang,0.5.9,2026-04-03,Qwen/Qwen3.5-397B-A17B,b300_sxm,fp8,128,128,1024,1024,4,1,4,1,1472,27.16
sglang-h200-7,sglang,0.5.9,2026-03-25,deepseek-ai/DeepSeek-R1,h200_sxm,fp8,8,8,1024,8192,8,1,8,1,242.3,12.2
sglang-h200-8,sglang,0.5.9,2026-03-25,deepseek-ai/DeepSeek-R1,h200_sxm,fp8,64,64,1024,8192,8,1,8,1,420.1,30.61
sglang-b200-9,sglang,,2025-11-10,deepseek-ai/DeepSeek-V3,b200_sxm,fp4,4,4,1024,1024,8,1,8,1,365,8.305
sglang-b200-10,sglang,,2025-11-10,deepseek-ai/DeepSeek-V3,b200_sxm,fp4,16,16,8192,1024,4,1,4,1,7441,19.48
sglang-b300-11,sglang,0.5.10.post1,2026-04-17,deepseek-ai/DeepSeek-V3,b300_sxm,fp8,4,4,1024,1024,8,1,8,1,291.3,9.075
sglang-b300-12,sglang,0.5.10.post1,2026-04-17,deepseek-ai/DeepSeek-V3,b300_sxm,fp8,8,8,8192,1024,4,1,4,1,4554,33.8
sglang-h200-13,sglang,0.5.9,2026-03-25,deepseek-ai/DeepSeek-V3,h200_sxm,fp8,8,8,1024,1024,8,1,8,1,244.9,12.47
sglang-h200-14,sglang,0.5.9,2026-03-25,deepseek-ai/DeepSeek-V3,h200_sxm,fp8,32,32,1024,1024,8,1,8,1,337.5,23.31
sglang-h200-15,sglang,0.5.6.post2,,meta-llama/Llama-3.1-8B-Instruct,h200_sxm,fp8,352,352,2000,500,2,,1,1,1293,36.07
sglang-h200-16,sglang,0.5.6.post2,,meta-llama/Llama-3.1-8B-Instruct,h200_sxm,fp8,512,512,1000,500,8,,1,1,1992,22.79
sglang-b200-17,sglang,nightly-dev,2026-03-20,zhipuai/GLM-5,b200_sxm,fp8,128,128,1024,1024,8,1,8,1,534.9,46.8
sglang-b200-18,sglang,nightly-dev,2026-03-20,zhipuai/GLM-5,b200_sxm,fp8,128,128,1024,8192,8,1,8,1,498.2,36
sglang-h200-19,sglang,glm5-hopper,2026-03-19,zhipuai/GLM-5,h200_sxm,fp8,8,8,1024,8192,8,1,8,1,363.7,20.34
sglang-h200-20,sglang,glm5-hopper,2026-03-19,zhipuai/GLM-5,h200_sxm,fp8,16,16,1024,1024,8,1,8,1,348,26.39
trtllm-h100-21,trtllm,1.0.0rc3,,Qwen/Qwen3-32B,h100_sxm,fp8,8,8,1024,512,2,,1,1,147.1,10.4
trtllm-h100-22,trtllm,1.0.0rc3,,Qwen/Qwen3-32B,h100_sxm,fp8,32,32,1024,512,4,,1,1,187.3,10.64
trtllm-b200-23,trtllm,1.2.0rc6.post2,2026-02-03,deepseek-ai/DeepSeek-R1,b200_sxm,fp4,8,8,1024,1024,4,1,4,1,163.5,9.7
trtllm-b200-24,trtllm,1.2.0rc6.post2,2026-02-03,deepseek-ai/DeepSeek-R1,b200_sxm,fp4,8,8,8192,1024,4,1,4,1,298.7,10.46
trtllm-h200-25,trtllm,,2025-11-02,deepseek-ai/DeepSeek-R1,h200_sxm,fp8,8,8,1024,1024,8,1,8,1,292.9,16.39
trtllm-h200-26,trtllm,1.1.0rc2.post2,2026-01-14,deepseek-ai/DeepSeek-R1,h200_sxm,fp8,256,32,1024,1024,1,8,1,8,2998,37.23
trtllm-h200-27,trtllm,,2025-11-02,deepseek-ai/DeepSeek-V3,h200_sxm,fp8,16,16,1024,8192,8,1,8,1,366.9,19.52
trtllm-h200-28,trtllm,,2025-11-02,deepseek-ai/DeepSeek-V3,h200_sxm,fp8,64,64,8192,1024,8,1,8,1,4995,48.29
trtllm-b200-29,trtllm,,2025-10-29,meta-llama/Llama-3.1-70B,b200_sxm,fp4,128,128,1024,8192,4,1,4,1,204,14.1
trtllm-b200-30,trtllm,,2025-10-29,meta-llama/Llama-3.1-70B,b200_sxm,fp4,128,128,8192,1024,2,1,2,1,1857,50.36
trtllm-h200-31,trtllm,,2025-10-29,meta-llama/Llama-3.1-70B,h200_sxm,fp8,32,32,1024,8192,8,1,8,1,141.8,9.467
trtllm-h200-32,trtllm,,2025-10-29,meta-llama/Llama-3.1-70B,h200_sxm,fp8,64,64,8192,1024,1,1,1,1,2.968e+04,79.24
trtllm-b200-33,trtllm,1.3.0rc1,2026-03-17,nvidia/DeepSeek-R1-NVFP4,b200_sxm,fp4,48,6,4000,1000,8,,2,4,907.2,87.46
trtllm-b200-34,trtllm,1.3.0rc1,2026-03-17,nvidia/DeepSeek-R1-NVFP4,b200_sxm,fp4,80,10,4000,1000,8,,1,8,667.5,84.99
trtllm-b200-35,trtllm,1.3.0rc5,2026-03-07,nvidia/DeepSeek-V3.1-NVFP4,b200_sxm,fp4,448,56,4000,1000,8,,1,8,428.4,21.21
trtllm-b200-36,trtllm,1.3.0rc5,2026-03-07,nvidia/Qwen3-32B-NVFP4,b200_sxm,fp4,416,13,15000,500,2,1,1,1,719.3,13.66
trtllm-h100-37,trtllm,1.3.0rc1,2026-03-18,openai/gpt-oss-120b,h100_sxm,fp8,192,48,4000,1000,4,,4,1,1591,48.79
trtllm-h100-38,trtllm,1.3.0rc1,2026-03-18,openai/gpt-oss-120b,h100_sxm,fp8,384,96,4000,1000,4,,4,1,1289,49.35
vllm-b200-39,vllm,0.19.0,2026-04-03,MiniMaxAI/MiniMax-M2.5,b200_sxm,fp8,8,8,8192,1024,2,1,2,1,325.8,12.02
vllm-b200-40,vllm,nightly-5b8c30d62b754b57,2026-04-03,MiniMaxAI/MiniMax-M2.5,b200_sxm,fp4,128,128,1024,1024,2,1,2,1,222.6,22.9
vllm-b300-41,vllm,nightly-5b8c30d62b754b57,2026-04-03,MiniMaxAI/MiniMax-M2.5,b300_sxm,fp8,4,4,8192,1024,2,1,2,1,234.1,10.05
vllm-b300-42,vllm,nightly-5b8c30d62b754b57,2026-04-03,MiniMaxAI/MiniMax-M2.5,b300_sxm,fp8,8,8,1024,1024,2,1,2,1,90.07,10.76
vllm-h100-43,vllm,0.18.0,2026-03-28,MiniMaxAI/MiniMax-M2.5,h100_sxm,fp8,8,2,1024,1024,4,4,1,16,94.16,12.55
vllm-h100-44,vllm,0.18.0,2026-03-28,MiniMaxAI/MiniMax-M2.5,h100_sxm,fp8,16,4,8192,1024,4,4,1,16,982.7,31.69
vllm-h200-45,vllm,0.16.0,2026-03-01,MiniMaxAI/MiniMax-M2.5,h200_sxm,fp8,8,8,1024,1024,4,1,4,1,106.3,13.63
vllm-h200-46,vllm,0.18.0,2026-03-28,MiniMaxAI/MiniMax-M2.5,h200_sxm,fp8,8,8,8192,1024,8,1,8,1,268.6,9.997
vllm-h100-47,vllm,0.12.0,,Qwen/Qwen3-32B,h100_sxm,,16,16,1024,128,2,,1,1,187.9,22.18
vllm-h100-48,vllm,0.12.0,,Qwen/Qwen3-32B,h100_sxm,,128,128,4096,512,8,,1,1,921.7,40.12
vllm-b200-49,vllm,0.15.1,,moonshotai/Kimi-K2.5,b200_sxm,int4,8,8,1024,8192,8,1,8,1,166,11.92
vllm-b200-50,vllm,0.15.1,,moonshotai/Kimi-K2.5,b200_sxm,int4,64,64,1024,8192,8,1,8,1,302.3,27.67
vllm-h200-51,vllm,0.12.0,,nvidia/Llama-3.1-8B-Instruct-FP8,h200_sxm,fp8,80,80,8000,500,2,,1,1,267.6,15.65
vllm-h200-52,vllm,0.12.0,,nvidia/Llama-3.1-8B-Instruct-FP8,h200_sxm,fp8,128,128,4000,2000,1,,1,1,111.4,23.46
vllm-b200-53,vllm,0.15.1,2026-02-25,openai/gpt-oss-120b,b200_sxm,fp4,4,4,8192,1024,1,1,1,1,115.8,3.734
vllm-b200-54,vllm,0.15.1,2026-02-25,openai/gpt-oss-120b,b200_sxm,fp4,8,8,1024,8192,4,1,4,1,30.25,3.353
vllm-h100-55,vllm,0.18.0,2026-03-27,openai/gpt-oss-120b,h100_sxm,fp4,16,16,1024,8192,2,1,2,1,89.61,7.792
vllm-h100-56,vllm,0.18.0,2026-03-27,openai/gpt-oss-120b,h100_sxm,fp4,16,16,1024,1024,4,1,4,1,62.21,5.827
vllm-h200-57,vllm,0.18.0,2026-03-27,openai/gpt-oss-120b,h200_sxm,fp4,4,4,1024,1024,2,1,2,1,63.82,4.796
vllm-h200-58,vllm,0.18.0,2026-03-27,openai/gpt-oss-120b,h200_sxm,fp4,32,32,1024,8192,4,1,4,1,84.16,6.77
)";

}  // namespace waferwatt::validation
