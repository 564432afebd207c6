// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operation graphs of cuDNN's backend API: tensors, operations, and a plan that an engine can run.
#include <cudnn.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace waferwatt::calibration {

/// An owned backend descriptor.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count, const void* values);
  void set(cudnnBackendAttributeName_t name, std::int64_t value);
  void set(cudnnBackendAttributeName_t name, const std::vector<std::int64_t>& values);
  void set(cudnnBackendAttributeName_t name, cudnnDataType_t value);
  void set(cudnnBackendAttributeName_t name, const Descriptor& value);
  void finalize();
  cudnnBackendDescriptor_t raw() const { return raw_; }

 private:
  cudnnBackendDescriptor_t raw_ = nullptr;
};

/// A plan that one engine of cuDNN can run.
class Plan {
 public:
  std::int64_t workspace_bytes() const { return workspace_bytes_; }
  /// Name and knobs of the engine as cuDNN reports them, shortened.
  std::string engine() const;
  /// Enqueues on the handle's stream.
  void execute(cudnnHandle_t handle, const std::vector<std::int64_t>& uids, const std::vector<void*>& pointers,
               void* workspace) const;

 private:
  friend class Graph;
  explicit Plan(Descriptor plan);
  Descriptor plan_;
  std::int64_t workspace_bytes_ = 0;
};

class Graph {
 public:
  using Dims = std::vector<std::int64_t>;
  /// Where a tensor lives: in device memory, inside the fused kernel only, or as a number on the host.
  enum class Kind { memory, fused, host };
  struct Tensor {
    std::int64_t uid = 0;
    Dims dims, strides;
    const Descriptor* descriptor = nullptr;
  };

  Tensor tensor(Dims dims, Dims strides, cudnnDataType_t type, Kind kind);
  Tensor fused(const Dims& dims, cudnnDataType_t type = CUDNN_DATA_FLOAT);  ///< packed
  Tensor host_scalar(cudnnDataType_t type);

  void matmul(const Tensor& a, const Tensor& b, const Tensor& c);
  void reduce(cudnnReduceTensorOp_t op, const Tensor& x, const Tensor& y);
  void reshape(const Tensor& x, const Tensor& y);
  void unary(cudnnPointwiseMode_t mode, const Tensor& x, const Tensor& y);
  void binary(cudnnPointwiseMode_t mode, const Tensor& x, const Tensor& b, const Tensor& y,
              cudnnDataType_t precision = CUDNN_DATA_FLOAT);
  /// y = index along the axis, with the dims of x.
  void index(int axis, const Tensor& x, const Tensor& y);
  /// y = mask ? x : b
  void select(const Tensor& x, const Tensor& b, const Tensor& mask, const Tensor& y);
  /// An operation whose attributes are all tensors.
  void operation(cudnnBackendDescriptorType_t type,
                 const std::vector<std::pair<cudnnBackendAttributeName_t, Tensor>>& tensors);

  /// The first engine that accepts the graph on the handle's device.
  /// \throws Unsupported with the reason if there is none
  Plan plan(cudnnHandle_t handle);

  /// The same for a described device that need not be present: cuDNN's JSON of device properties.
  Plan plan_for_device(const std::string& properties_json);

 private:
  void pointwise(cudnnPointwiseMode_t mode, cudnnDataType_t precision, std::optional<int> axis, const Tensor& x,
                 const Tensor* b, const Tensor* t, const Tensor& y);
  Plan first_plan(cudnnHandle_t handle, const Descriptor* device);
  std::deque<Descriptor> descriptors_;  // stable addresses: tensors point into it
  std::vector<const Descriptor*> operations_;
  std::int64_t next_uid_ = 1;
};

}  // namespace waferwatt::calibration
