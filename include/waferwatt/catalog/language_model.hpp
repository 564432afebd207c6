// SPDX-License-Identifier: Apache-2.0
#pragma once
// Shapes of language models, and what follows from a shape: parameters, KV cache.
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::catalog {

enum class Attention { mha, gqa, mqa, mla };

/// How queries and keys are normalised before they meet: not at all, each head by itself, all heads together.
enum class QueryKeyNorm { none, per_head, across_heads };

/// A mixture-of-experts feed-forward part.
struct MixtureOfExperts {
  Fact<std::int64_t> n_routed_experts, n_shared_experts, experts_per_token, expert_ffn_size;
  Fact<std::int64_t> n_dense_layers;                ///< layers at the start with a dense part
  std::optional<Fact<std::int64_t>> layer_step;     ///< every k-th layer is an expert layer
  bool expert_biases = false;  ///< experts' matrices add biases
  bool clamped_gate = false;   ///< both inputs of an expert's gate are clamped

  static const io::Record<MixtureOfExperts>& record();
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434).
struct LatentAttention {
  std::optional<Fact<std::int64_t>> q_lora_rank;
  Fact<std::int64_t> kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim;

  static const io::Record<LatentAttention>& record();
};

/// Layers that keep a state of constant size instead of a cache (gated delta rule, arXiv 2412.06464).
struct LinearAttention {
  Fact<std::int64_t> n_key_heads, key_head_dim, n_value_heads, value_head_dim;

  static const io::Record<LinearAttention>& record();
};

/// An indexer chooses the cached tokens that a query attends to (DeepSeek-V3.2).
struct SparseAttention {
  Fact<std::int64_t> chosen_tokens, n_index_heads, index_head_dim;

  static const io::Record<SparseAttention>& record();
};

struct LanguageModel {
  std::string id, name, vendor;
  std::optional<Fact<Date>> released;
  Attention attention = Attention::mha;
  Fact<std::int64_t> n_layers, hidden_size, n_heads, ffn_size, vocabulary;
  std::optional<Fact<std::int64_t>> n_kv_heads, head_dim, context_length, sliding_window;
  std::optional<Fact<std::int64_t>> full_attention_step;  ///< every k-th layer sees the whole context
  bool gated_ffn = true;
  bool gated_attention = false;  ///< the output of attention is multiplied by a gate as wide as the queries
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  bool tied_embeddings = false;
  std::optional<MixtureOfExperts> moe;
  std::optional<LatentAttention> mla;
  std::optional<LinearAttention> linear_attention;  ///< of the layers that do not see the whole context
  std::optional<SparseAttention> sparse_attention;
  Fact<double> total_parameters;
  std::optional<Fact<double>> active_parameters;
  std::optional<Fact<Tokens>> training_tokens;
  std::optional<Fact<FlopCount>> training_compute;
  NumberFormat weight_format = NumberFormat::bf16;
  std::vector<std::string> notes;

  /// Parameters of one layer's attention, and of one linear layer's.
  double attention_parameters() const;
  double linear_attention_parameters() const;
  /// Layers that see the whole context.
  std::int64_t n_full_attention_layers() const;
  /// Parameters of one layer's feed-forward part: all experts, or those one token uses.
  double ffn_parameters(std::int64_t layer, bool active_only) const;
  bool is_expert_layer(std::int64_t layer) const;
  std::int64_t n_expert_layers() const;

  /// Parameters computed from the shape; `active_only` counts the experts one token uses and
  /// leaves out the input embedding, which is looked up.
  double parameters(bool active_only = false) const;

  /// KV cache of one token over all layers that keep one (latent vectors for MLA).
  DataSize kv_cache_per_token(NumberFormat format) const;

  std::int64_t kv_heads() const;
  std::int64_t head_size() const;

  static const io::Record<LanguageModel>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::Attention> {
  static constexpr std::array values{std::pair{catalog::Attention::mha, "mha"}, std::pair{catalog::Attention::gqa, "gqa"},
                                     std::pair{catalog::Attention::mqa, "mqa"}, std::pair{catalog::Attention::mla, "mla"}};
};
template <> struct EnumTexts<catalog::QueryKeyNorm> {
  static constexpr std::array values{std::pair{catalog::QueryKeyNorm::none, "none"}, std::pair{catalog::QueryKeyNorm::per_head, "per-head"},
                                     std::pair{catalog::QueryKeyNorm::across_heads, "across-heads"}};
};
}  // namespace waferwatt::io
