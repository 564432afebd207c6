// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is asked of a deployment: generated requests, or those of a trace.
#include <limits>
#include <memory>
#include <unordered_map>

#include "waferwatt/serving/arrivals.hpp"
#include "waferwatt/serving/lengths.hpp"
#include "waferwatt/serving/request_stream.hpp"
#include "waferwatt/traces/replay.hpp"

namespace waferwatt::serving {

/// Conversations: each turn's prompt is all that was said before, and a new input.
struct Sessions {
  double mean_turns = 4;               ///< geometric, at least 1
  Time mean_pause = 30 * second;       ///< exponential, from an answer to the next turn
  std::int64_t shared_tokens = 0;      ///< at the start of every conversation, the same for all
  std::int64_t longest_context = 32768;  ///< a conversation that would grow beyond it ends
  std::int64_t prefix_tokens = 256;    ///< of one hashed block

  static const io::Record<Sessions>& record();
};

/// Arrivals come at a rate, or so many requests are kept in flight (closed loop); or a trace is replayed. It ends after
/// `n_requests` or `duration`, whichever comes first.
struct Workload {
  std::optional<std::string> preset;
  std::optional<LengthDistribution> input, output;  ///< instead of a preset
  std::optional<Frequency> rate;                    ///< of requests; with sessions, of conversations
  std::optional<std::int64_t> concurrency;
  Arrivals arrivals;
  std::optional<Sessions> sessions;
  std::int64_t n_adapters = 0;          ///< requests are for one of so many LoRA adapters; 0: for none
  std::vector<double> priority_shares;  ///< of requests, the most urgent first; empty: all alike
  std::optional<traces::Replay> trace;  ///< instead of all of the above
  std::optional<std::int64_t> n_requests;
  std::optional<Time> duration;

  /// The preset's lengths, or those written out.
  RequestLengths lengths() const;
  static const io::Record<Workload>& record();
};

/// Generated requests one after the other, always the same ones for a stream.
class RequestSource final : public traces::Source {
 public:
  RequestSource(const Workload& workload, const RandomStream& random);
  bool next(Request& request) override;

 private:
  RequestLengths lengths_;
  std::optional<ArrivalClock> clock_;  // without one: all at 0
  double end_s_ = std::numeric_limits<double>::infinity();
  std::int64_t n_left_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t n_adapters_;
  std::vector<double> priority_shares_;
  RandomStream inputs_, outputs_, marks_;
};

/// Conversations that begin as the requests of a source arrive.
class SessionStream final : public RequestStream {
 public:
  SessionStream(const Workload& workload, traces::Source& first_turns, const RandomStream& random);
  bool next(Request& request) override;
  bool follow_up(const RequestRecord& done, double now_s, Request& request) override;
  std::int64_t prefix_tokens() const override { return sessions_.prefix_tokens; }

 private:
  struct Session {
    std::int64_t turns_left = 0, context = 0;
    RandomStream random;
  };
  void add_prefix(Request& request) const;

  Sessions sessions_;
  RequestLengths lengths_;
  traces::Source& first_turns_;
  RandomStream random_;
  double end_s_ = std::numeric_limits<double>::infinity();
  std::int64_t n_left_ = std::numeric_limits<std::int64_t>::max(), n_sessions_ = 0;
  std::unordered_map<std::int64_t, Session> open_;
};

/// The requests of a workload, with what makes them.
class WorkloadStream final : public RequestStream {
 public:
  /// \param trace the opened trace, when the workload replays one
  WorkloadStream(const Workload& workload, const RandomStream& random, std::unique_ptr<traces::Source> trace = nullptr);
  bool next(Request& request) override { return stream_->next(request); }
  bool follow_up(const RequestRecord& done, double now_s, Request& request) override {
    return stream_->follow_up(done, now_s, request);
  }
  std::int64_t prefix_tokens() const override { return stream_->prefix_tokens(); }

 private:
  std::unique_ptr<traces::Source> source_;
  std::unique_ptr<RequestStream> stream_;
};

}  // namespace waferwatt::serving
