// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "waferwatt/engine/child.hpp"

namespace {

using namespace waferwatt::engine;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

template <typename Work>
ChildError error_of(Work work, ChildLimits limits = {}) {
  try {
    run_in_child("x", limits, std::function<std::string()>(work));
  } catch (const ChildError& error) {
    return error;
  }
  throw std::logic_error("no ChildError");
}

bool no_child_left() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

volatile sig_atomic_t interrupts = 0;

}  // namespace

TEST_CASE("a child returns its bytes and keeps its changes to itself") {
  int value = 1;
  const std::string bytes = run_in_child("x", {}, [&] {
    value = 2;
    return std::string("a\0b", 3);
  });
  REQUIRE(bytes == std::string("a\0b", 3));
  REQUIRE(value == 1);
  REQUIRE(run_in_child("x", {}, [] { return std::string(); }).empty());
  REQUIRE(no_child_left());
}

TEST_CASE("a child returns 50 MB") {
  std::string expected(50'000'000, '\0');
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<char>(i * 2654435761u >> 24);
  REQUIRE((run_in_child("x", {}, [&] { return expected; }) == expected));
}

TEST_CASE("an abort is an error with the end of standard error") {
  const ChildError error = error_of([]() -> std::string {
    std::fprintf(stderr, "assertion failed: wafers >= 0\n");
    std::abort();
  });
  REQUIRE(error.reason() == ChildErrorReason::signal);
  REQUIRE(error.name() == "x");
  REQUIRE(std::string(error.what()) == "scenario \"x\" crashed with signal 6 (Aborted): assertion failed: wafers >= 0");
  REQUIRE(no_child_left());
}

TEST_CASE("a segmentation fault is an error") {
  const ChildError error = error_of([]() -> std::string {
    volatile int* nothing = nullptr;
    *nothing = 1;
    return "survived";
  });
  REQUIRE(error.reason() == ChildErrorReason::signal);
  REQUIRE_THAT(error.what(), StartsWith("scenario \"x\" crashed with signal 11 (Segmentation fault)"));
}

TEST_CASE("standard error is kept to its last 64 KiB") {
  const ChildError error = error_of([]() -> std::string {
    for (int i = 0; i < 100000; ++i) std::fprintf(stderr, "line %d\n", i);
    throw std::runtime_error("bad");
  });
  REQUIRE(error.error_output().size() == 64 << 10);
  REQUIRE_THAT(error.error_output(), Catch::Matchers::EndsWith("line 99999\n"));
  REQUIRE_THAT(error.what(), StartsWith("scenario \"x\" failed: bad: line "));
  REQUIRE(std::string(error.what()).size() < 3000);
}

TEST_CASE("a silent or babbling child is stopped at its timeout") {
  const ChildLimits limits{.timeout = std::chrono::milliseconds(200)};
  const auto start = std::chrono::steady_clock::now();
  const ChildError silent = error_of(
      []() -> std::string {
        for (;;) pause();
      },
      limits);
  REQUIRE(silent.reason() == ChildErrorReason::timeout);
  REQUIRE(std::string(silent.what()) == "scenario \"x\" ran longer than its limit of 0.2 s and was stopped");
  const ChildError babbling = error_of(
      []() -> std::string {
        for (;;) std::fprintf(stderr, "and on\n");
      },
      limits);
  REQUIRE(babbling.reason() == ChildErrorReason::timeout);
  const ChildError leaving = error_of(
      []() -> std::string {
        if (fork() == 0) {  // holds the pipes open, and outlives its parent
          sleep(3);
          _exit(0);
        }
        for (;;) pause();
      },
      limits);
  REQUIRE(leaving.reason() == ChildErrorReason::timeout);
  REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(2500));
  REQUIRE(no_child_left());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a child that needs too much memory is an error") {
  const ChildError error = error_of(
      [] {
        std::string bytes;
        for (;;) bytes.append(1 << 20, 'x');
        return bytes;
      },
      {.memory_bytes = 64 << 20});
  REQUIRE(error.reason() == ChildErrorReason::memory);
  REQUIRE(std::string(error.what()) == "scenario \"x\" needed more memory than its limit of 64 MiB");
}

TEST_CASE("the memory limit counts what the child adds, and lets a smaller child pass") {
  const std::string inherited(200 << 20, 'x');
  const auto work = [&] { return std::to_string(std::string(30 << 20, 'y').size() + inherited.size()); };
  REQUIRE(run_in_child("x", {.memory_bytes = 64 << 20}, work) == std::to_string(230 << 20));
}
#endif

