// SPDX-License-Identifier: Apache-2.0
// What runs in the child after the fork.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <iostream>
#include <new>

#include "child_process.hpp"

namespace waferwatt::engine {
namespace {

class PipeProgress final : public ProgressSink {
 public:
  explicit PipeProgress(int descriptor) : descriptor_(descriptor) {}
  void progress(double fraction, std::string_view text) override {
    write_frame(descriptor_, FrameType::progress, pack_number(std::bit_cast<std::uint64_t>(fraction)), text);
  }

 private:
  int descriptor_;
};

// The caller's handlers (a test framework's, Python's, a sanitizer's) would hide how the child died.
void restore_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(signal, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
}

// Only the soft limit, on top of what is mapped already.
void limit_memory(std::size_t bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (bytes == 0) return;
  unsigned long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + bytes);
  setrlimit(RLIMIT_AS, &limit);
#else
  (void)bytes;
#endif
}

void unlimit_memory() {  // telling needs a little
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_AS, &limit);
}

void work_and_tell(const ChildTask& task, int descriptor) {
  try {
    PipeProgress progress(descriptor);
    const std::string bytes = task.work(progress);
    write_frame(descriptor, FrameType::result, bytes);
  } catch (const std::bad_alloc&) {
    unlimit_memory();
    write_frame(descriptor, FrameType::memory, {});
  } catch (const ChildFailure& failure) {
    unlimit_memory();
    const std::string_view what = failure.what();
    write_frame(descriptor, FrameType::failure, pack_number(what.size()) + std::string(what), failure.payload());
  } catch (const std::exception& problem) {
    write_frame(descriptor, FrameType::exception, problem.what());
  } catch (...) {
    write_frame(descriptor, FrameType::exception, "an exception that is not a std::exception");
  }
}

}  // namespace

void run_child_side(const ChildTask& task, const ChildLimits& limits, int result_descriptor, int error_descriptor,
                    pid_t parent) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before the line above
  restore_signals();
  dup2(error_descriptor, STDERR_FILENO);
  limit_memory(limits.memory_bytes);
  work_and_tell(task, result_descriptor);
  std::cout.flush();
  std::fflush(stdout);
  _exit(0);  // no destructors, no atexit: they are the parent's
}

}  // namespace waferwatt::engine
