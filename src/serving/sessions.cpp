// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "waferwatt/serving/workload.hpp"

namespace waferwatt::serving {
namespace {

// Distinct for distinct pairs with near certainty (the finaliser of splitmix64).
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr std::uint64_t kSharedStart = 0xffffffffffff;

}  // namespace

const io::Record<Sessions>& Sessions::record() {
  using S = Sessions;
  static const auto record =
      io::Record<S>("sessions", "Conversations: each turn's prompt is all that was said before, and a new input.")
          .optional("mean_turns", &S::mean_turns,
                    {.doc = "Turns of a conversation: geometric, at least 1.", .at_least = 1.0, .at_most = 1000.0})
          .optional("mean_pause", &S::mean_pause,
                    {.doc = "From an answer to the next turn: exponential.", .at_least = 0 * second, .at_most = day})
          .optional("shared_tokens", &S::shared_tokens,
                    {.doc = "At the start of every conversation, the same for all (a system prompt).",
                     .at_least = 0,
                     .at_most = 1'000'000})
          .optional("longest_context", &S::longest_context,
                    {.doc = "A conversation that would grow beyond it ends.", .at_least = 1, .at_most = 100'000'000})
          .optional("prefix_tokens", &S::prefix_tokens,
                    {.doc = "Tokens of one hashed block.", .at_least = 1, .at_most = 65536});
  return record;
}

SessionStream::SessionStream(const Workload& workload, traces::Source& first_turns, const RandomStream& random)
    : sessions_(*workload.sessions),
      lengths_(workload.lengths()),
      first_turns_(first_turns),
      random_(random.substream("sessions")) {
  if (workload.duration) end_s_ = workload.duration->in(second);
  if (workload.n_requests) n_left_ = *workload.n_requests;
}

// A position of a conversation always holds the same token: its block's hash follows from both.
void SessionStream::add_prefix(Request& request) const {
  const std::int64_t n = (request.input_tokens + request.output_tokens) / sessions_.prefix_tokens;
  request.prefix_hashes.clear();
  for (std::int64_t i = 0; i < n; ++i) {
    const bool is_shared = (i + 1) * sessions_.prefix_tokens <= sessions_.shared_tokens;
    request.prefix_hashes.push_back(
        mixed(is_shared ? kSharedStart : static_cast<std::uint64_t>(request.session), static_cast<std::uint64_t>(i)));
  }
}

bool SessionStream::next(Request& request) {
  if (n_left_ == 0 || !first_turns_.next(request)) return false;
  --n_left_;
  request.session = n_sessions_++;
  request.input_tokens += sessions_.shared_tokens;
  Session session{.random = random_.substream("session", static_cast<std::uint64_t>(request.session))};
  const double goes_on = 1 - 1 / sessions_.mean_turns;
  if (goes_on > 0)
    session.turns_left = static_cast<std::int64_t>(std::log(1 - session.random.uniform()) / std::log(goes_on));
  session.context = request.input_tokens + request.output_tokens;
  if (session.turns_left > 0) open_.emplace(request.session, session);
  add_prefix(request);
  return true;
}

bool SessionStream::follow_up(const RequestRecord& done, double now_s, Request& request) {
  const auto found = open_.find(done.session);
  if (found == open_.end()) return false;
  Session& session = found->second;
  const std::int64_t input = session.context + lengths_.input.sample(session.random);
  const std::int64_t output = lengths_.output.sample(session.random);
  const double arrival_s = now_s + session.random.exponential(std::max(1e-9, sessions_.mean_pause.in(second)));
  if (done.rejected || n_left_ == 0 || arrival_s >= end_s_ || input + output > sessions_.longest_context) {
    open_.erase(found);
    return false;
  }
  --n_left_;
  request = {.arrival_s = arrival_s, .input_tokens = input, .output_tokens = output, .adapter = done.adapter,
             .priority = done.priority, .session = done.session, .prefix_hashes = std::move(request.prefix_hashes)};
  session.context = input + output;
  add_prefix(request);
  if (--session.turns_left == 0) open_.erase(found);
  return true;
}

}  // namespace waferwatt::serving
