// SPDX-License-Identifier: Apache-2.0
#pragma once
// Work in forked children: a crash, a hang or a lack of memory there costs one result, not the program.
// A child starts as a copy of the caller (about 1 ms), so fork before starting any thread: the copy has
// only the calling thread, and it dies with that thread.
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace waferwatt::engine {

/// Zero means no limit.
struct ChildLimits {
  std::chrono::duration<double> timeout{0};  ///< wall clock
  /// Address space the child may add to what it inherits. Not enforced under AddressSanitizer or
  /// ThreadSanitizer, which reserve terabytes of it.
  std::size_t memory_bytes = 0;
};

enum class ChildErrorReason { exception, signal, timeout, memory, protocol };

/// A child that gave no result. what() names the child, the reason and the end of its standard error.
class ChildError : public std::runtime_error {
 public:
  ChildError(std::string name, ChildErrorReason reason, const std::string& message, std::string error_output);
  const std::string& name() const { return name_; }
  ChildErrorReason reason() const { return reason_; }
  const std::string& error_output() const { return error_output_; }  ///< last 64 KiB of its standard error

 private:
  std::string name_;
  ChildErrorReason reason_;
  std::string error_output_;
};

/// Thrown by the work, arrives at the caller with the same what() and payload: for typed errors.
class ChildFailure : public std::runtime_error {
 public:
  ChildFailure(const std::string& message, std::string payload)
      : std::runtime_error(message), payload_(std::move(payload)) {}
  const std::string& payload() const { return payload_; }

 private:
  std::string payload_;
};

/// SIGINT or SIGTERM came while children ran, and the caller's own handler returned. They were killed.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal);
  int signal() const { return signal_; }

 private:
  int signal_;
};

/// Where the work tells how far it is.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void progress(double fraction, std::string_view text) = 0;  ///< fraction in [0, 1]
};

using ChildWork = std::function<std::string(ProgressSink&)>;

/// Runs `work` in a child and returns its bytes. The child's standard error is captured; its standard
/// output is the caller's. Changes that the work makes to memory stay in the child.
/// \throws ChildError; ChildFailure when the work threw one; Interrupted; std::system_error when the
///         system refuses a process or a pipe
std::string run_in_child(const std::string& name, const ChildLimits& limits, const std::function<std::string()>& work);
std::string run_in_child(const std::string& name, const ChildLimits& limits, const ChildWork& work,
                         const std::function<void(double fraction, const std::string& text)>& on_progress);

struct ChildTask {
  std::string name;
  ChildWork work;
};

struct ChildResult {
  std::string bytes;         ///< meaningful when there is no error
  std::exception_ptr error;  ///< ChildError or ChildFailure

  bool ok() const { return error == nullptr; }
  /// The bytes. \throws the error
  const std::string& value() const;
};

/// Called in the caller's process and thread, in the order in which things happen.
struct ChildCallbacks {
  std::function<void(std::size_t index, const ChildResult& result)> on_done;
  std::function<void(std::size_t index, double fraction, const std::string& text)> on_progress;
};

/// Runs each task in a child of its own, at most `jobs` at a time; the limits are per task. Results are
/// in task order, and do not depend on `jobs`.
/// \throws Interrupted, std::system_error, or what a callback throws: the other children are killed
///         first; std::logic_error when `jobs` is 0
std::vector<ChildResult> run_children(const std::vector<ChildTask>& tasks, std::size_t jobs, const ChildLimits& limits,
                                      const ChildCallbacks& callbacks = {});

}  // namespace waferwatt::engine
