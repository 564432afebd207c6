// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operators.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace waferwatt::cost {
namespace {

/// Outputs and activations between operators are bf16 whatever the inputs are.
constexpr double kOutputBytes = 2;
/// Attention backward recomputes scores: five products where forward has two.
constexpr double kBackwardWork = 2.5;

/// Query heads that one kernel serves together; single heads and larger groups go one by one.
constexpr double kLargestGroup = 32, kSmallGroup = 16;
constexpr double kBlocksPerHead = 1.0 / 3;
/// A byte from the L2 against one from memory: H200 reads its L2 at 9.6 to 10.5 TB/s, these kernels at 6.4.
constexpr double kCacheCost = 0.65;
constexpr double kNominalStep = 1e-9;  // seconds
constexpr double kQueryTile = 128;     // queries that a block of prefill attention computes
constexpr double kIdleRow = 0.6;         // a row of a tile against a token's way through memory
constexpr double kNominalSplit = 30e-9;  // seconds for the square root of a step along k

/// Most dimensions are powers of two, whose logarithm is their exponent.
float log2_of(double value) {
  constexpr std::uint32_t kFractionBits = 23, kFraction = (1u << kFractionBits) - 1;
  constexpr int kBias = 127;
  const auto x = static_cast<float>(std::max(value, 1e-3));
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & kFraction) == 0 && x < INFINITY) return static_cast<float>(static_cast<int>(bits >> kFractionBits) - kBias);
  return std::log2(x);
}

template <class... X>
Coordinates coordinates(X... x) {
  Coordinates at;
  at.size = sizeof...(x);
  at.x = {static_cast<float>(x)...};
  return at;
}

/// Share of the last tile of a GEMM that has no rows: m and m + 1 differ where a tile begins. Tiles have 8, 32 or 128
/// rows, as few as fit.
float idle_rows(double m) {
  const auto rows = static_cast<float>(m), tile = rows <= 32 ? 8.0f : rows <= 256 ? 32.0f : 128.0f;
  const float tiles = rows / tile;
  return std::ceil(tiles) - tiles;
}

double pairs_per_head(const PrefillAttention& op) {
  const double s = op.new_tokens, c = op.context_tokens, w = op.window;
  if (!op.causal) return s * (w > 0 ? std::min(w, c + s) : c + s);
  if (w <= 0 || c + s <= w) return s * (c + (s + 1) / 2);
  const double inside = std::clamp(w - c, 0.0, s);  // queries that see all before them
  return inside * (c + (inside + 1) / 2) + (s - inside) * w;
}

DataSize prefill_traffic(const PrefillAttention& op, double passes) {
  const double bytes = size_of(op.format).in(byte);
  const double seen = op.window > 0 ? std::min(op.window, op.context_tokens) : op.context_tokens;
  const double queries_and_outputs = op.n_heads * op.new_tokens * (op.qk_dim * bytes + op.v_dim * kOutputBytes);
  const double keys_and_values = op.n_kv_heads * (op.new_tokens + seen) * (op.qk_dim + op.v_dim) * bytes;
  return passes * op.n_sequences * (queries_and_outputs + keys_and_values) * byte;
}

Coordinates prefill_coordinates(const PrefillAttention& op, double pairs) {
  const double s = op.new_tokens, all = s * (op.context_tokens + (s + 1) / 2);
  const bool narrows = size_of(op.kv_format.value_or(op.format)) < size_of(op.format);
  return coordinates(log2_of(s), 0.5f * log2_of(op.n_sequences), 0.7f * log2_of(op.n_heads), 0.5f * log2_of(op.n_heads / op.n_kv_heads),
                     1.4f * log2_of(op.qk_dim), log2_of(1 + op.context_tokens / s), 0.5f * log2_of(all / std::max(pairs, 1.0)),
                     op.window > 0 ? 0.7 : 0, narrows ? 3 : 0);
}

