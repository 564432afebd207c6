// SPDX-License-Identifier: Apache-2.0
#pragma once
// Requests as rows: in a table while there are few of them, and in a file as they end.
#include "waferwatt/core/table.hpp"
#include "waferwatt/io/row_file.hpp"
#include "waferwatt/serving/simulation.hpp"

namespace waferwatt::scenario {

/// Keeps requests up to a number; beyond it none.
class RequestRows final : public serving::RequestSink {
 public:
  static constexpr std::size_t kMost = 200'000;
  void take(const serving::RequestRecord& request) override;
  bool are_complete() const { return n_taken_ <= kMost; }
  /// In order of arrival.
  Table table();

 private:
  std::vector<serving::RequestRecord> requests_;
  std::size_t n_taken_ = 0;
};

/// Writes each request to a CSV file, in order of their ends, with the same columns.
class RequestFile final : public serving::RequestSink {
 public:
  /// \throws InputError when the file exists or cannot be written
  explicit RequestFile(const std::string& path);
  void take(const serving::RequestRecord& request) override;
  /// \throws InputError when not all could be written
  void close() { file_.close(); }

 private:
  io::RowFile file_;
};

}  // namespace waferwatt::scenario
