// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured times of serving: which deployment, which load, what was measured.
//
// A CSV with the columns (in any order; those marked * must be there)
//   id*, backend, backend_version, model_path*, system*, precision, gemm_quant_mode, moe_quant_mode, mode,
//   concurrency*, isl*, osl*, tp_size, pp_size, attention_dp_size, moe_tp_size, moe_ep_size,
//   prefill_..., decode_... (num_workers, tp_size, pp_size, attention_dp_size, moe_tp_size, moe_ep_size),
//   measured_ttft_ms, measured_tpot_ms, measured_tokens_per_s, measured_joule_per_token
// `concurrency` requests are kept in flight on the whole deployment; `isl` and `osl` are their tokens. Cells may be
// empty. A cell that is no number where one belongs is an error; a row that cannot be simulated is skipped.
#include <optional>

#include "waferwatt/serving/disaggregated_loop.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

struct ServingCase {
  std::string id, backend, system;
  const catalog::LanguageModel* model = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
  serving::ReplicaPlan plan;  ///< of a decode worker when prompts have workers of their own
  struct Disaggregation {
    serving::ReplicaPlan prefill_plan;
    std::int64_t n_prefill = 1, n_decode = 1;
  };
  std::optional<Disaggregation> disaggregation;
  serving::ClosedLoopLoad load;
  bool is_known_backend = false;
  std::optional<double> ttft_s, tpot_s, tokens_per_s, joule_per_token;  ///< measured
  std::string configuration;  ///< all but the concurrency and the lengths: cases of one share tables, and halves
};

struct ServingCases {
  std::vector<ServingCase> cases;
  std::vector<SkippedCase> skipped;
};

/// \throws InputError with every row that cannot be read, by line
ServingCases read_serving_cases(const std::string& file, const catalog::Catalog& catalog);

/// A few dozen measurements that ship with the project, of every backend and accelerator that was measured.
ServingCases shipped_serving_cases(const catalog::Catalog& catalog);

}  // namespace waferwatt::validation
