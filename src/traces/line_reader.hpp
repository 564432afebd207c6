// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lines of a text file, plain or gzip, in bounded memory.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct gzFile_s;

namespace waferwatt::traces {

class LineReader {
 public:
  /// \throws InputError when the file cannot be read
  explicit LineReader(std::string path);

  /// The next line without its end (LF or CRLF). \returns false at the end of the file
  /// \throws InputError for a broken archive, or a line of more than 16 MiB
  bool next(std::string_view& line);
  int line_number() const { return n_lines_; }
  const std::string& path() const { return path_; }
  void rewind();

 private:
  bool refill();

  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  int n_lines_ = 0;
  bool at_end_ = false;
};

}  // namespace waferwatt::traces