Recipe recipe_of(std::string_view format) {
  if (format == "fp8_block") return Recipe::block;
  if (format == "int8_wo") return Recipe::int8_weights;
  if (format == "int4_wo") return Recipe::int4_weights;
  if (format == "w4a16_mxfp4" || format == "w4a8_mxfp4") return Recipe::fp4_weights;
  if (format == "nvfp4_low_latency") return Recipe::low_latency;
  return Recipe::plain;
}

}  // namespace

Load Demand::load(FlopRate peak, Bandwidth bandwidth) const {
  return {(work / peak).in(second), ((traffic - apart + kCacheCost * reread) / bandwidth).in(second),
          (serial + (apart + padding) / bandwidth).in(second)};
}

std::size_t kernel_format(NumberFormat format, Recipe recipe) {
  switch (format) {
    case NumberFormat::bf16:
    case NumberFormat::fp16:
      return recipe == Recipe::int8_weights ? 6 : recipe == Recipe::int4_weights ? 7 : recipe == Recipe::fp4_weights ? 8 : 0;
    case NumberFormat::fp8:
      return recipe == Recipe::block ? 2 : recipe == Recipe::fp4_weights ? 9 : 1;
    case NumberFormat::int8:
      return 3;
    case NumberFormat::fp4:
      return recipe == Recipe::low_latency ? 5 : 4;
  }
  return 0;
}

std::optional<std::size_t> kernel_format(std::string_view name) {
  if (name == "fp16") name = "bf16";
  for (std::size_t i = 0; i < kKernelFormats.size(); ++i)
    if (kKernelFormats[i].name == name) return i;
  return std::nullopt;
}

namespace {

bool is_block_scaled(const KernelFormat& format) { return format.name == "fp8_block" || format.arithmetic == NumberFormat::fp4; }

/// Kernels split sums along k over multiprocessors; those with a scale for every block of numbers do not.
Time summing_time(double k, const KernelFormat& format) {
  return (is_block_scaled(format) ? kNominalStep * k : kNominalSplit * std::sqrt(k)) * second;
}

}  // namespace

Demand demand(const Gemm& op) {
  const std::size_t format = kernel_format(op.format, op.recipe);
  const auto& f = kKernelFormats[format];
  return {.kind = OperatorKind::gemm, .format = format, .work = 2 * op.m * op.n * op.k * flop,
          .traffic = (f.activation_bytes * op.m * op.k + f.weight_bytes * op.n * op.k + kOutputBytes * op.m * op.n) * byte,
          .serial = summing_time(op.k, f),
          .at = coordinates(1.5f * log2_of(op.m), 1.3f * log2_of(op.n), log2_of(op.k), 1.5f * idle_rows(op.m))};
}

Demand demand(const GroupedGemm& op) {
  const std::size_t format = kernel_format(op.format, op.recipe);
  const auto& f = kKernelFormats[format];
  const double all = op.rows * op.n_groups;
  double used = op.n_groups;  // groups with rows, in the mean
  if (op.routing.kind == Routing::Kind::random) {
    used = op.n_groups * -std::expm1(all * std::log1p(-1 / std::max(op.n_groups, 1 + 1e-9)));
  } else if (op.routing.kind != Routing::Kind::balanced) {
    used = 0;
    for (const double share : group_shares(op.routing, static_cast<std::size_t>(op.n_groups), all, all)) used += std::min(1.0, all * share);
  }
  return {.kind = OperatorKind::grouped_gemm, .format = format, .work = 2 * all * op.n * op.k * flop,
          .traffic = (f.activation_bytes * all * op.k + f.weight_bytes * used * op.n * op.k + kOutputBytes * all * op.n) * byte,
          .serial = summing_time(op.k, f),
          .at = coordinates(log2_of(op.rows), log2_of(op.n_groups), log2_of(op.n), log2_of(op.k),
                            op.routing.kind <= Routing::Kind::balanced ? 0 : 1 + op.routing.exponent)};
}

