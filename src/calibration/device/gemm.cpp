// SPDX-License-Identifier: Apache-2.0
// Matrix products by cuBLASLt and, for experts, by cuBLAS's grouped product.
#include <algorithm>
#include <memory>
#include <numeric>

#include "calibration/device/download.hpp"
#include "calibration/device/operators.hpp"

namespace waferwatt::calibration {
namespace {

/// D[m, n] of the point; cuBLASLt sees the transposes: D is n x m, column-major.
struct Gemm {
  cublasLtMatmulDesc_t description = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
  cublasLtMatmulHeuristicResult_t heuristic{};
  bool integer = false;
  Gemm() = default;
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;
  ~Gemm() {
    if (description) cublasLtMatmulDescDestroy(description);
    for (cublasLtMatrixLayout_t layout : {a, b, d})
      if (layout) cublasLtMatrixLayoutDestroy(layout);
  }
};

template <class T>
void set(cublasLtMatmulDesc_t description, cublasLtMatmulDescAttributes_t name, const T& value) {
  const std::string call = "cublasLtMatmulDescSetAttribute(" + std::to_string(static_cast<int>(name)) + ")";
  check(cublasLtMatmulDescSetAttribute(description, name, &value, sizeof value), call.c_str());
}

struct Operands {
  void *w = nullptr, *x = nullptr, *out = nullptr;
  float *w_scale = nullptr, *x_scale = nullptr;
};

cudaDataType_t type_of(const std::string& format) {
  if (format == "bf16") return CUDA_R_16BF;
  return format == "int8" ? CUDA_R_8I : CUDA_R_8F_E4M3;
}

std::size_t bytes_of(const std::string& format) { return format == "bf16" ? 2 : 1; }

std::size_t out_bytes(const std::string& format) { return format == "int8" ? 4 : 2; }

void describe(Gemm& g, const Point& point, const Operands& operands, int sm_target) {
  const std::string layout = point.label("layout");
  const auto m = static_cast<std::uint64_t>(point.at("m")), n = static_cast<std::uint64_t>(point.at("n")),
             k = static_cast<std::uint64_t>(point.at("k"));
  const cublasOperation_t a_op = layout[0] == 'T' ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t b_op = layout[1] == 'T' ? CUBLAS_OP_T : CUBLAS_OP_N;
  g.integer = point.format == "int8";
  WAFERWATT_CALL(cublasLtMatmulDescCreate(&g.description, g.integer ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F,
                                          g.integer ? CUDA_R_32I : CUDA_R_32F));
  set(g.description, CUBLASLT_MATMUL_DESC_TRANSA, a_op);
  set(g.description, CUBLASLT_MATMUL_DESC_TRANSB, b_op);
  if (sm_target > 0) set(g.description, CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, static_cast<std::int32_t>(sm_target));
  if (point.format.starts_with("fp8")) {
    const bool blocks = point.format == "fp8_block128";
    set(g.description, CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<std::int8_t>(blocks ? 0 : 1));
    if (blocks) {
      set(g.description, CUBLASLT_MATMUL_DESC_A_SCALE_MODE,
          static_cast<std::int32_t>(CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F));
      set(g.description, CUBLASLT_MATMUL_DESC_B_SCALE_MODE,
          static_cast<std::int32_t>(CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F));
    }
    set(g.description, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, operands.w_scale);
    set(g.description, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, operands.x_scale);
  }
  const cudaDataType_t type = type_of(point.format);
  const bool a_t = a_op == CUBLAS_OP_T, b_t = b_op == CUBLAS_OP_T;
  WAFERWATT_CALL(
      cublasLtMatrixLayoutCreate(&g.a, type, a_t ? k : n, a_t ? n : k, static_cast<std::int64_t>(a_t ? k : n)));
  WAFERWATT_CALL(
      cublasLtMatrixLayoutCreate(&g.b, type, b_t ? m : k, b_t ? k : m, static_cast<std::int64_t>(b_t ? m : k)));
  WAFERWATT_CALL(
      cublasLtMatrixLayoutCreate(&g.d, g.integer ? CUDA_R_32I : CUDA_R_16BF, n, m, static_cast<std::int64_t>(n)));
}

/// The library's first choice: the path that users get.
void choose(Bench& bench, Gemm& g) {
  cublasLtMatmulPreference_t preference = nullptr;
  WAFERWATT_CALL(cublasLtMatmulPreferenceCreate(&preference));
  const std::size_t workspace = Bench::kWorkspaceBytes;
  int found = 0;
  cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                       sizeof workspace);
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(bench.lt, g.description, g.a, g.b, g.d, g.d, preference, 1, &g.heuristic, &found);
  cublasLtMatmulPreferenceDestroy(preference);
  const cublasStatus_t state = status == CUBLAS_STATUS_SUCCESS && found > 0 ? g.heuristic.state : status;
  if (state != CUBLAS_STATUS_SUCCESS || found == 0)
    throw Unsupported(std::string{"cuBLASLt has no algorithm: "} + cublasLtGetStatusName(state));
}

io::Value algorithm_of(const Gemm& g) {
  io::Value out;
  const auto read = [&](const char* name, cublasLtMatmulAlgoConfigAttributes_t attribute) {
    std::int32_t value = 0;
    std::size_t written = 0;
    if (cublasLtMatmulAlgoConfigGetAttribute(&g.heuristic.algo, attribute, &value, sizeof value, &written) ==
        CUBLAS_STATUS_SUCCESS)
      out[name] = io::Value{value};
  };
  read("id", CUBLASLT_ALGO_CONFIG_ID);
  read("tile", CUBLASLT_ALGO_CONFIG_TILE_ID);
  read("stages", CUBLASLT_ALGO_CONFIG_STAGES_ID);
  read("splitk", CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
  return out;
}

void fill_operand(Bench& bench, void* data, std::size_t n, const std::string& format, float scale) {
  if (format == "bf16") fill_normal(bench.stream, static_cast<__nv_bfloat16*>(data), n, bench.next_seed(), scale);
  else if (format == "int8") fill_uniform(bench.stream, static_cast<std::int8_t*>(data), n, bench.next_seed());
  else fill_normal(bench.stream, static_cast<__nv_fp8_e4m3*>(data), n, bench.next_seed(), scale);
}

Operands operands_of(Bench& bench, const Point& point, bool zeros) {
  const auto m = static_cast<std::size_t>(point.at("m")), n = static_cast<std::size_t>(point.at("n")),
             k = static_cast<std::size_t>(point.at("k"));
  const std::size_t bytes = bytes_of(point.format);
  Operands o;
  o.w = bench.pool->take<char>(n * k * bytes);
  o.x = bench.pool->take<char>(m * k * bytes);
  o.out = bench.pool->take<char>(m * n * out_bytes(point.format));
  if (point.format.starts_with("fp8")) {
    // One scale, or one per 128 values with room for padded layouts; all ones, so their layout is of no matter.
    const bool blocks = point.format == "fp8_block128";
    const std::size_t depth = (k + 127) / 128 + 4;
    const std::size_t w_scales = blocks ? ((n + 127) / 128 + 4) * depth : 1, x_scales = blocks ? (m + 128) * depth : 1;
    o.w_scale = bench.pool->take<float>(w_scales);
    o.x_scale = bench.pool->take<float>(x_scales);
    fill_constant(bench.stream, o.w_scale, w_scales, 1);
    fill_constant(bench.stream, o.x_scale, x_scales, 1);
  }
  if (zeros) {
    WAFERWATT_CALL(cudaMemsetAsync(o.w, 0, n * k * bytes, bench.stream));
    WAFERWATT_CALL(cudaMemsetAsync(o.x, 0, m * k * bytes, bench.stream));
  } else {
    fill_operand(bench, o.w, n * k, point.format, 1);
    fill_operand(bench, o.x, m * k, point.format, 1);
  }
  return o;
}

void enqueue_gemm(Bench& bench, const Gemm& g, const Operands& o, cudaStream_t stream) {
  const float one = 1, zero = 0;
  const std::int32_t integer_one = 1, integer_zero = 0;
  WAFERWATT_CALL(cublasLtMatmul(bench.lt, g.description, g.integer ? static_cast<const void*>(&integer_one) : &one, o.w,
                                g.a, o.x, g.b, g.integer ? static_cast<const void*>(&integer_zero) : &zero, o.out, g.d,
                                o.out, g.d, &g.heuristic.algo, bench.workspace, Bench::kWorkspaceBytes, stream));
}

/// Experts whose rows are not zero, as cuBLAS's arrays; weights of all experts lie one behind the other.
struct Grouped {
  std::vector<cublasOperation_t> a_op, b_op;
  std::vector<int> m, n, k, lda, ldb, ldc, size;
  std::vector<float> one, zero;
  const void **w = nullptr, **x = nullptr;  // device arrays
  void** out = nullptr;
};

struct GroupedData {
  __nv_bfloat16 *w, *x, *out;
};

Grouped grouped_arrays(Bench& bench, const Point& point, const GroupedData& data) {
  const int n = static_cast<int>(point.at("n")), k = static_cast<int>(point.at("k"));
  Grouped g;
  std::vector<const void*> w, x;
  std::vector<void*> out;
  std::size_t expert = 0, row = 0;
  for (const int rows : expert_rows(point)) {
    if (rows > 0) {
      g.m.push_back(n), g.n.push_back(rows), g.k.push_back(k);
      w.push_back(data.w + expert * static_cast<std::size_t>(n) * static_cast<std::size_t>(k));
      x.push_back(data.x + row * static_cast<std::size_t>(k));
      out.push_back(data.out + row * static_cast<std::size_t>(n));
    }
    ++expert, row += static_cast<std::size_t>(rows);
  }
  const std::size_t groups = g.m.size();
  g.a_op.assign(groups, CUBLAS_OP_T), g.b_op.assign(groups, CUBLAS_OP_N);
  g.lda = g.k, g.ldb = g.k, g.ldc = g.m;
  g.size.assign(groups, 1), g.one.assign(groups, 1.0f), g.zero.assign(groups, 0.0f);
  g.w = bench.pool->take<const void*>(groups), g.x = bench.pool->take<const void*>(groups),
  g.out = bench.pool->take<void*>(groups);
  upload(bench, g.w, w), upload(bench, g.x, x), upload(bench, g.out, out);
  return g;
}

GroupedData grouped_data(Bench& bench, const Point& point) {
  const auto experts = static_cast<std::size_t>(point.at("experts")), n = static_cast<std::size_t>(point.at("n")),
             k = static_cast<std::size_t>(point.at("k"));
  const std::size_t rows = experts * static_cast<std::size_t>(point.at("rows_per_expert"));
  GroupedData d{bench.pool->take<__nv_bfloat16>(experts * n * k), bench.pool->take<__nv_bfloat16>(rows * k),
                bench.pool->take<__nv_bfloat16>(rows * n)};
  fill_normal(bench.stream, d.w, experts * n * k, bench.next_seed());
  fill_normal(bench.stream, d.x, rows * k, bench.next_seed());
  return d;
}

void enqueue_grouped(Bench& bench, const Grouped& g) {
  WAFERWATT_CALL(cublasGemmGroupedBatchedEx(bench.blas, g.a_op.data(), g.b_op.data(), g.m.data(), g.n.data(),
                                            g.k.data(), g.one.data(), g.w, CUDA_R_16BF, g.lda.data(), g.x, CUDA_R_16BF,
                                            g.ldb.data(), g.zero.data(), g.out, CUDA_R_16BF, g.ldc.data(),
                                            static_cast<int>(g.m.size()), g.size.data(), CUBLAS_COMPUTE_32F));
}

Values operand_values(Bench& bench, const void* data, std::size_t n, const std::string& format) {
  if (format == "bf16") return download(bench, static_cast<const __nv_bfloat16*>(data), n);
  if (format == "int8") return download(bench, static_cast<const std::int8_t*>(data), n);
  return download(bench, static_cast<const __nv_fp8_e4m3*>(data), n);
}

Values transposed(const Values& in, int rows, int columns) {
  Values out(in.size());
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c)
      out[static_cast<std::size_t>(c) * static_cast<std::size_t>(rows) + static_cast<std::size_t>(r)] =
          in[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)];
  return out;
}

