// SPDX-License-Identifier: Apache-2.0
#pragma once
// A model of iterations that can be followed with a pencil, and requests written out.
#include <numeric>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::serving {

struct PlainCosts final : IterationCosts {
  double base_s = 0, decode_s = 0, context_s = 0, prompt_s = 0;  // an iteration, a sequence, a cached token, a prompt token
  double scheduling_s = 0;                                       // of an iteration
  double byte_s = 0;                                             // a byte read besides

  IterationCost cost(const IterationLoad& load, std::span<const PrefillChunk>) override {
    return {.time_s = base_s + decode_s * static_cast<double>(load.n_decode) +
                      context_s * static_cast<double>(load.decode_context) +
                      prompt_s * static_cast<double>(load.prefill_tokens),
            .scheduling_s = scheduling_s,
            .energy_j = 1};
  }
  IterationCost reading(DataSize size) override { return {.time_s = byte_s * size.in(byte)}; }
};

class ListSource final : public traces::Source {
 public:
  explicit ListSource(std::vector<Request> requests, std::int64_t prefix_tokens = 0)
      : requests_(std::move(requests)), prefix_tokens_(prefix_tokens) {}
  bool next(Request& request) override {
    if (i_ == requests_.size()) return false;
    request = requests_[i_++];
    return true;
  }
  std::int64_t prefix_tokens() const override { return prefix_tokens_; }

 private:
  std::vector<Request> requests_;
  std::int64_t prefix_tokens_;
  std::size_t i_ = 0;
};

struct Kept final : RequestSink {
  void take(const RequestRecord& request) override {
    if (static_cast<std::size_t>(request.number) >= requests.size()) requests.resize(static_cast<std::size_t>(request.number) + 1);
    requests[static_cast<std::size_t>(request.number)] = request;
    ++n;
  }
  std::vector<RequestRecord> requests;
  std::size_t n = 0;
};

struct PlainRun {
  ServingOutcome outcome;
  std::vector<RequestRecord> requests;
};

/// \param n_kv_blocks of each replica
inline PlainRun plain_run(const Deployment& deployment, std::vector<Request> list, IterationCosts& costs,
                          std::int64_t n_kv_blocks = 100000, std::int64_t prefix_tokens = 0, bool step_by_step = false,
                          const PolicyFunction& policy = {}) {
  ListSource source(std::move(list), prefix_tokens);
  OpenStream stream(source);
  Kept kept;
  engine::BareLoop loop;
  PlainRun run;
  run.outcome = simulate(loop, deployment, stream, std::vector<IterationCosts*>(deployment.groups.size(), &costs),
                         std::vector<std::int64_t>(deployment.groups.size(), n_kv_blocks), RandomStream(1, "plain"), kept,
                         step_by_step, policy);
  run.requests = std::move(kept.requests);
  return run;
}

inline double charged_s(const RequestRecord& request) {
  return std::accumulate(request.charged_s.begin(), request.charged_s.end(), 0.0);
}

}  // namespace waferwatt::serving
