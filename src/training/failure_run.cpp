// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/failure_run.hpp"

#include <algorithm>

#include "waferwatt/engine/bare_loop.hpp"

namespace waferwatt::training {
namespace {

enum EventKind : std::uint32_t { failure, resume, checkpoint_due, checkpoint_done, repaired, finished };

/// The job on a clock in seconds. An event carries the number of the attempt it belongs to; those of an attempt that
/// a failure ended are void.
class Job : public engine::EventHandler {
 public:
  Job(const Reliability& reliability, const Checkpointing& saving, const Goodput& plan, double n, Time useful, RandomStream stream)
      : reliability_(reliability), plan_(plan), left_s_(useful.in(second)), stream_(std::move(stream)) {
    for (const auto& kind : reliability.failures) {
      rate_ += n * kind.per_accelerator_hour / 3600;
      if (kind.needs_spare) spare_rate_ += n * kind.per_accelerator_hour / 3600;
    }
    spares_ = static_cast<std::int64_t>(reliability.n_spares);
    asynchronous_ = saving.asynchronous;
  }

  FailureRun run(Time write) {
    write_s_ = write.in(second);
    work(loop_);
    schedule_failure(loop_);
    loop_.run(*this);
    result_.wall = loop_.now() * second;
    return result_;
  }

  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    switch (event.kind) {
      case failure:
        return fail(loop);
      case resume:
        if (event.payload == attempt_) work(loop);
        return;
      case checkpoint_due:
        if (event.payload == attempt_) save(loop);
        return;
      case checkpoint_done:
        if (event.payload == attempt_) saved_s_ = at_save_s_;
        return;
      case repaired:
        if (state_ != State::waiting) {
          ++spares_;
          return;
        }
        result_.spare += (loop.now() - since_s_) * second;
        return restart(loop);
      case finished:
        if (event.payload == attempt_) loop.stop();
        return;
    }
  }

 private:
  void schedule_failure(engine::EventLoop& loop) {
    if (rate_ > 0) loop.after(stream_.exponential(1 / rate_), failure);
  }
  /// Works until the next checkpoint or the end.
  void work(engine::EventLoop& loop) {
    state_ = State::working, since_s_ = loop.now();
    const double interval = plan_.interval.in(second);
    if (interval > 0 && interval < left_s_ - done_s_)
      loop.after(interval, checkpoint_due, 0, attempt_);
    else
      loop.after(left_s_ - done_s_, finished, 0, attempt_);
  }
  void save(engine::EventLoop& loop) {
    done_s_ += loop.now() - since_s_;
    state_ = State::saving, since_s_ = loop.now(), at_save_s_ = done_s_;
    const double stop = plan_.stop.in(second);
    result_.checkpoint += plan_.stop;
    // Of use once it is written; a synchronous one is when the job goes on.
    loop.after(asynchronous_ ? std::max(stop, write_s_) : stop, checkpoint_done, 0, attempt_);
    loop.after(stop, resume, 0, attempt_);
  }
  void fail(engine::EventLoop& loop) {
    schedule_failure(loop);
    if (state_ == State::waiting) return;  // nothing runs that could fail
    ++attempt_, ++result_.n_interruptions;
    const Time since = (loop.now() - since_s_) * second;
    if (state_ == State::working) done_s_ += since.in(second);
    if (state_ == State::saving) result_.checkpoint -= plan_.stop - since;
    if (state_ == State::restarting) result_.restart -= reliability_.detection + reliability_.restart - since;
    result_.lost += (done_s_ - saved_s_) * second;
    done_s_ = saved_s_;
    const bool takes_spare = stream_.uniform() * rate_ < spare_rate_;
    if (takes_spare) loop.after(reliability_.repair.in(second), repaired);
    if (takes_spare && spares_ == 0) {
      state_ = State::waiting, since_s_ = loop.now();
      return;
    }
    spares_ -= takes_spare ? 1 : 0;
    restart(loop);
  }
  void restart(engine::EventLoop& loop) {
    const Time length = reliability_.detection + reliability_.restart;
    result_.restart += length;
    state_ = State::restarting, since_s_ = loop.now();
    loop.after(length.in(second), resume, 0, attempt_);
  }

  enum class State { working, saving, restarting, waiting };
  const Reliability& reliability_;
  Goodput plan_;
  double rate_ = 0, spare_rate_ = 0, left_s_ = 0, write_s_ = 0;
  bool asynchronous_ = true;
  State state_ = State::working;
  double done_s_ = 0, saved_s_ = 0, at_save_s_ = 0;  ///< useful seconds: done, in storage, on the way there
  double since_s_ = 0;                               ///< when the state began
  std::int64_t spares_ = 0;
  std::uint64_t attempt_ = 0;
  RandomStream stream_;
  engine::BareLoop loop_;
  FailureRun result_;
};

}  // namespace

FailureRun failure_run(const Reliability& reliability, const Checkpointing& saving, double n_accelerators, DataSize state,
                       Time useful, RandomStream stream) {
  const Goodput plan = goodput(reliability, saving, n_accelerators, state);
  return Job(reliability, saving, plan, n_accelerators, useful, std::move(stream)).run(state / saving.storage_bandwidth);
}

}  // namespace waferwatt::training
