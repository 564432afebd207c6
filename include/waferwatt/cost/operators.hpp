// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operators, the work they do, the bytes they move, and where they stand among measured points.
//
// Work and bytes, with w, a and o the bytes of a weight, an activation and an output number:
//   GEMM       F = 2 m n k                               B = a m k + w n k + o m n
//   prefill    F = 2 b h (d_qk + d_v) pairs              B = Q, K, V and O once
//              pairs = s (c + (s+1)/2) causal, s (c + s) not; fewer with a window
//   backward   F = 2.5 times prefill's                   B = Q, K, V, O, dO read, dQ, dK, dV written
//   decode     F = 2 h (d_qk + d_v) sum(L)               B = KV cache + Q and O
//   experts    F = 6 R H I (4 if not gated)              B = 3 w A H I + rows in and out
//              R (token, expert) pairs and A experts in use on the accelerator with the most pairs
//   streams    F = 0                                     B = bytes read and written
//
// Serial time S, in which neither arithmetic nor weights or cache keep the accelerator busy:
//   GEMM       30 ns sqrt(k): sums along k are split over multiprocessors and then added up one after the other;
//              the split that is best makes both parts grow with the square root. 1 ns for each step where blocks of
//              numbers have scales: those kernels do not split
//   prefill    1 ns for each block of 128 queries of a head: blocks start one after the other
//   decode     1 ns for each block, (sequence, key-value head). Groups of more than 32 query heads, and
//              single ones, are served head by head: a third of a block each, and the cache is read again
//              for every head, from the L2
//   experts    the time of the activations' way through memory: kernels of their own before, between and
//              after the products. In formats whose instructions have tiles of 128 rows, 0.6 of it again for
//              the rows of all tiles
#include <array>
#include <span>
#include <variant>
#include <vector>

#include "waferwatt/catalog/calibration.hpp"
#include "waferwatt/cost/formula.hpp"

