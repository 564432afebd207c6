// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a child says to its parent: frames of one type byte, eight length bytes and a body.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waferwatt::engine {

enum class FrameType : char { progress = 'P', result = 'R', exception = 'E', failure = 'F', memory = 'M' };

struct Frame {
  FrameType type;
  std::string body;
};

/// Writes all bytes, whatever their number. Returns false when the reader is gone.
bool write_frame(int descriptor, FrameType type, std::string_view head, std::string_view tail = {});

/// The eight bytes of a number, and back; `bytes` must hold at least eight.
std::string pack_number(std::uint64_t number);
std::uint64_t unpack_number(std::string_view bytes);

/// Puts frames together from the pieces in which they arrive.
class FrameReader {
 public:
  void add(std::string_view piece);

  /// The next complete frame, if any.
  std::optional<Frame> next();

  /// Bytes of a frame that is not complete.
  bool has_rest() const { return !pending_.empty() || reading_body_; }

  /// An unknown frame type was met: nothing after it can be trusted.
  bool broken() const { return broken_; }

 private:
  std::string pending_;  // up to one header, or bytes behind the present body
  Frame frame_{};
  std::uint64_t missing_ = 0;  // bytes of the present body
  bool reading_body_ = false;
  bool broken_ = false;
};

}  // namespace waferwatt::engine
