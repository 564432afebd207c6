// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operators in double precision on the host: what the device's results are compared with.
#include <cstdint>
#include <vector>

namespace waferwatt::calibration {

using Values = std::vector<double>;

/// ||out - reference|| / ||reference||; infinite if any value is not finite or the sizes differ.
double relative_error(const Values& out, const Values& reference);

/// y[m, n] = x[m, k] w[n, k]^T, row-major.
Values matrix_product(const Values& x, const Values& w, int m, int n, int k);

struct AttentionSizes {
  int batch = 1, q_heads = 1, kv_heads = 1, length = 1, kv_length = 1, head_qk = 1, head_v = 1;
  bool causal = true;
};

/// softmax(q k^T / sqrt(head_qk)) v; tensors are [batch, heads, length, head].
Values attention(const Values& q, const Values& k, const Values& v, const AttentionSizes& sizes);

struct AttentionGradients {
  Values dq, dk, dv;
};
AttentionGradients attention_gradients(const Values& q, const Values& k, const Values& v, const Values& d_out,
                                       const AttentionSizes& sizes);

Values rms_norm(const Values& x, const Values& gamma, int rows, int columns);
Values softmax(const Values& x, int rows, int columns);
/// The first largest of each row.
std::vector<std::int32_t> argmax(const Values& x, int rows, int columns);

}  // namespace waferwatt::calibration
