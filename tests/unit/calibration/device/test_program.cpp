// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

namespace {

struct Outcome {
  int status;
  std::string text;
};

Outcome run(const std::string& arguments) {
  const std::string command = std::string{WAFERWATT_CALIBRATE} + ' ' + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  return {WEXITSTATUS(pclose(pipe)), text};
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("without a GPU the program explains itself, writes nothing and exits with 3") {
  int n = 0;
  if (cudaGetDeviceCount(&n) == cudaSuccess && n > 0) {
    WARN("this machine has a GPU");
    return;
  }
  const auto file = std::filesystem::temp_directory_path() / "waferwatt-calibrate-test.json";
  std::filesystem::remove(file);
  const Outcome outcome = run("--profile quick -o " + file.string());
  CHECK(outcome.status == 3);
  CHECK(contains(outcome.text, "no"));
  CHECK(contains(outcome.text, "nothing written"));
  CHECK(contains(outcome.text, "attention_decode"));
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("help and plan need no GPU, a wrong option exits with 2") {
  CHECK(run("--help").status == 0);
  CHECK(contains(run("--help").text, "usage: waferwatt-calibrate"));
  CHECK(contains(run("--list --profile quick").text, "points"));
  CHECK(run("--wrong").status == 2);
}
