// SPDX-License-Identifier: Apache-2.0
// cuDNN matches graphs against its engines for a described device; none needs to be present.
#include "calibration/device/attention_graphs.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "calibration/device/check.hpp"

using namespace waferwatt::calibration;

namespace {

constexpr const char* kH200 = R"({"deviceName":"NVIDIA H200","cudaDeviceId":0,"deviceVer":900,"driverVer":13000,
"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,"multiProcessorCount":132,
"smClockRateKHz":1980000,"memClockRateKHz":3201000,"l2CacheSize":62914560,"warpSize":32,"maxSharedMemoryPerBlock":49152,
"maxSharedMemoryPerBlockOptin":232448,"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"pciDeviceId":1,
"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"isTccDriver":0,"supportCoopLaunch":1,
"totalGlobalMem":150754820096})";

/// Without a driver an engine that accepts the graph still fails to load its kernel; one that does not
/// recognise the graph says so.
template <class G>
std::string refusal(G g) {
  try {
    g.graph.plan_for_device(kH200);
    return "";
  } catch (const Unsupported& error) {
    return error.what();
  }
}

bool accepted(const std::string& refusal) {
  return refusal.empty() || refusal.find("RUNTIME_PREREQUISITE_MISSING") != std::string::npos ||
         refusal.find("CUDA_DRIVER") != std::string::npos;
}

}  // namespace

TEST_CASE("an engine of cuDNN accepts the forward pass") {
  for (const bool causal : {true, false})
    for (const bool with_stats : {true, false}) {
      const std::string reason = refusal(forward_graph({1, 64, 8, 4096, 128, 128}, causal, with_stats));
      INFO(reason);
      CHECK(accepted(reason));
    }
  for (const AttentionShape& shape :
       {AttentionShape{1, 128, 128, 2048, 192, 128}, {4, 64, 8, 128, 64, 64}, {1, 16, 1, 2048, 128, 128}}) {
    const std::string reason = refusal(forward_graph(shape, true, false));
    INFO(reason);
    CHECK(accepted(reason));
  }
}

TEST_CASE("an engine of cuDNN accepts the backward pass, heads shared or not") {
  for (const AttentionShape& shape : {AttentionShape{1, 64, 8, 8192, 128, 128}, {1, 32, 32, 2048, 128, 128}}) {
    const std::string reason = refusal(backward_graph(shape));
    INFO(reason);
    CHECK(accepted(reason));
  }
}

TEST_CASE("an engine of cuDNN accepts decoding over a paged cache") {
  for (const DecodeShape& shape :
       {DecodeShape{4, 32, 8, 128, 1024, 16}, {64, 64, 8, 128, 8192, 64}, {16, 16, 1, 128, 2048, 64}}) {
    const std::string reason = refusal(decode_graph(shape));
    INFO(reason);
    CHECK(accepted(reason));
  }
}

TEST_CASE("a graph that no engine knows is unsupported, not accepted") {
  struct Strange {
    Graph graph;
  } strange;
  const auto x = strange.graph.tensor({1, 1, 8, 8}, {64, 64, 8, 1}, CUDNN_DATA_BOOLEAN, Graph::Kind::memory);
  const auto y = strange.graph.tensor({1, 1, 8, 8}, {64, 64, 8, 1}, CUDNN_DATA_BOOLEAN, Graph::Kind::memory);
  strange.graph.unary(CUDNN_POINTWISE_EXP, x, y);
  CHECK_FALSE(accepted(refusal(std::move(strange))));
}

TEST_CASE("a failed call is named with its status") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(WAFERWATT_CALL(cudaErrorInvalidValue), Contains("cudaErrorInvalidValue -> cudaErrorInvalidValue"));
  CHECK_THROWS_WITH(WAFERWATT_CALL(CUBLAS_STATUS_NOT_SUPPORTED), Contains("CUBLAS_STATUS_NOT_SUPPORTED"));
  CHECK_NOTHROW(WAFERWATT_CALL(cudaSuccess));
}