namespace waferwatt::cost {

using catalog::NumberFormat;
using catalog::OperatorKind;

/// How numbers narrower than the activations are scaled and stored.
enum class Recipe {
  plain,          ///< one scale per tensor; weights and activations in the operator's format
  block,          ///< a scale for every 128 numbers
  int8_weights,   ///< weights in int8, arithmetic in the operator's format
  int4_weights,   ///< weights in int4
  fp4_weights,    ///< weights in MXFP4
  low_latency,    ///< the kernels that libraries keep for few tokens
};

/// A number format as kernels implement it: the unit of calibration.
struct KernelFormat {
  std::string_view name;  ///< as in calibration files; fp16 is taken for bf16
  NumberFormat arithmetic;
  double weight_bytes, activation_bytes;
  double tile_rows = 0;  ///< rows that one instruction multiplies whether experts have them or not; 0: kernels fit them
};

inline constexpr std::array kKernelFormats{
    KernelFormat{"bf16", NumberFormat::bf16, 2, 2},
    KernelFormat{"fp8", NumberFormat::fp8, 1, 1},
    KernelFormat{"fp8_block", NumberFormat::fp8, 1, 1},
    KernelFormat{"int8", NumberFormat::int8, 1, 1},
    KernelFormat{"nvfp4", NumberFormat::fp4, 0.5, 0.5, 128},
    KernelFormat{"nvfp4_low_latency", NumberFormat::fp4, 0.5, 0.5},
    KernelFormat{"int8_wo", NumberFormat::bf16, 1, 2},
    KernelFormat{"int4_wo", NumberFormat::bf16, 0.5, 2},
    KernelFormat{"w4a16_mxfp4", NumberFormat::bf16, 0.5, 2},
    KernelFormat{"w4a8_mxfp4", NumberFormat::fp8, 0.5, 1},
};

/// Index into kKernelFormats.
std::size_t kernel_format(NumberFormat format, Recipe recipe = Recipe::plain);
/// Nothing for a name that is not in the table.
std::optional<std::size_t> kernel_format(std::string_view name);

/// How tokens choose experts.
struct Routing {
  enum class Kind {
    random,     ///< every token picks any expert with the same chance
    balanced,   ///< every expert gets the same number of tokens
    zipf,       ///< the i-th expert is picked in proportion to i^-exponent
    power_law,  ///< tokens per expert are drawn from the density x^-exponent between 1 and 0.8 T
    measured    ///< `shares` of the experts
  };
  Kind kind = Kind::random;
  double exponent = 0;
  std::vector<double> shares;  ///< of a measured histogram; need not add up to 1
};

/// Shares of `n` groups, adding up to 1, the largest first. \throws InputError as expert_load()
std::vector<double> group_shares(const Routing& routing, std::size_t n, double n_pairs, double n_tokens);

/// What the busiest of `expert_parallel` accelerators gets.
struct ExpertLoad {
  double pairs = 0;    ///< (token, expert) pairs
  double active = 0;   ///< experts that get a token
  double hottest = 1;  ///< pairs of the hottest expert over the mean
};
/// \param n_copies further copies of experts. With some, a load balancer places all: each copy goes to the expert with
///        the most pairs for each of its copies, then the heaviest is placed first, on the accelerator with the fewest
///        pairs that has room (as DeepSeek's EPLB). Without, experts stand in their order.
/// \throws InputError when a histogram has another number of experts, or no positive share
ExpertLoad expert_load(const Routing& routing, double n_experts, double expert_parallel, double n_pairs, double n_tokens, double n_copies = 0);

/// C[m,n] = A[m,k] B[k,n].
struct Gemm {
  double m = 0, n = 0, k = 0;
  NumberFormat format = NumberFormat::bf16;
  Recipe recipe = Recipe::plain;
};

/// One GEMM for each of `n_groups` weight matrices, of `rows` rows in the mean; with skewed routing some have
/// more and some none.
struct GroupedGemm {
  double n_groups = 1, rows = 0, n = 0, k = 0;
  NumberFormat format = NumberFormat::bf16;
  Recipe recipe = Recipe::plain;
  Routing routing = {.kind = Routing::Kind::balanced};
};

/// New tokens attend to themselves (causally) and to `context_tokens` already in the cache.
struct PrefillAttention {
  double n_sequences = 1, new_tokens = 0, context_tokens = 0;
  double n_heads = 0, n_kv_heads = 0, qk_dim = 0, v_dim = 0;
  NumberFormat format = NumberFormat::bf16;
  bool causal = true;
  double window = 0;  ///< tokens a query sees at most; 0: all
  std::optional<NumberFormat> kv_format = {};  ///< of the cache that keys and values go to; absent: `format`
};

/// One new token per sequence attends to its cache. Paged and contiguous caches cost the same within the
/// error of the fits, which are of paged caches.
struct DecodeAttention {
  double n_sequences = 1, total_context_tokens = 0;  ///< context summed over the sequences
  double n_heads = 0, qk_dim = 0, v_dim = 0;
  DataSize kv_bytes_per_token;  ///< of one layer on this accelerator
  NumberFormat format = NumberFormat::bf16;
  double window = 0;  ///< tokens of each sequence that are read at most; 0: all
};

/// The feed-forward part of a layer with experts on the accelerator that gets the most tokens.
struct Experts {
  double n_tokens = 0;  ///< tokens that enter the layer (of the whole expert-parallel group)
  double experts_per_token = 0, n_experts = 0;
  double expert_parallel = 1;            ///< accelerators the experts are spread over
  double n_copies = 0;                   ///< of loaded experts beside the experts themselves, placed by a load balancer
  double hidden_size = 0, ffn_size = 0;  ///< ffn_size: of this accelerator's slice of an expert
  bool gated = true;
  NumberFormat format = NumberFormat::bf16;
  Recipe recipe = Recipe::plain;
  Routing routing = {};
};

/// Bytes read and written in order: residual additions, activations, casts.
struct Stream {
  DataSize traffic;
};
/// A reduction along each row: norms, softmax, argmax, sampling over a vocabulary.
struct RowOperation {
  double rows = 0, columns = 0;
  double reads = 1, writes = 1;  ///< passes over the rows
  double number_bytes = 2;
};
/// Picking a token for each row of logits in fp32: temperature and softmax, then top-k or top-p over the
/// probabilities: two passes that read and one that writes, and one that reads for the pick.
struct Sampling {
  double rows = 0, vocabulary = 0;
};
/// Rows picked or placed by index: embeddings, expert permutation, writes to the KV cache.
struct GatherRows {
  double rows = 0;
  DataSize row_size;
};
enum class Optimizer { sgd, sgd_momentum, adamw, adamw_8bit, lion, muon, adafactor };
/// One step on parameters kept as bf16 with fp32 master copies. Muon's matrix products: newton_schulz().
struct OptimizerStep {
  double n_parameters = 0;
  Optimizer optimizer = Optimizer::adamw;
};
/// bf16 to 8 bits with the scale found on the way.
struct Quantise {
  double rows = 0, columns = 0;
};

/// Muon's products that make the momentum of a weight matrix nearly orthogonal: in each of `steps` iterations
/// A = X X^T, A A, and (b A + c A A) X on the smaller side.
std::vector<Gemm> newton_schulz(double rows, double columns, int steps = 5);

/// Bytes that an optimizer reads and writes per parameter: gradient and weight in bf16, master and states.
double optimizer_bytes_per_parameter(Optimizer optimizer);

/// Logarithms (base 2) of an operator's dimensions: the space in which residuals are interpolated. The
/// first is the dimension that changes from call to call; the others name the site (n and k of a GEMM,
/// heads of an attention).
inline constexpr std::size_t kMaxCoordinates = 9;
struct Coordinates {
  std::array<float, kMaxCoordinates> x{};
  std::size_t size = 0;
};

/// What the formula and the residuals need to know of an operator.
struct Demand {
  OperatorKind kind = OperatorKind::gemm;
  std::size_t format = 0;  ///< index into kKernelFormats
  FlopCount work;
  DataSize traffic;           ///< all bytes moved to and from memory
  DataSize reread = {};       ///< bytes served by the L2, beside `traffic`
  DataSize apart = {};        ///< part of `traffic` that moves in kernels of its own
  DataSize padding = {};      ///< moved beside `traffic`, not to memory: rows of the tiles of experts
  Time serial = {};           ///< nominal serial time
  Coordinates at;

  /// In seconds on an accelerator with this peak rate and bandwidth.
  Load load(FlopRate peak, Bandwidth bandwidth) const;
};
Demand demand(const Gemm&);
Demand demand(const GroupedGemm&);
Demand demand(const PrefillAttention&);
Demand backward_demand(const PrefillAttention&);
Demand demand(const DecodeAttention&);
Demand demand(const Experts&);
Demand demand(const Stream&);
Demand demand(const RowOperation&);
Demand demand(const Sampling&);
Demand demand(const GatherRows&);
Demand demand(const OptimizerStep&);
Demand demand(const Quantise&);

/// The dimensions of an operator as calibrations store them: `m`, `n`, `k`, ...
std::span<const std::string_view> shape_columns(OperatorKind kind);

/// An operator by its dimensions, in the order of shape_columns. \throws InputError for an unknown format
Demand demand_of_shape(OperatorKind kind, std::string_view format, std::span<const std::int64_t> shape);

}  // namespace waferwatt::cost