Demand demand(const PrefillAttention& op) {
  const double pairs = pairs_per_head(op);
  return {.kind = OperatorKind::attention_prefill, .format = kernel_format(op.format),
          .work = 2 * op.n_sequences * op.n_heads * (op.qk_dim + op.v_dim) * pairs * flop, .traffic = prefill_traffic(op, 1),
          .serial = kNominalStep * op.n_sequences * op.n_heads * std::ceil(op.new_tokens / kQueryTile) * second,
          .at = prefill_coordinates(op, pairs)};
}

Demand backward_demand(const PrefillAttention& op) {
  Demand d = demand(op);
  d.kind = OperatorKind::attention_backward;
  d.work *= kBackwardWork;
  d.serial *= kBackwardWork;
  d.traffic = prefill_traffic(op, 2);
  return d;
}

Demand demand(const DecodeAttention& op) {
  const double all = op.total_context_tokens / op.n_sequences, context = op.window > 0 ? std::min(all, op.window) : all;
  const double total = context * op.n_sequences, number = size_of(op.format).in(byte), dims = op.qk_dim + op.v_dim;
  const DataSize cache = total * op.kv_bytes_per_token;
  const double kv_heads = std::max(op.kv_bytes_per_token.in(byte) / (dims * number), 1e-3), group = op.n_heads / kv_heads;
  const bool head_by_head = group < 1.01 || group > kLargestGroup;
  const double blocks = op.n_sequences * (head_by_head ? kBlocksPerHead * op.n_heads : kv_heads);
  return {.kind = OperatorKind::attention_decode, .format = kernel_format(op.format), .work = 2 * op.n_heads * dims * total * flop,
          .traffic = cache + kOutputBytes * op.n_sequences * op.n_heads * dims * byte,
          .reread = head_by_head ? (group - 1) * cache : DataSize{}, .serial = kNominalStep * blocks * second,
          .at = coordinates(log2_of(context), log2_of(op.n_sequences * kv_heads), 0.5f * log2_of(group), log2_of(op.qk_dim),
                            head_by_head ? 4 : 0, !head_by_head && group > kSmallGroup ? 2 : 0, context < all ? 4 : 0)};
}

/// bf16 rows are copied to their expert, in the products' format; gate and up results are written, read and
/// multiplied; outputs are written, read and added up.
double activation_bytes(const Experts& op, const KernelFormat& f) {
  const double results = op.gated ? 2 : 1;
  const double rows = kOutputBytes + 2 * f.activation_bytes + 2 * kOutputBytes;
  const double inner = 2 * kOutputBytes * results + 2 * f.activation_bytes;
  return rows * op.hidden_size + inner * op.ffn_size;
}

/// Rows of the tiles that the experts in use fill or begin; with random routing half of the last tile has no token.
double rows_of_tiles(const Routing& routing, const ExpertLoad& load, double tile) {
  if (tile <= 0 || load.active <= 0) return 0;
  if (routing.kind == Routing::Kind::balanced) return load.active * std::ceil(load.pairs / load.active / tile - 1e-9) * tile;
  return std::max(load.active * tile, load.pairs + tile / 2 * load.active);
}

Demand demand(const Experts& op) {
  const double n_pairs = op.n_tokens * op.experts_per_token, matrices = op.gated ? 3 : 2;
  const ExpertLoad load = expert_load(op.routing, op.n_experts, op.expert_parallel, n_pairs, op.n_tokens, op.n_copies);
  const std::size_t format = kernel_format(op.format, op.recipe);
  const auto& f = kKernelFormats[format];
  const double row_bytes = activation_bytes(op, f);
  const DataSize activations = load.pairs * row_bytes * byte;
  return {.kind = OperatorKind::moe, .format = format, .work = 2 * matrices * load.pairs * op.hidden_size * op.ffn_size * flop,
          .traffic = matrices * load.active * op.hidden_size * op.ffn_size * f.weight_bytes * byte + activations, .apart = activations,
          .padding = kIdleRow * rows_of_tiles(op.routing, load, f.tile_rows) * row_bytes * byte,
          .at = coordinates(log2_of(op.n_tokens), log2_of(op.hidden_size), log2_of(op.ffn_size), log2_of(op.experts_per_token),
                            log2_of(op.n_experts), log2_of(op.expert_parallel),
                            op.routing.kind <= Routing::Kind::balanced ? 0 : 1 + 0.25f * log2_of(load.hottest), op.gated ? 0 : 4)};
}

