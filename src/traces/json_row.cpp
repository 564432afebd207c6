// SPDX-License-Identifier: Apache-2.0
// One JSON object a line, of numbers, texts and a list of hashes. Written for speed: files have gigabytes.
#include <fmt/format.h>

#include <charconv>

#include "row_parser.hpp"

namespace waferwatt::traces {
namespace {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool take(char c) {
    skip_spaces();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool at(char c) {
    skip_spaces();
    return !text_.empty() && text_.front() == c;
  }
  bool at_end() {
    skip_spaces();
    return text_.empty();
  }
  bool string(std::string_view& out) {
    if (!take('"')) return false;
    std::size_t end = 0;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return false;
    out = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool number(double& out) {
    skip_spaces();
    const auto [stop, error] = std::from_chars(text_.data(), text_.data() + text_.size(), out);
    if (error != std::errc{}) return false;
    text_.remove_prefix(static_cast<std::size_t>(stop - text_.data()));
    return true;
  }
  // Hashes need all their 64 bits; negative ones are read as their two's complement.
  bool hash(std::uint64_t& out) {
    skip_spaces();
    const char* const end = text_.data() + text_.size();
    std::int64_t negative = 0;
    const bool is_negative = text_.starts_with('-');
    const auto [stop, error] =
        is_negative ? std::from_chars(text_.data(), end, negative) : std::from_chars(text_.data(), end, out);
    if (error != std::errc{}) return false;
    if (is_negative) out = static_cast<std::uint64_t>(negative);
    text_.remove_prefix(static_cast<std::size_t>(stop - text_.data()));
    return true;
  }
  bool word() {  // true, false, null
    std::size_t n = 0;
    while (n < text_.size() && text_[n] >= 'a' && text_[n] <= 'z') ++n;
    text_.remove_prefix(n);
    return n > 0;
  }
  // Any value of a key that is not ours.
  bool skip_value(int depth = 0) {
    std::string_view ignored;
    double number_ignored = 0;
    if (depth > 32) return false;
    if (at('"')) return string(ignored);
    for (const auto& [open, close] : {std::pair{'[', ']'}, std::pair{'{', '}'}}) {
      if (!take(open)) continue;
      if (take(close)) return true;
      do {
        if (open == '{' && !(string(ignored) && take(':'))) return false;
        if (!skip_value(depth + 1)) return false;
      } while (take(','));
      return take(close);
    }
    return number(number_ignored) || word();
  }

 private:
  void skip_spaces() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) text_.remove_prefix(1);
  }
  std::string_view text_;
};

class JsonParser final : public RowParser {
 public:
  std::string parse(std::string_view line, Request& request) override {
    constexpr const char* kBroken = "expected a JSON object, one a line";
    Cursor in(line);
    bool has_arrival = false, has_input = false, has_output = false;
    std::string wrong;
    if (!in.take('{')) return kBroken;
    while (!in.at('}')) {
      std::string_view key;
      if (!in.string(key) || !in.take(':')) return kBroken;
      const auto [field, unit_s] = field_named(key, true);
      has_arrival |= field == Field::arrival;
      has_input |= field == Field::input;
      has_output |= field == Field::output;
      double value = 0;
      if (field == Field::none) {
        if (!in.skip_value()) return kBroken;
      } else if (field == Field::hashes) {
        if (!parse_hashes(in, request)) return fmt::format("{}: expected a list of whole numbers of 64 bits", key);
      } else if (in.number(value)) {
        if (std::string problem = store(field, value * unit_s, request); wrong.empty()) wrong = std::move(problem);
      } else if (in.skip_value()) {
        return fmt::format("{}: expected a number", key);
      } else {
        return kBroken;
      }
      if (!in.take(',')) break;
    }
    if (!in.take('}') || !in.at_end()) return kBroken;
    if (!has_arrival) return "no arrival; expected \"timestamp\" (ms) or \"arrival_s\"";
    if (!has_input) return "no input length; expected \"input_length\" or \"input_tokens\"";
    if (!has_output) return "no output length; expected \"output_length\" or \"output_tokens\"";
    return wrong;
  }
  bool has_hashes() const override { return has_hashes_; }

 private:
  bool parse_hashes(Cursor& in, Request& request) {
    has_hashes_ = true;
    if (!in.take('[')) return false;
    if (in.take(']')) return true;
    do {
      std::uint64_t hash = 0;
      if (!in.hash(hash)) return false;
      request.prefix_hashes.push_back(hash);
    } while (in.take(','));
    return in.take(']');
  }
  bool has_hashes_ = false;
};

}  // namespace

std::unique_ptr<RowParser> json_parser() { return std::make_unique<JsonParser>(); }

}  // namespace waferwatt::traces