TEST_CASE("running out of memory is an error without a limit, too") {
  const ChildError error = error_of([]() -> std::string { throw std::bad_alloc(); });
  REQUIRE(error.reason() == ChildErrorReason::memory);
  REQUIRE(std::string(error.what()) == "scenario \"x\" ran out of memory");
}

TEST_CASE("an exception travels with its text") {
  const ChildError error = error_of([]() -> std::string { throw std::out_of_range("no such place"); });
  REQUIRE(error.reason() == ChildErrorReason::exception);
  REQUIRE(std::string(error.what()) == "scenario \"x\" failed: no such place");
  REQUIRE(error_of([]() -> std::string { throw 7; }).reason() == ChildErrorReason::exception);
}

TEST_CASE("a typed failure travels with its payload") {
  const std::string payload(3'000'000, '\0');
  try {
    run_in_child("x", {}, [&]() -> std::string { throw ChildFailure("two problems", payload); });
    FAIL("nothing thrown");
  } catch (const ChildFailure& failure) {
    REQUIRE(std::string(failure.what()) == "two problems");
    REQUIRE((failure.payload() == payload));
  }
}

TEST_CASE("leaving without a result is a protocol error") {
  const ChildError error = error_of([]() -> std::string { _exit(3); });
  REQUIRE(error.reason() == ChildErrorReason::protocol);
  REQUIRE(std::string(error.what()) == "scenario \"x\" left with exit status 3 before it sent a result");
}

TEST_CASE("progress arrives in order, before the result") {
  std::string seen;
  const std::string result = run_in_child(
      "x", {},
      [](ProgressSink& sink) {
        sink.progress(0.25, "first");
        sink.progress(1.0, "");
        return std::string("done");
      },
      [&](double fraction, const std::string& text) { seen += std::to_string(fraction) + text + ";"; });
  REQUIRE(seen == "0.250000first;1.000000;");
  REQUIRE(result == "done");
}

TEST_CASE("SIGINT kills the children, then reaches the caller's own handler") {
  const auto before = ::signal(SIGINT, [](int) { interrupts = interrupts + 1; });
  const pid_t self = getpid();
  const auto start = std::chrono::steady_clock::now();
  REQUIRE_THROWS_WITH(run_in_child("x", {},
                                   [&]() -> std::string {
                                     kill(self, SIGINT);
                                     for (;;) pause();
                                   }),
                      "interrupted by signal 2 (Interrupt)");
  ::signal(SIGINT, before);
  REQUIRE(interrupts == 1);
  REQUIRE(no_child_left());
  REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("SIGINT is seen whichever of the caller's threads takes it") {
  const auto before = ::signal(SIGINT, [](int) {});
  std::atomic<bool> is_over = false;
  // The caller's other thread has SIGINT open, this one blocks it: a library may do either.
  std::thread other([&] {
    while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  sigset_t blocked, mask;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  pthread_sigmask(SIG_BLOCK, &blocked, &mask);
  const pid_t self = getpid();
  CHECK_THROWS_AS(run_in_child("x", {},
                               [&]() -> std::string {
                                 kill(self, SIGINT);
                                 for (;;) pause();
                               }),
                  Interrupted);
  is_over = true;
  other.join();
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  ::signal(SIGINT, before);
  CHECK(no_child_left());
}

TEST_CASE("by default SIGINT ends the caller and its children") {
  int alive[2];
  REQUIRE(pipe(alive) == 0);
  const ChildError error = error_of([&]() -> std::string {  // this child is the caller
    return run_in_child("grandchild", {}, [&]() -> std::string {
      kill(getppid(), SIGINT);
      for (;;) pause();
    });
  });
  REQUIRE_THAT(error.what(), Contains("signal 2"));
  close(alive[1]);
  char byte;
  REQUIRE(read(alive[0], &byte, 1) == 0);  // the end comes when nobody holds the pipe any more
  close(alive[0]);
}

TEST_CASE("a killed caller takes its children along") {
  int alive[2];
  REQUIRE(pipe(alive) == 0);
  const ChildError error = error_of([&]() -> std::string {
    return run_in_child("grandchild", {}, [&]() -> std::string {
      kill(getppid(), SIGKILL);
      for (;;) pause();
    });
  });
  REQUIRE(error.reason() == ChildErrorReason::signal);
  close(alive[1]);
  char byte;
  REQUIRE(read(alive[0], &byte, 1) == 0);
  close(alive[0]);
}
