// SPDX-License-Identifier: Apache-2.0
#include "line_reader.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::traces {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20, kLongestLine = std::size_t{16} << 20;

}  // namespace

LineReader::LineReader(std::string path)
    : path_(std::move(path)), file_(nullptr, [](gzFile_s* file) { return gzclose(file); }), buffer_(kBuffer) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) throw core::InputError(path_ + ": is a folder");
  file_.reset(gzopen(path_.c_str(), "rb"));
  if (!file_) throw core::InputError(fmt::format("{}: cannot be read: {}", path_, std::strerror(errno)));
}

void LineReader::rewind() {
  gzrewind(file_.get());
  begin_ = end_ = 0;
  n_lines_ = 0;
  at_end_ = false;
}

// Moves what is left to the front and reads on.
bool LineReader::refill() {
  if (at_end_) return false;
  if (begin_ > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kLongestLine)
      throw core::InputError({{.file = path_, .line = n_lines_ + 1, .column = 1,
                               .message = "the line has more than 16 MiB; is this a trace, one request a line?"}});
    buffer_.resize(2 * buffer_.size());
  }
  const int n = gzread(file_.get(), buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
  if (n < 0) throw core::InputError(path_ + ": is not a whole gzip file");
  at_end_ = n == 0;
  end_ += static_cast<std::size_t>(n);
  return n > 0;
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = begin_;
  for (;;) {
    const char* const found =
        static_cast<const char*>(std::memchr(buffer_.data() + searched, '\n', end_ - searched));
    if (found) {
      line = {buffer_.data() + begin_, static_cast<std::size_t>(found - buffer_.data()) - begin_};
      begin_ = static_cast<std::size_t>(found - buffer_.data()) + 1;
      break;
    }
    const std::size_t n_searched = end_ - begin_;
    if (refill()) {
      searched = begin_ + n_searched;
      continue;
    }
    if (begin_ == end_) return false;
    line = {buffer_.data() + begin_, end_ - begin_};
    begin_ = end_;
    break;
  }
  ++n_lines_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

}  // namespace waferwatt::traces
