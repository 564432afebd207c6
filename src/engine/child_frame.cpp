// SPDX-License-Identifier: Apache-2.0
#include "child_frame.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace waferwatt::engine {
namespace {

constexpr std::size_t kHeader = 1 + sizeof(std::uint64_t);
constexpr std::uint64_t kReserveAtMost = 256u << 20;  // a damaged length must not exhaust the parent

bool known(char type) { return std::string_view("PREFM").find(type) != std::string_view::npos; }

bool write_all(int descriptor, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

bool write_frame(int descriptor, FrameType type, std::string_view head, std::string_view tail) {
  std::array<char, kHeader> header;  // no allocation: memory may have run out
  const std::uint64_t length = head.size() + tail.size();
  header[0] = static_cast<char>(type);
  std::memcpy(header.data() + 1, &length, sizeof length);
  return write_all(descriptor, header.data(), header.size()) && write_all(descriptor, head.data(), head.size()) &&
         write_all(descriptor, tail.data(), tail.size());
}

std::string pack_number(std::uint64_t number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

std::uint64_t unpack_number(std::string_view bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

void FrameReader::add(std::string_view piece) {
  if (reading_body_) {
    const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(missing_, piece.size()));
    frame_.body.append(piece.substr(0, taken));
    missing_ -= taken;
    piece.remove_prefix(taken);
  }
  pending_.append(piece);
}

std::optional<Frame> FrameReader::next() {
  if (!reading_body_) {
    if (broken_ || pending_.size() < kHeader) return std::nullopt;
    if (!known(pending_[0])) {
      broken_ = true;
      return std::nullopt;
    }
    frame_ = {static_cast<FrameType>(pending_[0]), {}};
    missing_ = unpack_number(std::string_view(pending_).substr(1));
    frame_.body.reserve(static_cast<std::size_t>(std::min(missing_, kReserveAtMost)));
    reading_body_ = true;
    const std::string rest = pending_.substr(kHeader);
    pending_.clear();
    add(rest);
  }
  if (missing_ > 0) return std::nullopt;
  reading_body_ = false;
  return std::move(frame_);
}

}  // namespace waferwatt::engine
