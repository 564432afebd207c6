// SPDX-License-Identifier: Apache-2.0
#pragma once
// One forked child, seen from its parent.
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "child_frame.hpp"
#include "waferwatt/engine/child.hpp"

namespace waferwatt::engine {

/// A file descriptor that is closed once.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }
  int number() const { return number_; }
  bool open() const { return number_ >= 0; }
  void close();

 private:
  int number_;
};

class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;

  /// Forks. \throws std::system_error
  ChildProcess(const ChildTask& task, std::size_t index, const ChildLimits& limits);
  ChildProcess(ChildProcess&&) = delete;
  ~ChildProcess();  ///< kills and reaps a child that is still there

  std::size_t index() const { return index_; }
  int result_descriptor() const { return result_.number(); }
  int error_descriptor() const { return error_.number(); }
  std::optional<Clock::time_point> deadline() const { return deadline_; }

  /// Read some of what is there (a babbling child must not hold up the others); a descriptor at its end
  /// closes (number -1).
  void read_result(const std::function<void(double, const std::string&)>& on_progress);
  void read_error();

  void kill_for_timeout();

  /// True once the child is gone and reaped. Waits for a child that has sent its last word or was killed.
  bool reap();

  /// What became of it; only after reap().
  ChildResult result();

 private:
  void take(Frame frame, const std::function<void(double, const std::string&)>& on_progress);
  ChildResult error(ChildErrorReason reason, const std::string& what_happened) const;
  ChildResult error_without_frame() const;

  std::string name_;
  std::size_t index_;
  ChildLimits limits_;
  pid_t pid_ = -1;  // -1 once reaped
  int status_ = 0;
  bool timed_out_ = false;
  std::optional<Clock::time_point> deadline_;
  Descriptor result_;
  Descriptor error_;
  FrameReader frames_;
  std::optional<Frame> last_;  // the child's last word
  std::string error_output_;
};

/// The child's side: does the work, tells the parent, never returns (nor unwinds into the parent's code).
[[noreturn]] void run_child_side(const ChildTask& task, const ChildLimits& limits, int result_descriptor,
                                 int error_descriptor, pid_t parent) noexcept;

}  // namespace waferwatt::engine
