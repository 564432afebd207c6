// SPDX-License-Identifier: Apache-2.0
#pragma once
// Small kernels where no library has the operator, and those that the measurement itself needs. Each
// function enqueues on the stream and throws DeviceError if the launch fails. Sizes are elements.
#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace waferwatt::calibration {

// The measurement's own.
void enqueue_empty(cudaStream_t stream);
/// Keeps the stream busy for a time, so that the host can enqueue what follows. It ends by itself: no deadlock.
void enqueue_spin(cudaStream_t stream, std::uint64_t nanoseconds);
struct Stamp {
  unsigned long long nanoseconds, cycles, sm;
};
void enqueue_stamp(cudaStream_t stream, Stamp* out);
/// Reads memory through the L2; reading leaves no dirty lines to be written back later.
void enqueue_read(cudaStream_t stream, const void* data, std::size_t bytes, float* sink);

// Data.
void fill_normal(cudaStream_t stream, __nv_bfloat16* out, std::size_t n, std::uint64_t seed, float scale = 1);
void fill_normal(cudaStream_t stream, __nv_fp8_e4m3* out, std::size_t n, std::uint64_t seed, float scale = 1);
void fill_normal(cudaStream_t stream, float* out, std::size_t n, std::uint64_t seed, float scale = 1);
void fill_uniform(cudaStream_t stream, std::int8_t* out, std::size_t n, std::uint64_t seed);
void fill_index(cudaStream_t stream, std::int32_t* out, std::size_t n, std::int32_t below, std::uint64_t seed);
void fill_constant(cudaStream_t stream, float* out, std::size_t n, float value);

// Operators. `bytes` of a stream operation are of each array; sums of the inputs are written.
void enqueue_stream(cudaStream_t stream, int reads, const void* const* in, void* out, std::size_t bytes);
/// y = x / sqrt(mean(x^2) + 1e-5) * gamma; columns a multiple of 8, at most 8192.
void enqueue_rms_norm(cudaStream_t stream, const __nv_bfloat16* x, const __nv_bfloat16* gamma, __nv_bfloat16* y,
                      int rows, int columns);
void enqueue_softmax(cudaStream_t stream, const __nv_bfloat16* x, __nv_bfloat16* y, int rows, int columns);
void enqueue_argmax(cudaStream_t stream, const __nv_bfloat16* x, std::int32_t* index, int rows, int columns);
/// out[i] = in[index[i]] or out[index[i]] = in[i]; row_bytes a multiple of 16.
void enqueue_gather(cudaStream_t stream, const void* in, const std::int32_t* index, void* out, std::size_t rows,
                    std::size_t row_bytes, bool scatter);
struct AdamW {
  __nv_bfloat16 *parameter, *gradient;
  float *master, *m, *v;
};
void enqueue_adamw(cudaStream_t stream, const AdamW& state, std::size_t n);
/// out = a + b in float, stored as bf16.
void enqueue_reduce_add(cudaStream_t stream, const __nv_bfloat16* a, const __nv_bfloat16* b, __nv_bfloat16* out,
                        std::size_t n);
/// Scales from the largest magnitude of the tensor (one) or of each 128 values of a row; columns a multiple of 128.
void enqueue_quantise_tensor(cudaStream_t stream, const __nv_bfloat16* x, __nv_fp8_e4m3* y, float* scale,
                             std::size_t n);
void enqueue_quantise_blocks(cudaStream_t stream, const __nv_bfloat16* x, __nv_fp8_e4m3* y, float* scales,
                             std::size_t n);

}  // namespace waferwatt::calibration
