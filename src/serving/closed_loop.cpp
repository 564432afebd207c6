// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/closed_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <queue>

namespace waferwatt::serving {
namespace {

// Later waves are alike: this many requests of them, or this many for each one in flight, tell their means.
constexpr std::int64_t kLaterRequests = 1200, kLaterWaves = 2;
// Multiples of these spread evenly over the unit interval (golden and plastic ratio).
constexpr double kEvenOutputs = 0.6180339887498949, kEvenInputs = 0.7548776662466927;

double fraction(double x) { return x - std::floor(x); }

struct Request {
  double arrival_s = 0, first_token_s = 0;
  std::int64_t input = 0, output = 0, done = 0;
};

struct End {
  std::int64_t step;
  std::size_t id;
  bool operator>(const End& other) const { return step != other.step ? step > other.step : id > other.id; }
};

class ClosedLoop {
 public:
  ClosedLoop(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const ClosedLoopLoad& load)
      : model_(model),
        load_(load),
        prefill_first_(engine.backend.prefill_first),
        groups_(model.plan().data_parallel),
        gathered_(engine.backend.gathers_prompts ? groups_ : 1),
        chunk_(engine.max_batched_tokens),
        max_sequences_(engine.max_sequences),
        capacity_(static_cast<double>(memory.n_kv_blocks * engine.kv_block_tokens) * (1 - engine.kv_watermark)),
        // Growing caches are on average half grown; those that are reserved whole count whole.
        grown_(engine.kv_reservation == KvReservation::whole_request ? 1.0 : 0.5) {}

  ClosedLoopOutcome run() {
    const std::int64_t n_later = std::min(static_cast<std::int64_t>((load_.n_waves - 1) * static_cast<double>(load_.concurrency)),
                                          std::max(kLaterRequests, kLaterWaves * load_.concurrency));
    n_requests_ = static_cast<std::size_t>(load_.concurrency + n_later);
    for (std::int64_t i = 0; i < load_.concurrency; ++i) arrive();
    while (n_ended_ < n_requests_) {
      admit();
      if (prefilling_.empty() || gathers())
        decode();
      else
        prefill();
    }
    return outcome();
  }

 private:
  void arrive() {
    if (requests_.size() >= n_requests_) return;
    const double i = static_cast<double>(requests_.size());
    const auto length = [&](std::int64_t whole, double even) {
      const double n = static_cast<double>(whole) * (1 - load_.spread * fraction(i * even));
      return std::max<std::int64_t>(1, std::llround(n));
    };
    waiting_.push_back(requests_.size());
    requests_.push_back({.arrival_s = now_s_,
                         .input = length(load_.input_tokens, kEvenInputs),
                         .output = length(load_.output_tokens, kEvenOutputs)});
  }

  // Groups step together, so that a prompt of one would keep the others waiting.
  bool gathers() const {
    const auto n = static_cast<std::int64_t>(prefilling_.size());
    return n < gathered_ && n_decoding_ >= gathered_ && requests_[prefilling_.front()].done == 0;
  }

  double reserved(const Request& r) const { return static_cast<double>(r.input) + grown_ * static_cast<double>(r.output); }

  void admit() {
    while (!waiting_.empty()) {
      const Request& next = requests_[waiting_.front()];
      const bool is_first = n_decoding_ == 0 && prefilling_.empty();
      const auto n = static_cast<std::int64_t>(prefilling_.size()) + n_decoding_;
      if (!is_first && (n >= max_sequences_ || reserved_ + reserved(next) > capacity_)) return;
      reserved_ += reserved(next);
      prefilling_.push_back(waiting_.front());
      waiting_.pop_front();
    }
  }

  void decode() {
    const std::int64_t k = ends_.top().step - step_;
    const IterationCost cost = model_.decode_cost(n_decoding_, context_ + n_decoding_ * (k + 1) / 2) * static_cast<double>(k);
    decode_s_ += cost.time_s, n_decode_steps_ += k;
    advance(cost, k);
  }

  void prefill() {
    const std::int64_t n_decode = prefill_first_ ? 0 : n_decoding_;
    IterationLoad load{.n_decode = n_decode, .decode_context = n_decode > 0 ? context_ + n_decode : 0};
    std::int64_t budget = std::max<std::int64_t>(groups_, groups_ * chunk_ - n_decode);
    std::size_t n_complete = 0;
    for (const std::size_t id : prefilling_) {
      Request& r = requests_[id];
      const std::int64_t chunk = std::min({r.input - r.done, budget, chunk_});
      if (chunk <= 0) break;
      ++load.n_chunks;
      load.prefill_tokens += chunk;
      load.prefill_work += static_cast<double>(chunk) * (static_cast<double>(r.done) + static_cast<double>(chunk) / 2);
      r.done += chunk, budget -= chunk;
      if (r.done == r.input) ++n_complete;
    }
    load.n_first_tokens = static_cast<std::int64_t>(n_complete);
    advance(model_.cost(load), prefill_first_ ? 0 : 1);
    start_decoding();
  }

