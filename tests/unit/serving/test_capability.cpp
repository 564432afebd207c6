// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/capability.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "waferwatt/serving/closed_loop.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

ServingCapability capability(const std::string& model, const catalog::Accelerator& accelerator,
                             const ReferenceWorkload& workload = {}) {
  return saturated_capability(shipped().language_models.at(model), cost::OperatorModel(accelerator, shipped()), shipped().system_of(accelerator.id),
                              shipped(), workload);
}

}  // namespace

TEST_CASE("More memory bandwidth or compute never lowers the capability") {
  for (const char* model : {"llama-3-1-70b", "deepseek-v3"}) {
    double before = 0;
    for (const double factor : {0.7, 1.0, 1.2, 1.5, 2.0, 3.0}) {
      catalog::Accelerator accelerator = shipped().accelerators.at("nvidia-b200");
      accelerator.memory_bandwidth.value *= factor;
      const double rate = capability(model, accelerator).output_rate.in(token / second);
      CHECK(rate >= before);
      before = rate;
    }
    before = 0;
    for (const double factor : {0.5, 1.0, 2.0, 4.0}) {
      catalog::Accelerator accelerator = shipped().accelerators.at("nvidia-b200");
      accelerator.peak_bf16.value *= factor;
      if (accelerator.peak_fp8) accelerator.peak_fp8->value *= factor;
      const double rate = capability(model, accelerator).output_rate.in(token / second);
      CHECK(rate >= before);
      before = rate;
    }
  }
}

TEST_CASE("A replica is the smallest power of two that leaves a quarter of memory for KV cache") {
  // Llama 3.1 70B in bf16, 141 GB: 2 x 80 GB hold it with 0.9 x 160 - 141 = 3 GB to spare; 4 x 80 GB leave
  // well above 80 GB. 2 x 141 GB leave 0.9 x 282 - 141 = 113 GB, above 70.5 GB.
  CHECK(capability("llama-3-1-70b", shipped().accelerators.at("nvidia-h100-sxm")).n_accelerators == 4);
  CHECK(capability("llama-3-1-70b", shipped().accelerators.at("nvidia-h200-sxm")).n_accelerators == 2);
}

TEST_CASE("Beyond a scale-up domain a replica is a pipeline of domains") {
  // 671e9 parameters: in fp8 671 GB are more than 8 x 80 GB and less than 65 % of 16 x 80; in bf16, as A100 compute, 1,342 GB
  // are more than 16 x 80 and less than 65 % of 32 x 80.
  CHECK(capability("deepseek-v3", shipped().accelerators.at("nvidia-h100-sxm")).n_accelerators == 16);
  CHECK(capability("deepseek-v3", shipped().accelerators.at("nvidia-a100-sxm-80gb")).n_accelerators == 32);
  // The same accelerator with the memory for one domain neither waits for stages nor crosses the network between them.
  catalog::Accelerator larger = shipped().accelerators.at("nvidia-h100-sxm");
  larger.memory_capacity.value *= 2;
  CHECK(capability("deepseek-v3", larger).n_accelerators == 8);
  CHECK(capability("deepseek-v3", larger).output_rate > capability("deepseek-v3", shipped().accelerators.at("nvidia-h100-sxm")).output_rate);
}

TEST_CASE("What cannot fit is infeasible with its numbers") {
  catalog::Accelerator small = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  small.memory_capacity.value = 4 * giga * byte;
  const ServingCapability none = capability("deepseek-v3", small);
  // The A100 has no fp8: 671e9 parameters in bf16 are 1,342 GB, and eight domains hold 64 x 4 GB, of which 1.068 times as many bytes are seen.
  CHECK(none.weight_format == NumberFormat::bf16);
  CHECK(none.infeasible.find("needs 1342.0 GB for weights; 64 x 4.27 GB") != std::string::npos);
  CHECK(none.output_rate == TokenRate{});
}

TEST_CASE("A time per output token nobody can keep is infeasible") {
  const ServingCapability none = capability("llama-3-1-8b", shipped().accelerators.at("nvidia-l40s"),
                                            {.time_per_output_token = 1 * milli * second});
  CHECK(none.infeasible.find("takes more than 1 ms per output token even with one request in flight") !=
        std::string::npos);
}

TEST_CASE("A tighter time per output token never raises the throughput") {
  double before = 0;
  for (const double limit_ms : {15.0, 25.0, 50.0, 100.0}) {
    const auto found = capability("llama-3-1-70b", shipped().accelerators.at("nvidia-h200-sxm"),
                                  {.time_per_output_token = limit_ms * milli * second});
    CHECK(found.time_per_output_token <= limit_ms * milli * second);
    CHECK(found.output_rate.in(token / second) >= before);
    before = found.output_rate.in(token / second);
  }
}

TEST_CASE("Every accelerator has a capability for every model, or the reason why not") {
  for (const auto& [id, accelerator] : shipped().accelerators.all())
    for (const char* model : {"llama-3-1-8b", "llama-3-1-70b", "deepseek-v3"}) {
      const ServingCapability found = capability(model, accelerator);
      INFO(id << " " << model << " " << found.infeasible);
      CHECK((found.output_rate > TokenRate{}) == found.infeasible.empty());
      if (found.infeasible.empty()) {
        CHECK(found.mean_power <= *accelerator.tdp * 1.0001);
        CHECK(found.error < 0.5);
      }
    }
}

TEST_CASE("A capability is what the deployment's engine yields with as many requests in flight") {
  const auto& accelerator = shipped().accelerators.at("nvidia-h100-sxm");
  const auto& model = shipped().language_models.at("llama-3-1-8b");
  const ReferenceWorkload workload;
  const ServingCapability found = capability("llama-3-1-8b", accelerator);
  const cost::OperatorModel operators(accelerator, shipped());
  const ReplicaPlan plan{.tensor_parallel = found.n_accelerators, .weight_format = found.weight_format, .kv_format = workload.kv_format};
  EngineSettings engine;
  engine.max_sequences = 4096;  // as capabilities have it, with the default's budget
  const auto network = network::network_of(accelerator, shipped().system_of(accelerator.id), nullptr, found.n_accelerators, shipped());
  IterationModel iterations(model, operators, plan, *network, engine);
  const auto loop = closed_loop(iterations, engine, memory_plan(model, accelerator, plan, engine),
                                {.concurrency = found.concurrency, .input_tokens = workload.input_tokens, .output_tokens = workload.output_tokens, .n_waves = 20});
  // The loop's means have its first wave and its end, when fewer are in flight, in them.
  CHECK(loop.time_per_output_token.in(second) == Approx(found.time_per_output_token.in(second)).epsilon(0.08));
  CHECK(loop.output_rate.in(token / second) == Approx(found.output_rate.in(token / second) * static_cast<double>(found.n_accelerators)).epsilon(0.05));
}