Demand demand(const Stream& op) {
  return {.kind = OperatorKind::stream, .traffic = op.traffic, .at = coordinates(log2_of(op.traffic.in(byte)))};
}

Demand demand(const RowOperation& op) {
  return {.kind = OperatorKind::row, .traffic = op.rows * op.columns * op.number_bytes * (op.reads + op.writes) * byte,
          .at = coordinates(log2_of(op.rows), log2_of(op.columns), op.reads, op.writes)};
}

Demand demand(const Sampling& op) {
  return demand(RowOperation{.rows = op.rows, .columns = op.vocabulary, .reads = 3, .writes = 1, .number_bytes = 4});
}

Demand demand(const GatherRows& op) {
  return {.kind = OperatorKind::gather, .traffic = 2 * op.rows * op.row_size,
          .at = coordinates(log2_of(op.rows), log2_of(op.row_size.in(byte)))};
}

std::vector<Gemm> newton_schulz(double rows, double columns, int steps) {
  const double small = std::min(rows, columns), large = std::max(rows, columns);
  std::vector<Gemm> products;
  for (int i = 0; i < steps; ++i)
    for (const Gemm& product : {Gemm{small, small, large}, Gemm{small, small, small}, Gemm{small, large, small}}) products.push_back(product);
  return products;
}

double optimizer_bytes_per_parameter(Optimizer optimizer) {
  // bf16 gradient and fp32 master read (2 + 4), master and bf16 weight written (4 + 2); states read and written.
  constexpr double kWeights = 12;
  switch (optimizer) {
    case Optimizer::sgd:
      return kWeights;
    case Optimizer::sgd_momentum:
    case Optimizer::lion:
    case Optimizer::muon:
      return kWeights + 8;  // one fp32 state
    case Optimizer::adamw:
      return kWeights + 16;  // two
    case Optimizer::adamw_8bit:
      return kWeights + 4;
    case Optimizer::adafactor:
      return kWeights + 2;  // sums of squares by row and by column first: the gradient is read twice
  }
  return kWeights;
}

Demand demand(const OptimizerStep& op) {
  return {.kind = OperatorKind::optimizer, .traffic = op.n_parameters * optimizer_bytes_per_parameter(op.optimizer) * byte,
          .at = coordinates(log2_of(op.n_parameters), 2 * static_cast<double>(op.optimizer))};
}

Demand demand(const Quantise& op) {
  return {.kind = OperatorKind::quantise, .format = 1, .traffic = 3 * op.rows * op.columns * byte,
          .at = coordinates(log2_of(op.rows), log2_of(op.columns))};
}

std::span<const std::string_view> shape_columns(OperatorKind kind) {
  static constexpr std::string_view kGemm[] = {"m", "n", "k"}, kGrouped[] = {"groups", "rows", "n", "k", "zipf_e2"},
                                    kDecode[] = {"batch", "context", "heads", "kv_heads", "head_dim", "window"},
                                    kStream[] = {"bytes"}, kGather[] = {"rows", "row_bytes"},
                                    kOptimizer[] = {"parameters", "optimizer"}, kQuantise[] = {"rows", "columns"},
                                    kRow[] = {"rows", "columns", "reads", "writes", "number_bytes"};
  static constexpr std::string_view kPrefill[] = {"batch", "tokens", "context", "heads", "kv_heads", "head_dim", "v_dim", "causal", "window", "kv_bits"};
  static constexpr std::string_view kExperts[] = {"tokens", "hidden", "ffn", "top_k", "experts", "expert_parallel", "gated", "routing_e2"};
  switch (kind) {
    case OperatorKind::gemm:
      return kGemm;
    case OperatorKind::grouped_gemm:
      return kGrouped;
    case OperatorKind::attention_prefill:
    case OperatorKind::attention_backward:
      return kPrefill;
    case OperatorKind::attention_decode:
      return kDecode;
    case OperatorKind::moe:
      return kExperts;
    case OperatorKind::stream:
      return kStream;
    case OperatorKind::row:
      return kRow;
    case OperatorKind::gather:
      return kGather;
    case OperatorKind::optimizer:
      return kOptimizer;
    case OperatorKind::quantise:
      return kQuantise;
  }
  return {};
}

