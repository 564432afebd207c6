// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/traces/trace_file.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "waferwatt/traces/replay.hpp"
#include "waferwatt/traces/statistics.hpp"

using namespace waferwatt;
using namespace waferwatt::traces;

namespace {

/// A file that is gone when its scope ends.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& text)
      : path_((std::filesystem::temp_directory_path() / ("waferwatt-" + name)).string()) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<Request> all_of(Source& source) {
  std::vector<Request> requests;
  for (Request request; source.next(request);) requests.push_back(request);
  return requests;
}

std::string complaint_of(const std::string& name, const std::string& text) {
  const TemporaryFile file(name, text);
  try {
    TraceFile trace(file.path());
    all_of(trace);
  } catch (const InputError& error) {
    std::string message = error.what();
    while (message.find(file.path()) != message.npos) message.replace(message.find(file.path()), file.path().size(), "F");
    return message;
  }
  return "";
}

}  // namespace

TEST_CASE("Azure's CSV is read: carriage returns, seven digits of a second, days that end") {
  const TemporaryFile file("azure.csv",
                           "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 23:59:59.5000000,374,44\r\n"
                           "2023-11-17 00:00:00.7500001,396,109\r\n");
  TraceFile trace(file.path());
  const auto requests = all_of(trace);
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].arrival_s == 0);
  CHECK(requests[1].arrival_s == Approx(1.2500001).epsilon(1e-9));
  CHECK(requests[1].input_tokens == 396);
  CHECK(requests[1].output_tokens == 109);
}

TEST_CASE("Mooncake's JSON lines are read: milliseconds and hashes of 64 bits") {
  const TemporaryFile file("mooncake.jsonl",
                           "{\"timestamp\": 3000, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": "
                           "[18446744073709551615, -1]}\n"
                           "{\"hash_ids\":[7],\"note\":{\"a\":[1,\"x\\\"y\"]},\"timestamp\":6000,\"input_length\":512,"
                           "\"output_length\":1}");
  TraceFile trace(file.path());
  const auto requests = all_of(trace);
  REQUIRE(requests.size() == 2);
  CHECK(trace.prefix_tokens() == 512);
  CHECK(requests[0].prefix_hashes == std::vector<std::uint64_t>{18446744073709551615ULL, 18446744073709551615ULL});
  CHECK(requests[1].arrival_s == Approx(3));
}

TEST_CASE("Columns may come in any order, with others between them") {
  const TemporaryFile file("any.csv", "id,num_decode_tokens,priority,arrived_at,num_prefill_tokens\nx,5,2,1.5,7\ny,6,,2,8\n");
  TraceFile trace(file.path());
  const auto requests = all_of(trace);
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].output_tokens == 5);
  CHECK(requests[0].priority == 2);
  CHECK(requests[1].arrival_s == Approx(0.5));
  CHECK(requests[1].input_tokens == 8);
}

TEST_CASE("Bad rows are named with file and line, all in one run") {
  CHECK(complaint_of("empty", "") == "error: F: the trace is empty");
  const std::string header = "arrival_s,input_tokens,output_tokens\n";
  CHECK(complaint_of("none", header) == "error: F: the trace has no requests");
  CHECK(complaint_of("rows", header + "1,5,5\n0.5,5,5\n2,0,5\n3,5,x\n4,5,5\n") ==
        "F:3:1: error: arrives 0.5 s before the request above; sort the file by arrival\n"
        "F:4:1: error: the input length must be at least 1 token\n"
        "F:5:1: error: output_tokens: expected a number, not \"x\"");
  CHECK(complaint_of("wide", header + "1,5,5,7\n") == "F:2:1: error: more fields than the header's 3 columns");
  CHECK(complaint_of("negative", header + "-1,5,5\n") == "F:2:1: error: the arrival must not be negative: -1 s");
  CHECK(complaint_of("column", "arrival_s,input_tokens\n1,2\n").find("no column for the output length") != std::string::npos);
  CHECK(complaint_of("hashes", "{\"timestamp\":0,\"input_length\":600,\"output_length\":5,\"hash_ids\":[1]}\n") ==
        "F:1:1: error: 1 prefix hashes disagree with the input length: 600 tokens are 2 blocks of 512");
  CHECK(complaint_of("json", "{\"timestamp\":0,\"input_length\":600\n") == "F:1:1: error: expected a JSON object, one a line");
}

TEST_CASE("A trace is replayed faster, in part, again and spread over its ticks") {
  const TemporaryFile file("ticks.csv", "arrival_s,input_tokens,output_tokens\n0,1,1\n0,2,1\n0,3,1\n3,4,1\n6,5,1\n6,6,1\n");
  const auto arrivals = [&](Replay replay) {
    replay.file = file.path();
    ReplaySource source(replay);
    std::vector<double> result;
    for (const Request& request : all_of(source)) result.push_back(request.arrival_s);
    return result;
  };
  using List = std::vector<double>;
  CHECK(arrivals({}) == List{0, 0, 0, 3, 6, 6});
  CHECK(arrivals({.rate_scale = 2}) == List{0, 0, 0, 1.5, 3, 3});
  CHECK(arrivals({.spread = 3 * second}) == List{0, 1, 2, 3, 6, 7.5});
  CHECK(arrivals({.from = 2 * second, .length = 4 * second}) == List{1});
  // Again: after its window, or after the last arrival and a mean gap (6 s / 5).
  CHECK(arrivals({.from = 2 * second, .length = 4 * second, .repeat = 3}) == List{1, 5, 9});
  CHECK(arrivals({.repeat = 2})[6] == Approx(7.2));
}

TEST_CASE("A file much larger than the buffer is read whole") {
  std::string text = "arrival_s,input_tokens,output_tokens\n";
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + ",100,10\n";
  const TemporaryFile file("large.csv", text);
  TraceFile trace(file.path());
  Statistics statistics;
  for (Request request; trace.next(request);) statistics.take(request);
  CHECK(statistics.n_requests() == 200'000);
  CHECK(statistics.rate_per_s() == Approx(1));
  CHECK(statistics.gap_variation() == Approx(0).margin(1e-9));
  CHECK(statistics.input_tokens().p99 == Approx(100).epsilon(1e-3));
}

TEST_CASE("The published traces are read whole, and are as published") {
  const std::string folder = WAFERWATT_SHARED_DIR "/data/traces";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no traces");
    return;
  }
  const auto statistics_of = [&](const std::string& name) {
    TraceFile trace(folder + name);
    Statistics statistics(trace.prefix_tokens());
    for (Request request; trace.next(request);) statistics.take(request);
    return statistics;
  };
  const Statistics conversation = statistics_of("/azure-llm-2023/conv.csv.gz");
  CHECK(conversation.n_requests() == 19366);
  CHECK(conversation.input_tokens().mean == Approx(1154.7).epsilon(1e-4));
  CHECK(conversation.output_tokens().mean == Approx(211.13).epsilon(1e-4));
  CHECK(conversation.gap_variation() == Approx(1.094).epsilon(1e-3));
  const Statistics mooncake = statistics_of("/mooncake/conversation.jsonl.gz");
  CHECK(mooncake.n_requests() == 12031);
  CHECK(mooncake.shared_share() == Approx(0.374).epsilon(0.01));
}
