// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "waferwatt/validation/calibrate.hpp"
#include "waferwatt/validation/kernels.hpp"

namespace waferwatt::validation {

inline const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

/// A file in a folder of this test process.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& text) {
    const auto folder = std::filesystem::temp_directory_path() / ("waferwatt-validation-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    path_ = folder / name;
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove_all(path_.parent_path()); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline Measurements read(const std::string& path, const std::optional<std::string>& accelerator = {}) {
  Measurements out;
  read_measurements(path, shipped(), accelerator, out);
  return out;
}

inline Measurements read_text(const std::string& name, const std::string& text, const std::optional<std::string>& accelerator = {}) {
  const TemporaryFile file(name, text);
  return read(file.path(), accelerator);
}

/// GEMM rows of a device that reaches 70 % of an H200's rate and 80 % of its bandwidth, times `unit`.
inline std::string synthetic_gemms(double unit = 1) {
  std::string text = "dtype,m,n,k,us\n";
  for (int m = 1; m <= 16384; m *= 4)
    for (const int n : {1024, 2048, 4096, 8192, 16384})
      for (const int k : {1024, 4096, 16384}) {
        const double work = 2.0 * m * n * k / 989.5e6 / 0.7, traffic = 2.0 * (1.0 * m * k + 1.0 * n * k + 1.0 * m * n) / 4.8e6 / 0.8;
        text += "bfloat16," + std::to_string(m) + ',' + std::to_string(n) + ',' + std::to_string(k) + ',' +
                std::to_string(unit * (3 + std::max(work, traffic))) + '\n';
      }
  return text;
}

}  // namespace waferwatt::validation
