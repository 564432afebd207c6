// SPDX-License-Identifier: Apache-2.0
#pragma once
// Time and power of one operator on one accelerator.
//
// (1)  t = t0 + ((F / (P ec))^p + (B / (W em))^p)^(1/p)
//
// F work, B bytes moved, P and W peak rate and bandwidth of the accelerator; t0 launch time,
// ec and em efficiencies, p sharpness, from the accelerator's calibration. An accelerator without one
// uses the median of the calibrated accelerators (transferred).
//
// The work and bytes of an operator, with w and o the bytes of an input and an output number:
//   GEMM     F = 2 m n k                              B = w (m k + n k) + o m n
//   prefill  F = 2 b h (d_qk + d_v) s (c + (s+1)/2)   B = Q, K, V and O once
//   decode   F = 2 h (d_qk + d_v) sum(L)              B = KV cache + Q and O
//   experts  F = 6 (T k / ep) H I (4 if not gated)    B = 3 w A H I + rows in and out,
//            A = E/ep (1 - (1 - 1/E)^(T k)) experts that get a token, at most T k / ep
//
// Times are of short bursts: under sustained load GEMMs of an accelerator at its power limit take 9 to
// 15 % longer. The decode fits of H100 and H200 are too slow by about a third for caches above 1 GB.
#include "waferwatt/catalog/catalog.hpp"

namespace waferwatt::cost {

using catalog::NumberFormat;

/// What an operator waits for most.
enum class Bound { launch, memory, compute };

/// Where an estimate comes from, best first.
enum class Provenance { fitted, transferred };

struct Estimate {
  Time time;
  FlopCount work;
  DataSize traffic;  ///< bytes moved to and from memory
  Bound bound = Bound::launch;
  Provenance provenance = Provenance::transferred;
  double error = 0;  ///< median relative error expected of `time`
};

/// C[m,n] = A[m,k] B[k,n].
struct Gemm {
  double m = 0, n = 0, k = 0;
  NumberFormat format = NumberFormat::bf16;
};

/// New tokens attend to themselves (causally) and to `context_tokens` already in the cache.
struct PrefillAttention {
  double n_sequences = 1, new_tokens = 0, context_tokens = 0;
  double n_heads = 0, n_kv_heads = 0, qk_dim = 0, v_dim = 0;
  NumberFormat format = NumberFormat::bf16;
};

/// One new token per sequence attends to its cache.
struct DecodeAttention {
  double n_sequences = 1, total_context_tokens = 0;  ///< context summed over the sequences
  double n_heads = 0, qk_dim = 0, v_dim = 0;
  DataSize kv_bytes_per_token;  ///< of one layer on this accelerator
  NumberFormat format = NumberFormat::bf16;
};

/// The feed-forward part of a layer with experts on one accelerator. Routing is balanced.
struct Experts {
  double n_tokens = 0;  ///< tokens that enter the layer (of the whole expert-parallel group)
  double experts_per_token = 0, n_experts = 0;
  double expert_parallel = 1;            ///< accelerators the experts are spread over
  double hidden_size = 0, ffn_size = 0;  ///< ffn_size: of this accelerator's slice of an expert
  bool gated = true;
  NumberFormat format = NumberFormat::bf16;
};

class OperatorModel {
 public:
  /// Fits of the accelerator's calibration; for an operator or format it lacks, its nearest format, else
  /// the median over calibrated accelerators with HBM (transferred, with a wider error).
  OperatorModel(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog);

  /// \throws InputError (all of them) when the accelerator does not compute in the operator's format;
  ///         decoding falls back to bf16 arithmetic
  Estimate estimate(const Gemm&) const;
  Estimate estimate(const PrefillAttention&) const;
  Estimate estimate(const DecodeAttention&) const;
  Estimate estimate(const Experts&) const;
  /// Reading and writing `traffic` bytes with little work: norms, copies, optimizer steps.
  Estimate stream(DataSize traffic) const;

  /// True if the accelerator computes in the format.
  bool supports(NumberFormat format) const { return accelerator_.peak(format).has_value(); }

  /// Mean power while an operator runs: idle power and shares for work and traffic, at most TDP.
  Power power(const Estimate& estimate) const;
  Power idle_power() const;

  const catalog::Accelerator& accelerator() const { return accelerator_; }

 private:
  struct Fit {
    Time launch_time;
    double compute_efficiency = 1, memory_efficiency = 1, exponent = 1, error = 0;
    Provenance provenance = Provenance::transferred;
  };
  const Fit& fit(catalog::OperatorKind op, NumberFormat format) const;
  FlopRate peak(NumberFormat format) const;
  Estimate evaluate(const Fit&, FlopCount work, DataSize traffic, FlopRate peak) const;

  catalog::Accelerator accelerator_;
  std::map<std::pair<catalog::OperatorKind, NumberFormat>, Fit> fits_;
};

}  // namespace waferwatt::cost
