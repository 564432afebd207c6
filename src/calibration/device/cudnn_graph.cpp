// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/cudnn_graph.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "calibration/device/check.hpp"

namespace waferwatt::calibration {

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) { WAFERWATT_CALL(cudnnBackendCreateDescriptor(type, &raw_)); }

Descriptor::~Descriptor() {
  if (raw_) cudnnBackendDestroyDescriptor(raw_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
                     const void* values) {
  const std::string call = "cudnnBackendSetAttribute(" + std::to_string(static_cast<int>(name)) + ")";
  check(cudnnBackendSetAttribute(raw_, name, type, count, values), call.c_str());
}

void Descriptor::set(cudnnBackendAttributeName_t name, std::int64_t value) { set(name, CUDNN_TYPE_INT64, 1, &value); }

void Descriptor::set(cudnnBackendAttributeName_t name, const std::vector<std::int64_t>& values) {
  set(name, CUDNN_TYPE_INT64, static_cast<std::int64_t>(values.size()), values.data());
}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}

void Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  const cudnnBackendDescriptor_t raw = value.raw();
  set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
}

void Descriptor::finalize() { WAFERWATT_CALL(cudnnBackendFinalize(raw_)); }

Plan::Plan(Descriptor plan) : plan_(std::move(plan)) {
  WAFERWATT_CALL(cudnnBackendGetAttribute(plan_.raw(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                          nullptr, &workspace_bytes_));
}

std::string Plan::engine() const {
  Descriptor config{CUDNN_BACKEND_ENGINECFG_DESCRIPTOR}, engine{CUDNN_BACKEND_ENGINE_DESCRIPTOR};
  cudnnBackendDescriptor_t raw_config = config.raw(), raw_engine = engine.raw();
  std::int64_t count = 0, index = -1;
  // Only a label: a cuDNN that does not tell leaves -1.
  if (cudnnBackendGetAttribute(plan_.raw(), CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                               &count, &raw_config) == CUDNN_STATUS_SUCCESS &&
      cudnnBackendGetAttribute(raw_config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                               &raw_engine) == CUDNN_STATUS_SUCCESS)
    cudnnBackendGetAttribute(raw_engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &index);
  return "engine " + std::to_string(index);
}

void Plan::execute(cudnnHandle_t handle, const std::vector<std::int64_t>& uids, const std::vector<void*>& pointers,
                   void* workspace) const {
  Descriptor pack{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR};
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, uids);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, static_cast<std::int64_t>(pointers.size()),
           pointers.data());
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  pack.finalize();
  WAFERWATT_CALL(cudnnBackendExecute(handle, plan_.raw(), pack.raw()));
}

Graph::Tensor Graph::tensor(Dims dims, Dims strides, cudnnDataType_t type, Kind kind) {
  Descriptor& d = descriptors_.emplace_back(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  const std::int64_t uid = next_uid_++;
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, uid);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, dims);
  d.set(CUDNN_ATTR_TENSOR_STRIDES, strides);
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
  const bool yes = true;
  if (kind == Kind::fused) d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &yes);
  if (kind == Kind::host) d.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &yes);
  d.finalize();
  return {uid, std::move(dims), std::move(strides), &d};
}

Graph::Tensor Graph::fused(const Dims& dims, cudnnDataType_t type) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return tensor(dims, strides, type, Kind::fused);
}

Graph::Tensor Graph::host_scalar(cudnnDataType_t type) { return tensor({1, 1, 1, 1}, {1, 1, 1, 1}, type, Kind::host); }

void Graph::operation(cudnnBackendDescriptorType_t type,
                      const std::vector<std::pair<cudnnBackendAttributeName_t, Tensor>>& tensors) {
  Descriptor& d = descriptors_.emplace_back(type);
  for (const auto& [name, tensor] : tensors) d.set(name, *tensor.descriptor);
  d.finalize();
  operations_.push_back(&d);
}

void Graph::matmul(const Tensor& a, const Tensor& b, const Tensor& c) {
  Descriptor& math = descriptors_.emplace_back(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  math.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_DATA_FLOAT);
  math.finalize();
  Descriptor& d = descriptors_.emplace_back(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, *a.descriptor);
  d.set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, *b.descriptor);
  d.set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, *c.descriptor);
  d.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, math);
  d.finalize();
  operations_.push_back(&d);
}

