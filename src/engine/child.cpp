// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/child.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "child_process.hpp"

namespace waferwatt::engine {
namespace {

// Turns SIGINT and SIGTERM into something to poll while children run, unless the caller ignores them.
class SignalWatch {
 public:
  SignalWatch() {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int signal : {SIGINT, SIGTERM}) {
      struct sigaction action {};
      sigaction(signal, nullptr, &action);
      if (action.sa_handler != SIG_IGN) sigaddset(&watched, signal);
    }
    pthread_sigmask(SIG_BLOCK, &watched, &before_);
    descriptor_ = Descriptor(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  SignalWatch(SignalWatch&&) = delete;
  ~SignalWatch() { restore(); }

  void restore() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  const sigset_t& caller_mask() const { return before_; }
  int descriptor() const { return descriptor_.number(); }

  int take() {
    signalfd_siginfo info{};
    return read(descriptor_.number(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_;
  Descriptor descriptor_;
};

class ChildPool {
 public:
  ChildPool(const std::vector<ChildTask>& tasks, std::size_t jobs, const ChildLimits& limits,
            const ChildCallbacks& callbacks)
      : tasks_(tasks), jobs_(jobs), limits_(limits), callbacks_(callbacks), results_(tasks.size()) {}

  std::vector<ChildResult> run() {
    while (next_ < tasks_.size() || !live_.empty()) {
      while (next_ < tasks_.size() && live_.size() < jobs_) start();
      wait();
      if (const int signal = signals_.take()) be_interrupted(signal);
      for (auto& child : live_) serve(*child);
      collect();
    }
    return std::move(results_);
  }

 private:
  void start() {
    live_.push_back(std::make_unique<ChildProcess>(tasks_[next_], next_, limits_, signals_.caller_mask()));
    ++next_;
  }

  void wait() {
    std::vector<pollfd> polled{{signals_.descriptor(), POLLIN, 0}};
    int timeout_ms = -1;
    for (const auto& child : live_) {
      polled.push_back({child->result_descriptor(), POLLIN, 0});  // poll skips the closed ones (-1)
      polled.push_back({child->error_descriptor(), POLLIN, 0});
      timeout_ms = std::min(static_cast<unsigned>(timeout_ms), static_cast<unsigned>(patience_ms(*child)));
    }
    if (poll(polled.data(), polled.size(), timeout_ms) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
  }

  // Milliseconds until something must be done about a silent child; -1 for never.
  static int patience_ms(const ChildProcess& child) {
    if (child.result_descriptor() < 0) return 1;  // about to end
    if (!child.deadline()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*child.deadline() - ChildProcess::Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
  }

  void serve(ChildProcess& child) {
    const auto on_progress = [&](double fraction, const std::string& text) {
      if (callbacks_.on_progress) callbacks_.on_progress(child.index(), fraction, text);
    };
    if (child.error_descriptor() >= 0) child.read_error();
    if (child.result_descriptor() >= 0) child.read_result(on_progress);
    if (child.deadline() && ChildProcess::Clock::now() >= *child.deadline()) child.kill_for_timeout();
  }

  void collect() {
    for (std::size_t i = 0; i < live_.size();) {
      if (!live_[i]->reap()) {
        ++i;
        continue;
      }
      const std::unique_ptr<ChildProcess> child = std::move(live_[i]);
      live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(i));
      ChildResult& result = results_[child->index()];
      result = child->result();
      if (callbacks_.on_done) callbacks_.on_done(child->index(), result);
    }
  }

  [[noreturn]] void be_interrupted(int signal) {
    live_.clear();  // kills and reaps
    signals_.restore();
    raise(signal);  // as if we had not looked: by default this ends the program
    throw Interrupted(signal);
  }

  const std::vector<ChildTask>& tasks_;
  std::size_t jobs_;
  const ChildLimits& limits_;
  const ChildCallbacks& callbacks_;
  std::vector<ChildResult> results_;
  SignalWatch signals_;
  std::vector<std::unique_ptr<ChildProcess>> live_;
  std::size_t next_ = 0;
};

}  // namespace

ChildError::ChildError(std::string name, ChildErrorReason reason, const std::string& message, std::string error_output)
    : std::runtime_error(message), name_(std::move(name)), reason_(reason), error_output_(std::move(error_output)) {}

Interrupted::Interrupted(int signal)
    : std::runtime_error(fmt::format("interrupted by signal {} ({})", signal, strsignal(signal))), signal_(signal) {}

const std::string& ChildResult::value() const {
  if (error) std::rethrow_exception(error);
  return bytes;
}

std::vector<ChildResult> run_children(const std::vector<ChildTask>& tasks, std::size_t jobs, const ChildLimits& limits,
                                      const ChildCallbacks& callbacks) {
  if (jobs == 0) throw std::logic_error("run_children needs at least one job");
  return ChildPool(tasks, jobs, limits, callbacks).run();
}

std::string run_in_child(const std::string& name, const ChildLimits& limits, const ChildWork& work,
                         const std::function<void(double, const std::string&)>& on_progress) {
  ChildCallbacks callbacks;
  if (on_progress) {
    callbacks.on_progress = [&](std::size_t, double fraction, const std::string& text) { on_progress(fraction, text); };
  }
  std::vector<ChildResult> results = run_children({{name, work}}, 1, limits, callbacks);
  if (results[0].error) std::rethrow_exception(results[0].error);
  return std::move(results[0].bytes);
}

std::string run_in_child(const std::string& name, const ChildLimits& limits, const std::function<std::string()>& work) {
  return run_in_child(
      name, limits, [&](ProgressSink&) { return work(); }, nullptr);
}

}  // namespace waferwatt::engine
