// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "waferwatt/io/value.hpp"

namespace waferwatt::io {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 200;

struct Position {
  int line = 1;
  int column = 1;
};

/// Feeds the lexer and counts lines as it goes; remembers where the current token began.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  CountingIterator(const char* at, Position* position, Position* token_start)
      : at_(at), position_(position), token_start_(token_start) {}
  char operator*() const { return *at_; }
  CountingIterator& operator++() {
    const char c = *at_;
    // A token starts at the first character that is neither blank nor punctuation between tokens.
    if (in_text_) {
      if (escaped_) escaped_ = false;
      else if (c == '\\') escaped_ = true;
      else if (c == '"') in_text_ = in_token_ = false;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':' || c == ']' || c == '}') {
      in_token_ = false;
    } else if (!in_token_ || c == '{' || c == '[' || c == '"') {
      *token_start_ = *position_;
      in_token_ = c != '{' && c != '[';
      in_text_ = c == '"';
    }
    if (c == '\n') {
      ++position_->line;
      position_->column = 1;
    } else {
      ++position_->column;
    }
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Position* position_;
  Position* token_start_;
  bool in_text_ = false, escaped_ = false, in_token_ = false;
};

/// Builds the located value from the parser's events.
class Builder {
 public:
  Builder(std::shared_ptr<const std::string> file, const Position& position, const Position& token_start, Diagnostics& diagnostics)
      : file_(std::move(file)), position_(position), token_start_(token_start), diagnostics_(diagnostics) {}

  Value take() { return std::move(root_); }

  bool null() { return put(Value{}); }
  bool boolean(bool value) { return put(Value{value}); }
  bool number_integer(json::number_integer_t value) { return put(Value{static_cast<std::int64_t>(value)}); }
  bool number_unsigned(json::number_unsigned_t value) {
    return value > static_cast<json::number_unsigned_t>(INT64_MAX) ? put(Value{static_cast<double>(value)})
                                                                  : put(Value{static_cast<std::int64_t>(value)});
  }
  bool number_float(json::number_float_t value, const std::string&) { return put(Value{value}); }
  bool string(std::string& value) { return put(Value{std::move(value)}); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Value{Value::Object{}}); }
  bool start_array(std::size_t) { return open(Value{Value::List{}}); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    auto& object = *open_.back()->get_if<Value::Object>();
    key_ = name;
    for (const auto& member : object)
      if (member.key == name)
        diagnostics_.add(diagnostic_at(here(), path() + "/" + name,
                                       fmt::format("duplicate key \"{}\"; first given on line {}", name, member.value.place().line)));
    return true;
  }
  bool parse_error(std::size_t, const std::string& token, const json::exception& error) {
    diagnostics_.add(diagnostic_at({file_, position_.line, std::max(1, position_.column - 1)}, path(), syntax_message(token, error)));
    return false;
  }

 private:
  Place here() const { return {file_, token_start_.line, token_start_.column}; }

  std::string path() const {
    std::string text;
    for (const auto& name : names_) text += "/" + name;
    return text;
  }

  std::string syntax_message(const std::string& token, const json::exception& error) const {
    std::string what = error.what();
    if (what.find("number overflow") != std::string::npos) return fmt::format("the number {} is too large", token);
    if (what.find("unexpected end of input") != std::string::npos && open_.empty()) return "the JSON text ends too early; expected a value";
    if (what.find("unexpected end of input") != std::string::npos)
      return fmt::format("the JSON text ends too early ({} still open)", open_.size() == 1 ? "1 bracket is" : fmt::format("{} brackets are", open_.size()));
    const auto says = [&what](std::string_view text) { return what.find(text) != std::string::npos; };
    if (says("invalid literal") && !token.empty() && (token.back() == 'N' || token.back() == 'I'))
      return "NaN and Infinity are not numbers here; leave the value out or give a number";
    if (says("ill-formed UTF-8")) return "the text is not UTF-8 here";
    if (says("U+000A") || says("U+000D")) return "the text is not closed before the end of its line";
    // "[json.exception...] parse error at line 1, column 2: syntax error while parsing ...: detail"
    if (const auto begin = what.find("syntax error"); begin != std::string::npos) what = what.substr(begin);
    return what;
  }

  bool put(Value value) {
    value.set_place(here());
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    place_into(*open_.back(), std::move(value));
    return true;
  }

  Value& place_into(Value& parent, Value value) {
    if (auto* list = parent.get_if<Value::List>()) return list->emplace_back(std::move(value));
    auto& object = *parent.get_if<Value::Object>();
    for (auto& member : object)
      if (member.key == key_) return member.value = std::move(value);
    return object.emplace_back(Value::Member{key_, std::move(value)}).value;
  }

  bool open(Value value) {
    value.set_place(here());
    if (open_.size() >= kMaxDepth) {
      diagnostics_.add(diagnostic_at(here(), "", fmt::format("nested more than {} levels deep", kMaxDepth)));
      return false;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      open_.push_back(&root_);
      return true;
    }
    Value& parent = *open_.back();
    const auto* list = parent.get_if<Value::List>();
    names_.push_back(list ? std::to_string(list->size()) : key_);
    open_.push_back(&place_into(parent, std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    if (!names_.empty()) names_.pop_back();
    return true;
  }

  std::shared_ptr<const std::string> file_;
  const Position& position_;
  const Position& token_start_;
  Diagnostics& diagnostics_;
  Value root_;
  std::vector<Value*> open_;  // stays valid: only the last child of each open parent grows
  std::vector<std::string> names_;
  std::string key_;
};

}  // namespace

Value parse_json(const std::string& file, std::string_view text, Diagnostics& diagnostics) {
  const auto name = std::make_shared<const std::string>(file);
  if (text.size() > kMaxDocumentBytes) {
    diagnostics.add(diagnostic_at({name, 0, 0}, "",
                                  fmt::format("the file has {:.0f} MB; at most {:.0f} MB are read", static_cast<double>(text.size()) / 1e6,
                                              static_cast<double>(kMaxDocumentBytes) / 1e6)));
    return {};
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    diagnostics.add(diagnostic_at({name, 1, 1}, "", "the file is empty; expected a JSON object"));
    return {};
  }
  Position position, token_start;
  Builder builder(name, position, token_start, diagnostics);
  const CountingIterator begin(text.data(), &position, &token_start), end(text.data() + text.size(), nullptr, nullptr);
  json::sax_parse(begin, end, &builder);
  return builder.take();
}

Value read_json_file(const std::string& file, Diagnostics& diagnostics) {
  const auto refuse = [&](std::string why) {
    diagnostics.add(diagnostic_at({std::make_shared<const std::string>(file), 0, 0}, "", std::move(why)));
    return Value{};
  };
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return refuse("no such file");
  if (std::filesystem::is_directory(file, error)) return refuse("this is a folder; expected a JSON file");
  const auto size = std::filesystem::file_size(file, error);
  if (!error && size > kMaxDocumentBytes)
    return refuse(fmt::format("the file has {:.0f} MB; at most {:.0f} MB are read", static_cast<double>(size) / 1e6,
                              static_cast<double>(kMaxDocumentBytes) / 1e6));
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse("the file cannot be read");
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_json(file, text.view(), diagnostics);
}

Value parse_override(std::string_view text) {
  Diagnostics ignored;
  Value value = parse_json("--set", text, ignored);
  if (!ignored.empty()) value = Value{text};
  value.set_place({std::make_shared<const std::string>("--set"), 0, 0});
  return value;
}

}  // namespace waferwatt::io
