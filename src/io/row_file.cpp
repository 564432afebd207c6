// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/row_file.hpp"

#include <filesystem>

#include "csv_cell.hpp"
#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::io {
namespace {

constexpr std::size_t kWriteAt = std::size_t{1} << 20;

}  // namespace

RowFile::RowFile(std::string path, const std::vector<std::string>& columns) : path_(std::move(path)) {
  if (std::filesystem::exists(path_)) throw InputError(path_ + ": exists; results are never overwritten silently");
  out_.open(path_, std::ios::binary);
  if (!out_) throw InputError(path_ + ": cannot be written");
  for (const auto& name : columns) add(name);
  end_row();
}

void RowFile::add(std::string_view text) { append_cell(buffer_, text), buffer_ += ','; }
void RowFile::add(std::int64_t number) { append_cell(buffer_, number), buffer_ += ','; }
void RowFile::add(double number) { append_cell(buffer_, number), buffer_ += ','; }

void RowFile::end_row() {
  buffer_.back() = '\n';
  if (buffer_.size() < kWriteAt) return;
  out_ << buffer_;
  buffer_.clear();
}

void RowFile::close() {
  out_ << buffer_;
  buffer_.clear();
  out_.close();
  if (!out_) throw InputError(path_ + ": cannot be written in full");
}

}  // namespace waferwatt::io
