// SPDX-License-Identifier: Apache-2.0
#include "child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <system_error>

namespace waferwatt::engine {
namespace {

constexpr std::size_t kErrorOutputKept = 64 << 10;
constexpr std::size_t kErrorOutputInMessage = 2 << 10;
constexpr int kPipeSize = 1 << 20;
constexpr int kReadsPerTurn = 16;

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

Pipe make_pipe() {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string last_lines(const std::string& output) {
  std::string text = output;
  if (output.size() > kErrorOutputInMessage) {
    text.erase(0, output.size() - kErrorOutputInMessage);
    text.erase(0, text.find('\n') + 1);  // the first line is cut; npos + 1 keeps a single long line
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

template <typename Error>
ChildResult failed(Error error) {
  return {{}, std::make_exception_ptr(std::move(error))};
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

void Descriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

ChildProcess::ChildProcess(const ChildTask& task, std::size_t index, const ChildLimits& limits)
    : name_(task.name), index_(index), limits_(limits) {
  Pipe result = make_pipe();
  Pipe error = make_pipe();
  fcntl(result.writer.number(), F_SETPIPE_SZ, kPipeSize);  // fewer turns for large results; may be refused
  std::cout.flush();
  std::fflush(stdout);  // or the child would print it again
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) run_child_side(task, limits, result.writer.number(), error.writer.number(), parent);
  if (limits.timeout.count() > 0) {
    deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(limits.timeout);
  }
  result_ = std::move(result.reader);
  error_ = std::move(error.reader);
  for (const Descriptor* end : {&result_, &error_}) fcntl(end->number(), F_SETFL, O_NONBLOCK);
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::read_result(const std::function<void(double, const std::string&)>& on_progress) {
  std::array<char, 64 << 10> buffer;
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    const ssize_t count = read(result_.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return result_.close();
    frames_.add({buffer.data(), static_cast<std::size_t>(count)});
    while (auto frame = frames_.next()) take(std::move(*frame), on_progress);
  }
}

void ChildProcess::take(Frame frame, const std::function<void(double, const std::string&)>& on_progress) {
  if (frame.type != FrameType::progress) {
    last_ = std::move(frame);
  } else if (on_progress && frame.body.size() >= sizeof(double)) {
    on_progress(std::bit_cast<double>(unpack_number(frame.body)), frame.body.substr(sizeof(double)));
  }
}

void ChildProcess::read_error() {
  std::array<char, 16 << 10> buffer;
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    const ssize_t count = read(error_.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return error_.close();
    error_output_.append(buffer.data(), static_cast<std::size_t>(count));
    if (error_output_.size() > 2 * kErrorOutputKept) error_output_.erase(0, error_output_.size() - kErrorOutputKept);
  }
}

void ChildProcess::kill_for_timeout() {
  timed_out_ = true;
  deadline_.reset();
  kill(pid_, SIGKILL);
}

bool ChildProcess::reap() {
  if (result_.open() && !timed_out_) return false;
  const bool leaving = last_.has_value() || timed_out_;
  pid_t reaped = 0;
  do {
    reaped = waitpid(pid_, &status_, leaving ? 0 : WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return false;
  pid_ = -1;
  if (error_.open()) read_error();  // what was written just before the end
  error_.close();
  if (error_output_.size() > kErrorOutputKept) error_output_.erase(0, error_output_.size() - kErrorOutputKept);
  return true;
}

ChildResult ChildProcess::error(ChildErrorReason reason, const std::string& what_happened) const {
  const std::string lines = last_lines(error_output_);
  return failed(ChildError(
      name_, reason, fmt::format("scenario \"{}\" {}{}{}", name_, what_happened, lines.empty() ? "" : ": ", lines),
      error_output_));
}

ChildResult ChildProcess::error_without_frame() const {
  if (timed_out_) {
    return error(ChildErrorReason::timeout,
                 fmt::format("ran longer than its limit of {:g} s and was stopped", limits_.timeout.count()));
  }
  if (WIFSIGNALED(status_)) {
    const int signal = WTERMSIG(status_);
    return error(ChildErrorReason::signal, fmt::format("crashed with signal {} ({})", signal, strsignal(signal)));
  }
  return error(ChildErrorReason::protocol,
               fmt::format("left with exit status {} before it sent a result", WEXITSTATUS(status_)));
}

ChildResult ChildProcess::result() {
  if (frames_.broken()) return error(ChildErrorReason::protocol, "sent a result that cannot be read");
  if (!last_ || frames_.has_rest()) return error_without_frame();
  std::string& body = last_->body;
  switch (last_->type) {
    case FrameType::result:
      return {std::move(body), nullptr};
    case FrameType::exception:
      return error(ChildErrorReason::exception, "failed: " + body);
    case FrameType::failure: {
      const std::size_t length = body.size() < 8 ? body.size() : unpack_number(body);
      if (length + 8 > body.size()) break;
      return failed(ChildFailure(body.substr(8, length), body.substr(8 + length)));
    }
    case FrameType::memory:
      return error(ChildErrorReason::memory,
                   limits_.memory_bytes == 0
                       ? std::string("ran out of memory")
                       : fmt::format("needed more memory than its limit of {} MiB", limits_.memory_bytes >> 20));
    case FrameType::progress:
      break;
  }
  return error(ChildErrorReason::protocol, "sent a result that cannot be read");
}

}  // namespace waferwatt::engine
