// SPDX-License-Identifier: Apache-2.0
#pragma once
// A CSV file whose rows are written as they come: for tables too long for memory. Cells are as in write_csv.
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace waferwatt::io {

class RowFile {
 public:
  /// \throws InputError when the file exists or cannot be written
  RowFile(std::string path, const std::vector<std::string>& columns);

  void add(std::string_view text);
  void add(std::int64_t number);
  void add(double number);
  void end_row();
  /// \throws InputError when not all could be written
  void close();

 private:
  std::string path_, buffer_;
  std::ofstream out_;
};

}  // namespace waferwatt::io
