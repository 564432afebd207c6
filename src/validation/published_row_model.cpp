// SPDX-License-Identifier: Apache-2.0
// The model of a row.
#include "published_row.hpp"

#include <cmath>

namespace waferwatt::validation {

catalog::LanguageModel gpt_model(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary) {
  catalog::LanguageModel m;
  m.id = m.name = "GPT";
  m.n_layers.value = layers, m.hidden_size.value = hidden, m.n_heads.value = heads;
  m.ffn_size.value = 4 * hidden, m.vocabulary.value = vocabulary;
  m.gated_ffn = false, m.tied_embeddings = true;
  return m;
}

namespace {

catalog::Fact<std::int64_t> fact(std::int64_t value) {
  catalog::Fact<std::int64_t> f;
  f.value = value;
  return f;
}

/// Whether the feed-forward part has two or three matrices, by the number of parameters.
void settle_gate(catalog::LanguageModel& m, double n_parameters) {
  const auto miss = [&](bool gated) {
    m.gated_ffn = gated;
    return std::abs(m.parameters() - n_parameters);
  };
  m.gated_ffn = miss(true) < miss(false);
}

}  // namespace

catalog::LanguageModel model_of(const Value& row) {
  const Value* given = member(row, "model");
  if (!given) throw Unusable("the model is not given");
  const Value& v = *given;
  const std::int64_t hidden = required(v, "the hidden size", "hidden");
  auto m = gpt_model(required(v, "the number of layers", "layers"), hidden, required(v, "the number of heads", "heads"),
                     required(v, "the vocabulary", "vocab"));
  m.name = text_of(v, "name");
  m.ffn_size.value = whole(v, "ffn", 4 * hidden);
  m.n_kv_heads = fact(whole(v, "kv_heads", m.n_heads.value));
  if (const auto size = number_of(v, "head_dim")) m.head_dim = fact(static_cast<std::int64_t>(*size));
  m.attention = m.n_kv_heads->value < m.n_heads.value ? catalog::Attention::gqa : catalog::Attention::mha;
  const Value* moe = member(v, "moe");
  // A gated part has three matrices, which makers size at less than 4 h to keep the number of parameters.
  m.gated_ffn = moe != nullptr || m.ffn_size.value != 4 * hidden || contains(lower(text_of(v, "activation")), "glu");
  m.tied_embeddings = member(v, "tied_embeddings") ? is_true(v, "tied_embeddings") : !m.gated_ffn;
  const double billions = number_of(v, "params_B").value_or(number_of(v, "params").value_or(0) / 1e9);
  if (!moe && text_of(v, "activation").empty() && billions > 0) settle_gate(m, billions * 1e9);
  if (const auto window = number_of(v, "sliding_window_alternate_layers"))
    m.sliding_window = fact(static_cast<std::int64_t>(*window));
  if (moe) {
    auto& e = m.moe.emplace();
    e.n_routed_experts = fact(required(*moe, "the number of experts", "experts"));
    e.experts_per_token = fact(required(*moe, "the number of experts per token", "top_k"));
    e.expert_ffn_size = fact(required(*moe, "the size of an expert", "moe_ffn"));
    e.n_shared_experts = fact(whole(*moe, "shared_experts", 0));
    e.n_dense_layers = fact(whole(*moe, "first_dense_layers", 0));
    if (const auto step = whole(*moe, "moe_every_n_layers", 1); step > 1) e.layer_step = fact(step);
    m.ffn_size.value = whole(*moe, "dense_ffn", m.ffn_size.value);
  }
  if (const Value* mla = member(v, "mla")) {
    auto& a = m.mla.emplace();
    m.attention = catalog::Attention::mla;
    if (const auto rank = number_of(*mla, "q_lora_rank")) a.q_lora_rank = fact(static_cast<std::int64_t>(*rank));
    a.kv_lora_rank = fact(required(*mla, "kv_lora_rank", "kv_lora_rank"));
    a.qk_rope_head_dim = fact(required(*mla, "qk_rope_head_dim", "qk_rope_head_dim"));
    a.qk_nope_head_dim = fact(required(*mla, "qk_nope_head_dim", "qk_nope_head_dim"));
    a.v_head_dim = fact(required(*mla, "v_head_dim", "v_head_dim"));
  }
  return m;
}

}  // namespace waferwatt::validation
