// SPDX-License-Identifier: Apache-2.0
#pragma once
// Shapes of language models, and what follows from a shape: parameters, KV cache.
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::catalog {

enum class Attention { mha, gqa, mqa, mla };

/// A mixture-of-experts feed-forward part.
struct MixtureOfExperts {
  Fact<std::int64_t> n_routed_experts, n_shared_experts, experts_per_token, expert_ffn_size;
  Fact<std::int64_t> n_dense_layers;                ///< layers at the start with a dense part
  std::optional<Fact<std::int64_t>> layer_step;     ///< every k-th layer is an expert layer

  static const io::Record<MixtureOfExperts>& record();
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434).
struct LatentAttention {
  std::optional<Fact<std::int64_t>> q_lora_rank;
  Fact<std::int64_t> kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim;

  static const io::Record<LatentAttention>& record();
};

struct LanguageModel {
  std::string id, name, vendor;
  std::optional<Fact<Date>> released;
  Attention attention = Attention::mha;
  Fact<std::int64_t> n_layers, hidden_size, n_heads, ffn_size, vocabulary;
  std::optional<Fact<std::int64_t>> n_kv_heads, head_dim, context_length, sliding_window;
  bool gated_ffn = true;
  bool tied_embeddings = false;
  std::optional<MixtureOfExperts> moe;
  std::optional<LatentAttention> mla;
  Fact<double> total_parameters;
  std::optional<Fact<double>> active_parameters;
  std::optional<Fact<Tokens>> training_tokens;
  std::optional<Fact<FlopCount>> training_compute;
  NumberFormat weight_format = NumberFormat::bf16;
  std::vector<std::string> notes;

  /// Parameters of one layer's attention.
  double attention_parameters() const;
  /// Parameters of one layer's feed-forward part: all experts, or those one token uses.
  double ffn_parameters(std::int64_t layer, bool active_only) const;
  bool is_expert_layer(std::int64_t layer) const;
  std::int64_t n_expert_layers() const;

  /// Parameters computed from the shape; `active_only` counts the experts one token uses and
  /// leaves out the input embedding, which is looked up.
  double parameters(bool active_only = false) const;

  /// KV cache of one token over all layers (latent vectors for MLA).
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
}  // namespace waferwatt::io
