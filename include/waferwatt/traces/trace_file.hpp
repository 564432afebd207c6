// SPDX-License-Identifier: Apache-2.0
#pragma once
// Traces of requests in files, plain or gzip, read line by line in bounded memory:
//
//   CSV with a header line; columns by any of their names (below), others are passed over
//   JSON lines; keys likewise
//
// The Azure LLM inference traces (TIMESTAMP, ContextTokens, GeneratedTokens), Mooncake's (timestamp in ms,
// input_length, output_length, hash_ids of 512-token blocks) and Vidur's (arrived_at, num_prefill_tokens,
// num_decode_tokens) are special cases.
#include <memory>
#include <string>

#include "waferwatt/core/diagnostic.hpp"
#include "waferwatt/traces/request.hpp"

namespace waferwatt::traces {

class LineReader;
class RowParser;

/// Every request is checked: times neither negative nor before the one above, lengths of at least one token, as many
/// prefix hashes as the input has blocks. Bad rows are reported together, the first twenty of them, with file and
/// line.
class TraceFile final : public Source {
 public:
  /// \param prefix_tokens of the block that one prefix hash stands for
  /// \throws InputError when the file cannot be read, is empty or lacks a column
  explicit TraceFile(std::string path, std::int64_t prefix_tokens = 512);
  ~TraceFile() override;

  /// The arrival counts from that of the first request. \throws InputError with the file's bad rows
  bool next(Request& request) override;
  std::int64_t prefix_tokens() const override;
  /// Starts over.
  void rewind();

 private:
  bool read_row(Request& request);
  void check(Request& request);
  void complain(std::string message);
  [[noreturn]] void report_all(Request& request);

  std::unique_ptr<LineReader> lines_;
  std::unique_ptr<RowParser> parser_;
  std::int64_t prefix_tokens_;
  core::Diagnostics diagnostics_;
  bool has_started_ = false, has_hashes_ = false;
  double first_s_ = 0, last_s_ = 0;
  std::int64_t n_read_ = 0;
};

}  // namespace waferwatt::traces
