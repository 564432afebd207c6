// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/traces/trace_file.hpp"

#include <fmt/format.h>

#include "line_reader.hpp"
#include "row_parser.hpp"

namespace waferwatt::traces {
namespace {

constexpr std::size_t kMostReported = 20;

}  // namespace

TraceFile::TraceFile(std::string path, std::int64_t prefix_tokens)
    : lines_(std::make_unique<LineReader>(std::move(path))), prefix_tokens_(prefix_tokens) {
  rewind();
  Request first;
  if (!next(first)) throw core::InputError(lines_->path() + ": the trace has no requests");
  has_hashes_ = parser_->has_hashes();
  rewind();
}

TraceFile::~TraceFile() = default;

std::int64_t TraceFile::prefix_tokens() const { return has_hashes_ ? prefix_tokens_ : 0; }

// A JSON file has no header: its first line is read again as a request.
void TraceFile::rewind() {
  lines_->rewind();
  std::string_view line;
  if (!lines_->next(line)) throw core::InputError(lines_->path() + ": the trace is empty");
  parser_ = parser_of(line, lines_->path());
  if (line.starts_with('{')) lines_->rewind();
  has_started_ = false;
  n_read_ = 0;
}

void TraceFile::complain(std::string message) {
  diagnostics_.add({.file = lines_->path(), .line = lines_->line_number(), .column = 1, .message = std::move(message)});
}

void TraceFile::check(Request& request) {
  if (request.input_tokens < 1) return complain("the input length must be at least 1 token");
  if (request.output_tokens < 1) return complain("the output length must be at least 1 token");
  if (!has_started_) first_s_ = last_s_ = request.arrival_s;
  has_started_ = true;
  if (request.arrival_s < last_s_)
    return complain(fmt::format("arrives {:.6g} s before the request above; sort the file by arrival",
                                last_s_ - request.arrival_s));
  if (request.arrival_s < 0) return complain(fmt::format("the arrival must not be negative: {} s", request.arrival_s));
  const auto n_hashes = static_cast<std::int64_t>(request.prefix_hashes.size());
  const std::int64_t n_blocks = (request.input_tokens + prefix_tokens_ - 1) / prefix_tokens_;
  if (n_hashes > 0 && n_hashes != n_blocks)
    return complain(fmt::format("{} prefix hashes disagree with the input length: {} tokens are {} blocks of {}",
                                n_hashes, request.input_tokens, n_blocks, prefix_tokens_));
  last_s_ = request.arrival_s;
}

// Empty lines are passed over.
bool TraceFile::read_row(Request& request) {
  std::string_view line;
  do {
    if (!lines_->next(line)) return false;
  } while (line.find_first_not_of(" \t") == line.npos);
  request.prefix_hashes.clear();
  request = {.prefix_hashes = std::move(request.prefix_hashes)};
  if (std::string problem = parser_->parse(line, request); !problem.empty())
    complain(std::move(problem));
  else
    check(request);
  ++n_read_;
  return true;
}

void TraceFile::report_all(Request& request) {
  while (diagnostics_.found().size() < kMostReported && read_row(request)) {
  }
  throw core::InputError(diagnostics_.found());
}

bool TraceFile::next(Request& request) {
  if (!read_row(request)) return false;
  if (!diagnostics_.empty()) report_all(request);
  request.arrival_s -= first_s_;
  return true;
}

}  // namespace waferwatt::traces