void Graph::reduce(cudnnReduceTensorOp_t op, const Tensor& x, const Tensor& y) {
  Descriptor& math = descriptors_.emplace_back(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  math.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  math.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &op);
  math.finalize();
  Descriptor& d = descriptors_.emplace_back(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, *x.descriptor);
  d.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, *y.descriptor);
  d.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, math);
  d.finalize();
  operations_.push_back(&d);
}

void Graph::reshape(const Tensor& x, const Tensor& y) {
  operation(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR,
            {{CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x}, {CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y}});
}

void Graph::pointwise(cudnnPointwiseMode_t mode, cudnnDataType_t precision, std::optional<int> axis, const Tensor& x,
                      const Tensor* b, const Tensor* t, const Tensor& y) {
  Descriptor& math = descriptors_.emplace_back(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  math.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  math.set(CUDNN_ATTR_POINTWISE_MATH_PREC, precision);
  if (axis) math.set(CUDNN_ATTR_POINTWISE_AXIS, std::int64_t{*axis});
  math.finalize();
  Descriptor& d = descriptors_.emplace_back(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, math);
  d.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, *x.descriptor);
  if (b) d.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b->descriptor);
  if (t) d.set(CUDNN_ATTR_OPERATION_POINTWISE_TDESC, *t->descriptor);
  d.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, *y.descriptor);
  d.finalize();
  operations_.push_back(&d);
}

void Graph::unary(cudnnPointwiseMode_t mode, const Tensor& x, const Tensor& y) {
  pointwise(mode, CUDNN_DATA_FLOAT, {}, x, nullptr, nullptr, y);
}

void Graph::binary(cudnnPointwiseMode_t mode, const Tensor& x, const Tensor& b, const Tensor& y,
                   cudnnDataType_t precision) {
  pointwise(mode, precision, {}, x, &b, nullptr, y);
}

void Graph::index(int axis, const Tensor& x, const Tensor& y) {
  pointwise(CUDNN_POINTWISE_GEN_INDEX, CUDNN_DATA_FLOAT, axis, x, nullptr, nullptr, y);
}

void Graph::select(const Tensor& x, const Tensor& b, const Tensor& mask, const Tensor& y) {
  pointwise(CUDNN_POINTWISE_BINARY_SELECT, CUDNN_DATA_FLOAT, {}, x, &b, &mask, y);
}

Plan Graph::plan(cudnnHandle_t handle) { return first_plan(handle, nullptr); }

Plan Graph::plan_for_device(const std::string& properties_json) {
  Descriptor device{CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR};
  device.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
             static_cast<std::int64_t>(properties_json.size()), properties_json.data());
  device.finalize();
  return first_plan(nullptr, &device);
}

Plan Graph::first_plan(cudnnHandle_t handle, const Descriptor* device) {
  Descriptor graph{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
  std::vector<cudnnBackendDescriptor_t> operations;
  for (const Descriptor* operation : operations_) operations.push_back(operation->raw());
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<std::int64_t>(operations.size()),
            operations.data());
  if (handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  std::string reason = "cuDNN proposes no engine";
  try {
    graph.finalize();
    for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      Descriptor heuristic{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR};
      heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
      heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
      if (device) heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
      heuristic.finalize();
      constexpr std::int64_t kMost = 16;
      std::vector<Descriptor> configs;
      std::vector<cudnnBackendDescriptor_t> raw;
      for (std::int64_t i = 0; i < kMost; ++i)
        raw.push_back(configs.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).raw());
      std::int64_t found = 0;
      WAFERWATT_CALL(cudnnBackendGetAttribute(heuristic.raw(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                              CUDNN_TYPE_BACKEND_DESCRIPTOR, kMost, &found, raw.data()));
      if (found == 0 && mode == CUDNN_HEUR_MODE_A) {
        std::array<char, 512> why{};
        cudnnGetLastErrorString(why.data(), why.size());
        reason += std::string{": "} + why.data();
      }
      for (std::int64_t i = 0; i < std::min(found, kMost); ++i) {
        try {
          Descriptor plan{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
          if (handle) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
          plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configs[static_cast<std::size_t>(i)]);
          if (device) plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device);
          plan.finalize();
          return Plan{std::move(plan)};
        } catch (const DeviceError& error) {
          reason = error.what();
        }
      }
    }
  } catch (const DeviceError& error) {
    reason = error.what();
  }
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  throw Unsupported(reason);
}

}  // namespace waferwatt::calibration
