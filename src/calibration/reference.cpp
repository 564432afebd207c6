// SPDX-License-Identifier: Apache-2.0
#include "calibration/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::calibration {
namespace {

std::size_t index(int value) { return static_cast<std::size_t>(value); }

/// First element of row `row` of a head.
std::size_t row_of(int batch, int heads, int head, int rows, int row, int size) {
  return ((index(batch) * index(heads) + index(head)) * index(rows) + index(row)) * index(size);
}

double dot(const double* a, const double* b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// Softmax weights of one query row.
Values weights(const Values& q, const Values& k, const AttentionSizes& s, int b, int h, int row) {
  const int kv_head = h / (s.q_heads / s.kv_heads), keys = s.causal ? row + 1 : s.kv_length;
  const double scale = 1 / std::sqrt(static_cast<double>(s.head_qk));
  Values p(index(keys));
  for (int j = 0; j < keys; ++j)
    p[index(j)] = scale * dot(&q[row_of(b, s.q_heads, h, s.length, row, s.head_qk)],
                              &k[row_of(b, s.kv_heads, kv_head, s.kv_length, j, s.head_qk)], s.head_qk);
  return softmax(p, 1, keys);
}

template <class Visit>
void each_row(const AttentionSizes& s, Visit visit) {
  for (int b = 0; b < s.batch; ++b)
    for (int h = 0; h < s.q_heads; ++h)
      for (int row = 0; row < s.length; ++row) visit(b, h, row);
}

}  // namespace

double relative_error(const Values& out, const Values& reference) {
  if (out.size() != reference.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    difference += (out[i] - reference[i]) * (out[i] - reference[i]);
    size += reference[i] * reference[i];
  }
  const double error = std::sqrt(difference / size);
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

Values matrix_product(const Values& x, const Values& w, int m, int n, int k) {
  Values y(index(m) * index(n));
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j)
      y[index(i) * index(n) + index(j)] = dot(&x[index(i) * index(k)], &w[index(j) * index(k)], k);
  return y;
}

Values attention(const Values& q, const Values& k, const Values& v, const AttentionSizes& s) {
  Values out(index(s.batch) * index(s.q_heads) * index(s.length) * index(s.head_v));
  each_row(s, [&](int b, int h, int row) {
    const Values p = weights(q, k, s, b, h, row);
    double* o = &out[row_of(b, s.q_heads, h, s.length, row, s.head_v)];
    for (std::size_t j = 0; j < p.size(); ++j) {
      const double* value =
          &v[row_of(b, s.kv_heads, h / (s.q_heads / s.kv_heads), s.kv_length, static_cast<int>(j), s.head_v)];
      for (int d = 0; d < s.head_v; ++d) o[d] += p[j] * value[d];
    }
  });
  return out;
}

AttentionGradients attention_gradients(const Values& q, const Values& k, const Values& v, const Values& d_out,
                                       const AttentionSizes& s) {
  AttentionGradients g{Values(q.size()), Values(k.size()), Values(v.size())};
  const double scale = 1 / std::sqrt(static_cast<double>(s.head_qk));
  each_row(s, [&](int b, int h, int row) {
    const int kv_head = h / (s.q_heads / s.kv_heads);
    const Values p = weights(q, k, s, b, h, row);
    const std::size_t q_row = row_of(b, s.q_heads, h, s.length, row, s.head_qk);
    const double* d_o = &d_out[row_of(b, s.q_heads, h, s.length, row, s.head_v)];
    Values dp(p.size());
    double centre = 0;
    for (std::size_t j = 0; j < p.size(); ++j) {
      dp[j] = dot(d_o, &v[row_of(b, s.kv_heads, kv_head, s.kv_length, static_cast<int>(j), s.head_v)], s.head_v);
      centre += p[j] * dp[j];
    }
    for (std::size_t j = 0; j < p.size(); ++j) {
      const std::size_t k_row = row_of(b, s.kv_heads, kv_head, s.kv_length, static_cast<int>(j), s.head_qk);
      const std::size_t v_row = row_of(b, s.kv_heads, kv_head, s.kv_length, static_cast<int>(j), s.head_v);
      const double ds = p[j] * (dp[j] - centre) * scale;
      for (int d = 0; d < s.head_qk; ++d) {
        g.dq[q_row + index(d)] += ds * k[k_row + index(d)];
        g.dk[k_row + index(d)] += ds * q[q_row + index(d)];
      }
      for (int d = 0; d < s.head_v; ++d) g.dv[v_row + index(d)] += p[j] * d_o[d];
    }
  });
  return g;
}

Values rms_norm(const Values& x, const Values& gamma, int rows, int columns) {
  Values y(x.size());
  for (int r = 0; r < rows; ++r) {
    const double* row = &x[index(r) * index(columns)];
    const double scale = 1 / std::sqrt(dot(row, row, columns) / columns + 1e-5);
    for (int c = 0; c < columns; ++c) y[index(r) * index(columns) + index(c)] = row[c] * scale * gamma[index(c)];
  }
  return y;
}

Values softmax(const Values& x, int rows, int columns) {
  Values y(x.size());
  for (int r = 0; r < rows; ++r) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(r) * columns;
    const double most = *std::max_element(begin, begin + columns);
    double sum = 0;
    for (int c = 0; c < columns; ++c) sum += std::exp(begin[c] - most);
    for (int c = 0; c < columns; ++c) y[index(r) * index(columns) + index(c)] = std::exp(begin[c] - most) / sum;
  }
  return y;
}

std::vector<std::int32_t> argmax(const Values& x, int rows, int columns) {
  std::vector<std::int32_t> at;
  for (int r = 0; r < rows; ++r) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(r) * columns;
    at.push_back(static_cast<std::int32_t>(std::max_element(begin, begin + columns) - begin));
  }
  return at;
}

}  // namespace waferwatt::calibration
