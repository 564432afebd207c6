// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured operator times: CSV, CSV in gzip, and the document "gpu-calibration/1".
//
// A CSV is told by its columns; `us` is the time in microseconds:
//   GEMM      dtype,m,n,k,us[,watts,power_limit]
//   prefill   dtype,kv_dtype,batch_size,isl,num_heads,num_kv_heads,head_dim,win,us
//   decode    dtype,kv_dtype,batch_size,kv_len,num_heads,num_kv_heads,head_dim,win,us
//   experts   dtype,kernel_source,num_tokens,hidden_size,inter_size,topk,num_experts,tp,ep,distribution,us
//   quantise  m,k,dtype,us
// and tables as their authors publish them: cuDNN's benchmarks, DeepGEMM, FlashAttention's papers, best matmuls.
// The accelerator is a column `system`, else what the file is named after (h200_sxm_gemm.csv), else given.
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/cost/operators.hpp"
#include "waferwatt/validation/skipped.hpp"

namespace waferwatt::validation {

/// The library whose GEMMs waferwatt-calibrate measures: on inputs that are in the GEMM's format already.
inline constexpr std::string_view kCublasLt = "cublaslt";

/// Rows of more experts are skipped: models have hundreds, and every expert's share is worked out.
inline constexpr std::int64_t kMostExperts = 65536;

/// One measured time.
struct Measurement {
  std::string accelerator;
  catalog::OperatorKind op = catalog::OperatorKind::gemm;
  std::string format;               ///< name of a kernel format
  std::vector<std::int64_t> shape;  ///< in the order of cost::shape_columns(op)
  double time_s = 0;
  bool is_sustained = false;        ///< repeated at the power limit
  std::optional<double> watts;
  std::string library;              ///< whose kernel it is; empty: that of the collection that calibrations are fitted to
  std::uint32_t file = 0, line = 0; ///< index of the file; line, or number of the point
};

struct Measurements {
  std::vector<std::string> files;
  bool is_of_calibrate = false;  ///< by waferwatt-calibrate, not published by others
  std::vector<std::string> doubts;  ///< gates of waferwatt-calibrate that failed, with the file
  std::vector<Measurement> rows;
  std::vector<Skipped> skipped;

  std::string id(const Measurement& row) const;
};

/// Adds the rows of a file.
/// \param accelerator id, for files that do not say it; a file of another accelerator is refused
/// \throws InputError for files that cannot be read, or whose columns are of no known operator
void read_measurements(const std::string& path, const catalog::Catalog& catalog, const std::optional<std::string>& accelerator,
                       Measurements& out);

/// The accelerator that a name such as "h200_sxm_gemm_trtllm.csv.gz" or "NVIDIA H200" speaks of.
std::optional<std::string> accelerator_of_name(const std::string& name, const catalog::Catalog& catalog);

/// Why a time cannot be right: above the peak rate, or above the peak bandwidth out of cache.
std::optional<std::string> implausible(const Measurement& row, const cost::Demand& demand, const catalog::Accelerator& accelerator);

}  // namespace waferwatt::validation
