// SPDX-License-Identifier: Apache-2.0
// The same operator times as a peer's, the same policies: the same requests (docs/models/serving-engine.md).
#include <catch2/catch.hpp>

#include <filesystem>

#include "peer_tables.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/serving/simulation.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

const std::string kFolder = WAFERWATT_SHARED_DIR "/data/peers/vidur";

class Differences final : public RequestSink {
 public:
  explicit Differences(const std::vector<PeerRequest>& peers) : peers_(peers) {}
  void take(const RequestRecord& request) override {
    const PeerRequest& peer = peers_[static_cast<std::size_t>(request.number)];
    ++n;
    ttft_s = std::max(ttft_s, std::abs(request.time_to_first_token_s() - peer.ttft_s));
    e2e_s = std::max(e2e_s, std::abs(request.end_to_end_s() - peer.e2e_s));
  }
  std::size_t n = 0;
  double ttft_s = 0, e2e_s = 0;

 private:
  const std::vector<PeerRequest>& peers_;
};

Deployment peer_deployment(SchedulerPolicy policy, std::int64_t n_replicas) {
  Deployment deployment;
  ReplicaGroup& group = deployment.groups[0];
  group.n_replicas = n_replicas;
  group.engine.max_sequences = 128;
  group.engine.max_batched_tokens = policy == SchedulerPolicy::sarathi ? 512 : 4096;
  group.engine.scheduler.policy = policy;
  group.engine.scheduler.count_padding = policy == SchedulerPolicy::prefill_first;
  deployment.router = Router::round_robin;
  return deployment;
}

}  // namespace

TEST_CASE("A peer's operator times give the peer's requests to a microsecond") {
  if (!std::filesystem::exists(kFolder)) {
    WARN("skipped: no peer's requests");
    return;
  }
  PeerCosts costs(kFolder + "/tables");
  const std::tuple<const char*, SchedulerPolicy, std::int64_t> runs[] = {
      {"sar", SchedulerPolicy::sarathi, 1},
      {"sar", SchedulerPolicy::sarathi, 16},
      {"vllm", SchedulerPolicy::prefill_first, 1},
      {"vllm", SchedulerPolicy::prefill_first, 16}};
  for (const auto& [name, policy, n_replicas] : runs) {
    const auto peers = peer_requests(kFolder, name, n_replicas);
    REQUIRE(peers.size() == 19366);
    for (const bool step_by_step : {false, true}) {
      PeerSource source(peers);
      OpenStream stream(source);
      Differences differences(peers);
      engine::BareLoop loop;
      simulate(loop, peer_deployment(policy, n_replicas), stream, {&costs}, {30208}, RandomStream(1, "peer"), differences,
               step_by_step);
      INFO(name << " on " << n_replicas << (step_by_step ? " step by step" : "") << ": TTFT off by " << differences.ttft_s << " s, end to end by "
                << differences.e2e_s << " s at most");
      CHECK(differences.n == peers.size());
      CHECK(differences.ttft_s < 1e-6);
      CHECK(differences.e2e_s < 1e-6);
    }
  }
}