namespace {

PrefillAttention prefill_of(NumberFormat format, const auto& at) {
  return {.n_sequences = at("batch"), .new_tokens = at("tokens"), .context_tokens = at("context"), .n_heads = at("heads"),
          .n_kv_heads = at("kv_heads"), .qk_dim = at("head_dim"), .v_dim = at("v_dim"), .format = format,
          .causal = at("causal") != 0, .window = at("window"),
          .kv_format = at("kv_bits") < 16 ? NumberFormat::fp8 : NumberFormat::bf16};
}

Experts experts_of(NumberFormat format, Recipe recipe, const auto& at) {
  const double routing = at("routing_e2");  // 0: balanced, else 100 times the exponent of a power law
  Experts op{.n_tokens = at("tokens"), .experts_per_token = at("top_k"), .n_experts = at("experts"),
             .expert_parallel = at("expert_parallel"), .hidden_size = at("hidden"), .ffn_size = at("ffn"),
             .gated = at("gated") != 0, .format = format, .recipe = recipe};
  op.routing = {.kind = routing > 0 ? Routing::Kind::power_law : Routing::Kind::balanced, .exponent = routing / 100};
  return op;
}

}  // namespace

Demand demand_of_shape(OperatorKind kind, std::string_view format_name, std::span<const std::int64_t> shape) {
  const auto index = kernel_format(format_name);
  if (!index) throw InputError("unknown number format \"" + std::string{format_name} + "\" of a kernel");
  const NumberFormat format = kKernelFormats[*index].arithmetic;
  const Recipe recipe = recipe_of(format_name);
  const auto columns = shape_columns(kind);
  const auto at = [&](std::string_view name) {
    return static_cast<double>(shape[static_cast<std::size_t>(std::ranges::find(columns, name) - columns.begin())]);
  };
  switch (kind) {
    case OperatorKind::gemm:
      return demand(Gemm{at("m"), at("n"), at("k"), format, recipe});
    case OperatorKind::grouped_gemm:
      return demand(GroupedGemm{at("groups"), at("rows"), at("n"), at("k"), format, recipe,
                                {.kind = at("zipf_e2") > 0 ? Routing::Kind::zipf : Routing::Kind::balanced, .exponent = at("zipf_e2") / 100}});
    case OperatorKind::attention_prefill:
      return demand(prefill_of(format, at));
    case OperatorKind::attention_backward:
      return backward_demand(prefill_of(format, at));
    case OperatorKind::attention_decode:
      return demand(DecodeAttention{.n_sequences = at("batch"), .total_context_tokens = at("batch") * at("context"),
                                    .n_heads = at("heads"), .qk_dim = at("head_dim"), .v_dim = at("head_dim"),
                                    .kv_bytes_per_token = 2 * at("kv_heads") * at("head_dim") * size_of(format), .format = format,
                                    .window = at("window")});
    case OperatorKind::moe:
      return demand(experts_of(format, recipe, at));
    case OperatorKind::stream:
      return demand(Stream{at("bytes") * byte});
    case OperatorKind::row:
      return demand(RowOperation{at("rows"), at("columns"), at("reads"), at("writes"), at("number_bytes")});
    case OperatorKind::gather:
      return demand(GatherRows{at("rows"), at("row_bytes") * byte});
    case OperatorKind::optimizer:
      return demand(OptimizerStep{at("parameters"), static_cast<Optimizer>(at("optimizer"))});
    case OperatorKind::quantise:
      return demand(Quantise{at("rows"), at("columns")});
  }
  return {};
}

}  // namespace waferwatt::cost
