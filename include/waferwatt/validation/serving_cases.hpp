// SPDX-License-Identifier: Apache-2.0
#pragma once
// Measured times of serving: which deployment, which load, what was measured.
//
// A CSV with the columns (in any order; those marked * must be there)
//   id*, backend, backend_version, model_path*, system*, precision, gemm_quant_mode, moe_quant_mode, mode,
//   concurrency*, isl*, osl*, batch_size, tp_size, pp_size, attention_dp_size, moe_tp_size, moe_ep_size,
//   prefill_..., decode_... (num_workers, tp_size, pp_size, attention_dp_size, moe_tp_size, moe_ep_size),
//   measured_ttft_ms, measured_tpot_ms, measured_tokens_per_s, measured_joule_per_token
// `concurrency` requests are kept in flight on the whole deployment; `isl` and `osl` are their tokens. Cells may be
// empty. A cell that is no number where one belongs is an error; a row that cannot be simulated is skipped.
//
// Two other forms are read as well:
//   JSON, a list of objects with id, source, model, hardware, plan, measured, replayable: published results. Rows that
//   are "full" are simulated, and "partial" ones with what they lack assumed, and the assumption said; others are skipped.
//   CSV with the columns model, hardware, prompt_size, batch_size, token_size, prompt_time, token_time, e2e_time (ms),
//   tensor_parallel, average_power (of the accelerators' TDP; 0: not measured): static batches, repeats averaged.
#include <memory>
#include <optional>

#include "waferwatt/serving/closed_loop.hpp"
#include "waferwatt/serving/lengths.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

/// How the requests came; `load.concurrency` of them.
enum class Protocol {
  closed_loop,  ///< kept in flight
  offline,      ///< all at once: as many are served together as fit
  batch,        ///< begun and ended together
  open_loop     ///< arrived by a Poisson process
};

/// What a rate of tokens counts.
enum class Counted { output_tokens, input_tokens, decode_steps };

struct ServingCase {
  std::string id, backend, system, source;
  std::string backend_version, measured_on;  ///< the engine's release; year-month-day
  std::string assumption;  ///< what was assumed where the source says nothing
  const catalog::LanguageModel* model = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
  std::shared_ptr<const catalog::LanguageModel> own_model;     ///< where the source gives a shape
  std::shared_ptr<const catalog::Accelerator> own_accelerator;  ///< where it gives figures of its own
  std::optional<network::TwoLevelNetwork> network;             ///< absent: the catalog's
  serving::ReplicaPlan plan;  ///< of a decode worker when prompts have workers of their own
  struct Disaggregation {
    serving::ReplicaPlan prefill_plan;
    std::int64_t n_prefill = 1, n_decode = 1;
  };
  std::optional<Disaggregation> disaggregation;
  Protocol protocol = Protocol::closed_loop;
  serving::ClosedLoopLoad load;
  double rate_per_s = 0;        ///< open loop: of arrivals at one replica
  std::optional<serving::RequestLengths> lengths;  ///< open loop: instead of the load's
  std::int64_t n_replicas = 1;  ///< that share the load evenly
  std::optional<std::int64_t> max_sequences, max_batched_tokens;  ///< as the engine was told
  std::optional<double> memory_utilisation;
  bool mixes_prompts = false;         ///< prompts share iterations with answers, whatever the engine's habit
  std::int64_t stream_interval = 1;   ///< tokens that are sent together, the first ones too
  std::int64_t draft_tokens = 0;      ///< of speculative decoding by heads of the model's own
  bool finds_prefixes = false;        ///< prompts that come again are found in a prefix cache
  bool launches_kernels = false;      ///< one by one: without graphs
  std::optional<Power> power_cap;
  bool is_known_backend = false;
  Counted counted = Counted::output_tokens;
  std::optional<double> ttft_s, tpot_s, tokens_per_s, joule_per_token;  ///< measured; rates: of the whole deployment
  std::string configuration;  ///< all but the concurrency and the lengths: cases of one share tables, and halves
};

struct ServingCases {
  std::vector<ServingCase> cases;
  std::vector<Skipped> skipped;

  void add(ServingCases other);
};

/// By the form that the file has. \throws InputError with every row that cannot be read, by line
ServingCases read_serving_cases(const std::string& file, const catalog::Catalog& catalog);

/// A few dozen measurements that ship with the project, of every backend and accelerator that was measured.
ServingCases shipped_serving_cases(const catalog::Catalog& catalog);

}  // namespace waferwatt::validation
