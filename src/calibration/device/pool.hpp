// SPDX-License-Identifier: Apache-2.0
#pragma once
// One allocation of device memory for the whole run; operands are offsets into it.
#include <cstddef>
#include <string>

namespace waferwatt::calibration {

class Pool {
 public:
  /// \throws DeviceError if the device has not that much free
  explicit Pool(std::size_t bytes);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Memory for n elements, aligned to 256 bytes.
  /// \throws Unsupported with both sizes if the pool is too small
  template <class T>
  T* take(std::size_t n) { return static_cast<T*>(take_bytes(n * sizeof(T))); }

  /// What was taken so far stays taken when the pool is reset.
  void keep() { kept_ = used_; }
  void reset() { used_ = kept_; }
  std::size_t left() const { return bytes_ - used_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* take_bytes(std::size_t bytes);
  char* base_ = nullptr;
  std::size_t bytes_, used_ = 0, kept_ = 0;
};

}  // namespace waferwatt::calibration
