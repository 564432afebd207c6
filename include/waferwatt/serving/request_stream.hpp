// SPDX-License-Identifier: Apache-2.0
#pragma once
// The requests that reach a deployment: those that come by themselves, and those that follow an answer.
#include "waferwatt/serving/request_ledger.hpp"
#include "waferwatt/traces/request.hpp"

namespace waferwatt::serving {

using traces::Request;

class RequestStream {
 public:
  virtual ~RequestStream() = default;
  /// The next request that comes by itself, in order of arrival. \returns false when there are no more
  virtual bool next(Request& request) = 0;
  /// A request that follows when another one has been answered or refused. \returns false when none does
  virtual bool follow_up(const RequestRecord& /*done*/, double /*now_s*/, Request& /*request*/) { return false; }
  /// Tokens that one prefix hash stands for; 0: requests have none.
  virtual std::int64_t prefix_tokens() const { return 0; }
};

/// The requests of a source, whatever becomes of them.
class OpenStream final : public RequestStream {
 public:
  explicit OpenStream(traces::Source& source) : source_(source) {}
  bool next(Request& request) override { return source_.next(request); }
  std::int64_t prefix_tokens() const override { return source_.prefix_tokens(); }

 private:
  traces::Source& source_;
};

/// So many requests of a source in flight: an answer brings the next one.
class ClosedStream final : public RequestStream {
 public:
  ClosedStream(traces::Source& source, std::int64_t concurrency) : source_(source), n_left_(concurrency) {}
  bool next(Request& request) override;
  bool follow_up(const RequestRecord& done, double now_s, Request& request) override;
  std::int64_t prefix_tokens() const override { return source_.prefix_tokens(); }

 private:
  traces::Source& source_;
  std::int64_t n_left_;
};

}  // namespace waferwatt::serving
