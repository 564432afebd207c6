// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/child.hpp"

#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include "child_process.hpp"

namespace waferwatt::engine {
namespace {

constexpr std::array kWatchedSignals{SIGINT, SIGTERM};

// What the signal handler may touch. A signal can arrive in any thread of the caller's, so that blocking it in ours
// (signalfd) would miss those that another thread takes.
std::array<std::atomic<int>, 64> watchers{};  // descriptor + 1; 0: free

void tell_watchers(int signal) {
  const int saved_errno = errno;
  const auto number = static_cast<unsigned char>(signal);
  for (const auto& descriptor : watchers)
    if (const int to = descriptor.load(); to > 0) [[maybe_unused]] const auto written = write(to - 1, &number, 1);
  errno = saved_errno;
}

// Replaces the caller's handlers while at least one pool runs; ignored signals stay ignored.
class Handlers {
 public:
  /// Signals are told to a pipe from now on. \returns its slot
  std::size_t add(int descriptor) {
    const std::lock_guard lock(mutex_);
    if (owner_ != getpid()) forget_the_parents();
    const auto slot = std::ranges::find(watchers, 0, [](const auto& watcher) { return watcher.load(); });
    if (slot == watchers.end()) throw std::runtime_error(fmt::format("more than {} pools of children at a time", watchers.size()));
    *slot = descriptor + 1;
    if (n_users_++ == 0) replace();
    return static_cast<std::size_t>(slot - watchers.begin());
  }
  void remove(std::size_t slot) {
    const std::lock_guard lock(mutex_);
    watchers[slot] = 0;
    if (--n_users_ == 0)
      for (std::size_t i = 0; i < kWatchedSignals.size(); ++i) sigaction(kWatchedSignals[i], &before_[i], nullptr);
  }

 private:
  /// In a forked child the pools are the parent's.
  void forget_the_parents() {
    owner_ = getpid();
    n_users_ = 0;
    for (auto& watcher : watchers) watcher = 0;
  }
  void replace() {
    for (std::size_t i = 0; i < kWatchedSignals.size(); ++i) {
      sigaction(kWatchedSignals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler == SIG_IGN) continue;
      struct sigaction own {};
      own.sa_handler = tell_watchers;
      sigaction(kWatchedSignals[i], &own, nullptr);
    }
  }

  std::mutex mutex_;
  pid_t owner_ = 0;
  int n_users_ = 0;
  std::array<struct sigaction, kWatchedSignals.size()> before_{};
};
Handlers handlers;

// Turns SIGINT and SIGTERM into something to poll while children run.
class SignalWatch {
 public:
  SignalWatch() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    read_ = Descriptor(ends[0]);
    write_ = Descriptor(ends[1]);
    slot_ = handlers.add(ends[1]);
  }
  SignalWatch(SignalWatch&&) = delete;
  ~SignalWatch() { restore(); }

  void restore() {
    if (slot_) handlers.remove(*slot_);
    slot_.reset();
  }
  int descriptor() const { return read_.number(); }

  int take() {
    unsigned char number = 0;
    return read(descriptor(), &number, 1) == 1 ? number : 0;
  }

 private:
  Descriptor read_, write_;
  std::optional<std::size_t> slot_;
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
    live_.push_back(std::make_unique<ChildProcess>(tasks_[next_], next_, limits_));
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
