// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::validation {

std::string text_of_file(const std::string& path) {
  constexpr std::size_t kMost = std::size_t{1} << 30;
  if (std::filesystem::is_directory(path)) throw core::InputError(path + ": is a folder");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw core::InputError(path + ": cannot be read: " + std::strerror(errno));
  std::string text;
  std::vector<char> block(1 << 20);
  for (;;) {
    const int n = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    int state = Z_OK;
    if (n <= 0) gzerror(file.get(), &state);
    if (n < 0 || state == Z_BUF_ERROR) throw core::InputError(path + ": is not a whole gzip file");
    if (n == 0) break;
    text.append(block.data(), static_cast<std::size_t>(n));
    if (text.size() > kMost) throw core::InputError(path + ": has more than 1 GiB");
  }
  return text;
}

std::size_t end_of_row(std::string_view text, std::size_t start) {
  bool is_quoted = false;
  for (std::size_t at = start; at < text.size(); ++at) {
    if (text[at] == '"') is_quoted = !is_quoted;
    if (text[at] == '\n' && !is_quoted) return at;
  }
  return text.npos;
}

std::vector<std::string_view> cells(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string_view> result;
  for (;;) {
    if (line.starts_with('"')) {
      auto end = line.find('"', 1);
      while (end != line.npos && end + 1 < line.size() && line[end + 1] == '"') end = line.find('"', end + 2);  // two stand for one
      result.push_back(line.substr(1, end == line.npos ? line.npos : end - 1));
      line = end == line.npos ? std::string_view{} : line.substr(end + 1);
      if (!line.starts_with(',')) return result;
      line.remove_prefix(1);
      continue;
    }
    const auto comma = line.find(',');
    result.push_back(line.substr(0, comma));
    if (comma == line.npos) return result;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace waferwatt::validation