  // Those whose prompts are complete; they may stand behind one that is cut.
  void start_decoding() {
    for (auto at = prefilling_.begin(); at != prefilling_.end();) {
      Request& r = requests_[*at];
      if (r.done < r.input) {
        ++at;
        continue;
      }
      r.first_token_s = now_s_;
      ++n_decoding_, context_ += r.input;
      ends_.push({step_ + r.output - 1, *at});
      at = prefilling_.erase(at);
    }
    end_finished();
  }

  void advance(const IterationCost& cost, std::int64_t n_steps) {
    now_s_ += cost.time_s;
    cost_ += cost;
    sequence_seconds_ += static_cast<double>(n_decoding_) * cost.time_s;
    step_ += n_steps;
    context_ += n_steps * n_decoding_;
    end_finished();
  }

  void end_finished() {
    while (!ends_.empty() && ends_.top().step <= step_) {
      const Request& r = requests_[ends_.top().id];
      ends_.pop();
      --n_decoding_, context_ -= r.input + r.output - 1, reserved_ -= reserved(r);
      note(r);
      arrive();
    }
  }

  void note(const Request& r) {
    Means& means = n_ended_ < static_cast<std::size_t>(load_.concurrency) ? first_ : later_;
    ++means.n, ++n_ended_;
    means.ttft_s += r.first_token_s - r.arrival_s;
    if (r.output > 1) means.tpot_s += (now_s_ - r.first_token_s) / static_cast<double>(r.output - 1);
    tokens_ += static_cast<double>(r.output);
  }

  ClosedLoopOutcome outcome() const {
    const double first_weight = later_.n > 0 ? 1 / load_.n_waves : 1;
    const auto mean = [&](double first, double later) {
      const double a = first / static_cast<double>(first_.n);
      return later_.n > 0 ? first_weight * a + (1 - first_weight) * later / static_cast<double>(later_.n) : a;
    };
    ClosedLoopOutcome out;
    out.time_to_first_token = mean(first_.ttft_s, later_.ttft_s) * second;
    out.time_per_output_token = mean(first_.tpot_s, later_.tpot_s) * second;
    out.output_rate = tokens_ / now_s_ * token / second;
    out.energy_per_output_token = cost_.energy_j * static_cast<double>(model_.plan().n_accelerators()) / tokens_ * joule;
    out.batch = sequence_seconds_ / now_s_;
    out.step_time = decode_s_ / static_cast<double>(std::max<std::int64_t>(1, n_decode_steps_)) * second;
    out.cost = cost_;
    return out;
  }

  struct Means {
    std::size_t n = 0;
    double ttft_s = 0, tpot_s = 0;
  };

  IterationModel& model_;
  const ClosedLoopLoad& load_;
  bool prefill_first_;
  std::int64_t groups_, gathered_, chunk_, max_sequences_;
  double capacity_, grown_, reserved_ = 0;
  std::size_t n_requests_ = 0, n_ended_ = 0;
  std::vector<Request> requests_;
  std::deque<std::size_t> waiting_;
  std::vector<std::size_t> prefilling_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::int64_t step_ = 0, n_decoding_ = 0, context_ = 0;
  double now_s_ = 0, sequence_seconds_ = 0, tokens_ = 0, decode_s_ = 0;
  std::int64_t n_decode_steps_ = 0;
  Means first_, later_;
  IterationCost cost_;
};

}  // namespace

ClosedLoopOutcome closed_loop(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const ClosedLoopLoad& load) {
  ClosedLoopOutcome out;
  out.infeasible = memory.infeasible;
  const std::int64_t cache = memory.n_kv_blocks * engine.kv_block_tokens / std::max<std::int64_t>(1, model.plan().data_parallel);
  if (out.infeasible.empty() && cache < load.input_tokens + load.output_tokens)
    out.infeasible = fmt::format("a request of {} + {} tokens is longer than the KV cache of {} tokens", load.input_tokens, load.output_tokens, cache);
  if (!out.infeasible.empty()) return out;
  return ClosedLoop(model, engine, memory, load).run();
}

}  // namespace waferwatt::serving
