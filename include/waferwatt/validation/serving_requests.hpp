// SPDX-License-Identifier: Apache-2.0
#pragma once
// Real runs request by request: a folder with meta.json (model, engine settings, cache, accelerator) and
// requests.jsonl[.gz], one object a line with input_toks, output_toks, arrival_time (s), queued_ts, first_token_ts,
// last_token_ts (s, of one clock); optional config.json with link_bw (GB/s) and link_latency (ns) between accelerators.
// Every request is sent when it came; medians over the requests are compared.
#include "waferwatt/validation/serving_report.hpp"

namespace waferwatt::validation {

struct MeasuredRequest {
  double arrival_s = 0, ttft_s = 0, tpot_s = 0;  ///< arrival from the first request's
  std::int64_t input_tokens = 0, output_tokens = 0;
};

struct RequestRun {
  ServingCase deployment;  ///< its measured times are the medians over requests
  serving::EngineSettings engine;
  std::optional<std::int64_t> n_kv_blocks;  ///< as the engine reported it, of one data-parallel group
  std::vector<MeasuredRequest> requests;
};

/// \throws InputError when a file is missing, or lacks members
RequestRun read_request_run(const std::string& folder, const catalog::Catalog& catalog);

/// Replays the run. Data-parallel groups take requests in turn.
/// \returns medians over requests
ServingPrediction replay(const RequestRun& run, const catalog::Catalog& catalog);

/// One case: the medians.
ServingReport validate_request_run(const RequestRun& run, const catalog::Catalog& catalog);

}  // namespace waferwatt::validation