Check one_gemm_check(Bench& bench, const std::string& format, const std::string& layout) {
  constexpr int kM = 128, kN = 256, kK = 512;
  const Point point = gemm_point(format, kM, kN, kK, layout);
  const Operands o = operands_of(bench, point, false);
  Gemm g;
  describe(g, point, o, 0);
  choose(bench, g);
  poison(bench, o.out, kM * kN * out_bytes(format));
  enqueue_gemm(bench, g, o, bench.stream);
  // Column-major n x k that is not transposed is row-major k x n.
  Values w = operand_values(bench, o.w, kN * kK, format), x = operand_values(bench, o.x, kM * kK, format);
  if (layout[0] == 'N') w = transposed(w, kK, kN);
  if (layout[1] == 'T') x = transposed(x, kK, kM);
  const Values out = format == "int8" ? download(bench, static_cast<const std::int32_t*>(o.out), kM * kN)
                                      : download(bench, static_cast<const __nv_bfloat16*>(o.out), kM * kN);
  const double limit = format == "int8" ? 1e-6 : format == "bf16" ? 1e-2 : 2e-2;
  return checked("gemm " + layout, format, relative_error(out, matrix_product(x, w, kM, kN, kK)), limit);
}

Check grouped_check(Bench& bench) {
  const Point point{"grouped_gemm",
                    "bf16",
                    {{"experts", 4}, {"rows_per_expert", 24}, {"n", 128}, {"k", 256}},
                    {{"routing", "zipf_1.2"}}};
  const GroupedData data = grouped_data(bench, point);
  const Grouped g = grouped_arrays(bench, point, data);
  poison(bench, data.out, 96 * 128 * 2);
  enqueue_grouped(bench, g);
  const Values w = download(bench, data.w, 4 * 128 * 256), x = download(bench, data.x, 96 * 256);
  Values reference;
  std::ptrdiff_t row = 0, expert = 0;
  for (const int rows : expert_rows(point)) {
    const Values y =
        matrix_product({x.begin() + row * 256, x.begin() + (row + rows) * 256},
                       {w.begin() + expert * 128 * 256, w.begin() + (expert + 1) * 128 * 256}, rows, 128, 256);
    reference.insert(reference.end(), y.begin(), y.end());
    row += rows, ++expert;
  }
  return checked("grouped_gemm", "bf16", relative_error(download(bench, data.out, 96 * 128), reference), 1e-2);
}

}  // namespace

Operation prepare_gemm(Bench& bench, const Point& point, const GemmOptions& options) {
  Operation operation;
  operation.set_bytes = bytes(point);
  operation.sets = cold_sets(bench, point, operation.set_bytes);
  const auto operands = std::make_shared<std::vector<Operands>>();
  for (int i = 0; i < operation.sets; ++i) operands->push_back(operands_of(bench, point, options.zeros));
  const auto g = std::make_shared<Gemm>();
  describe(*g, point, operands->front(), options.sm_target);  // all scales are ones: the first set's serve all
  choose(bench, *g);
  operation.algorithm = algorithm_of(*g);
  operation.enqueue = [&bench, g, operands](cudaStream_t stream, int set) {
    enqueue_gemm(bench, *g, (*operands)[static_cast<std::size_t>(set)], stream);
  };
  return operation;
}

Operation prepare_grouped_gemm(Bench& bench, const Point& point) {
  Operation operation;
  operation.set_bytes = bytes(point);
  const double weights = 2.0 * static_cast<double>(point.at("experts") * point.at("n") * point.at("k"));
  operation.sets = std::clamp(static_cast<int>(bench.set_budget() / (operation.set_bytes + weights)), 1,
                              cold_sets(bench, point, operation.set_bytes));
  const auto sets = std::make_shared<std::vector<Grouped>>();
  for (int i = 0; i < operation.sets; ++i) sets->push_back(grouped_arrays(bench, point, grouped_data(bench, point)));
  // The arrays are the host's: what a graph would keep of them is not documented.
  operation.timing = Operation::Timing::events;
  operation.enqueue = [&bench, sets](cudaStream_t, int set) {
    enqueue_grouped(bench, (*sets)[static_cast<std::size_t>(set)]);
  };
  return operation;
}

void check_gemm(Bench& bench, const AddCheck& add) {
  for (const char* layout : {"TN", "NN", "NT"})
    add(std::string{"gemm "} + layout, "bf16", [&, layout] { return one_gemm_check(bench, "bf16", layout); });
  for (const char* format : {"fp8_e4m3", "fp8_block128", "int8"})
    add("gemm TN", format, [&, format] { return one_gemm_check(bench, format, "TN"); });
  add("grouped_gemm", "bf16", [&] { return grouped_check(bench); });
}

}  // namespace waferwatt::calibration
