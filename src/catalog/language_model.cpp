// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/language_model.hpp"

#include <fmt/format.h>

namespace waferwatt::catalog {
namespace {

// Above any model in sight; catches a wrong power of ten.
constexpr std::int64_t kManyLayers = 1000, kManyHeads = 4096, kWide = 1000000, kManyExperts = 100000;

double as_double(const Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

}  // namespace

std::int64_t LanguageModel::kv_heads() const {
  if (attention == Attention::mqa) return 1;
  return n_kv_heads ? n_kv_heads->value : n_heads.value;
}

std::int64_t LanguageModel::head_size() const { return head_dim ? head_dim->value : hidden_size.value / n_heads.value; }

double LanguageModel::attention_parameters() const {
  const double h = as_double(hidden_size), n = as_double(n_heads);
  if (mla) {
    const double qk = as_double(mla->qk_nope_head_dim) + as_double(mla->qk_rope_head_dim);
    const double latent = as_double(mla->kv_lora_rank), value = as_double(mla->v_head_dim);
    const double query = mla->q_lora_rank ? as_double(*mla->q_lora_rank) * (h + n * qk + 1) : h * n * qk;
    const double key_value = h * (latent + as_double(mla->qk_rope_head_dim)) + latent * (n * (as_double(mla->qk_nope_head_dim) + value) + 1);
    return query + key_value + n * value * h;
  }
  const double size = static_cast<double>(head_size()), kv = static_cast<double>(kv_heads());
  return h * size * (2 * n + 2 * kv + (gated_attention ? n : 0));
}

double LanguageModel::linear_attention_parameters() const {
  const double keys = as_double(linear_attention->n_key_heads) * as_double(linear_attention->key_head_dim);
  const double n_values = as_double(linear_attention->n_value_heads), values = n_values * as_double(linear_attention->value_head_dim);
  return as_double(hidden_size) * (2 * keys + 3 * values + 2 * n_values);  // q, k, v, gate, output; decay and step of each head
}

std::int64_t LanguageModel::n_full_attention_layers() const {
  if (full_attention_step) return n_layers.value / full_attention_step->value;
  return sliding_window ? 0 : n_layers.value;
}

bool LanguageModel::is_expert_layer(std::int64_t layer) const {
  if (!moe || layer < moe->n_dense_layers.value) return false;
  const std::int64_t step = moe->layer_step ? moe->layer_step->value : 1;
  return (layer - moe->n_dense_layers.value) % step == step - 1;
}

std::int64_t LanguageModel::n_expert_layers() const {
  std::int64_t n = 0;
  for (std::int64_t layer = 0; layer < n_layers.value; ++layer) n += is_expert_layer(layer) ? 1 : 0;
  return n;
}

double LanguageModel::ffn_parameters(std::int64_t layer, bool active_only) const {
  const double matrices = gated_ffn ? 3 : 2, h = as_double(hidden_size);
  if (!is_expert_layer(layer)) return matrices * h * as_double(ffn_size);
  const double expert = matrices * h * as_double(moe->expert_ffn_size);
  const double used = active_only ? as_double(moe->experts_per_token) : as_double(moe->n_routed_experts);
  return expert * (used + as_double(moe->n_shared_experts)) + h * as_double(moe->n_routed_experts);
}

double LanguageModel::parameters(bool active_only) const {
  const double h = as_double(hidden_size), norms = 2 * h;
  // A token looks its input embedding up; only the output embedding does work.
  double sum = h + as_double(vocabulary) * h * (tied_embeddings || active_only ? 1 : 2);
  for (std::int64_t layer = 0; layer < n_layers.value; ++layer) sum += norms + ffn_parameters(layer, active_only);
  const double n_linear = linear_attention ? as_double(n_layers) - static_cast<double>(n_full_attention_layers()) : 0;
  if (n_linear > 0) sum += n_linear * linear_attention_parameters();
  return sum + (as_double(n_layers) - n_linear) * attention_parameters();
}

DataSize LanguageModel::kv_cache_per_token(NumberFormat format) const {
  const double numbers = mla ? as_double(mla->kv_lora_rank) + as_double(mla->qk_rope_head_dim)
                             : 2.0 * static_cast<double>(kv_heads()) * static_cast<double>(head_size());
  const double index = sparse_attention ? as_double(sparse_attention->index_head_dim) : 0;  // kept in 8 bits
  const double n_caches = linear_attention ? static_cast<double>(n_full_attention_layers()) : as_double(n_layers);
  return n_caches * (numbers * size_of(format) + index * byte);
}

const io::Record<MixtureOfExperts>& MixtureOfExperts::record() {
  using M = MixtureOfExperts;
  static const auto record =
      io::Record<M>("mixture_of_experts", "The feed-forward part of a mixture-of-experts model.")
          .required("n_routed_experts", &M::n_routed_experts, {.doc = "Routed experts in a layer.", .at_least = 1, .at_most = kManyExperts})
          .required("n_shared_experts", &M::n_shared_experts, {.doc = "Experts every token uses.", .at_least = 0, .at_most = kManyExperts})
          .required("experts_per_token", &M::experts_per_token, {.doc = "Routed experts a token uses.", .at_least = 1, .at_most = kManyExperts})
          .required("expert_ffn_size", &M::expert_ffn_size, {.doc = "Intermediate size of one expert.", .at_least = 1, .at_most = kWide})
          .required("n_dense_layers", &M::n_dense_layers, {.doc = "Layers at the start with a dense feed-forward part.", .at_least = 0, .at_most = kManyLayers})
          .optional("layer_step", &M::layer_step, {.doc = "Every k-th layer has experts; absent: all.", .at_least = 1, .at_most = kManyLayers})
          .optional("expert_biases", &M::expert_biases, {.doc = "Experts' matrices add biases."})
          .optional("clamped_gate", &M::clamped_gate, {.doc = "Both inputs of an expert's gate are clamped."})
          .check([](const M& m, const io::FieldComplaint& complain) {
            if (m.experts_per_token.value > m.n_routed_experts.value)
              complain("experts_per_token", fmt::format("a token cannot use {} of {} experts", m.experts_per_token.value, m.n_routed_experts.value));
          });
  return record;
}

const io::Record<LatentAttention>& LatentAttention::record() {
  using M = LatentAttention;
  static const auto record =
      io::Record<M>("latent_attention", "Sizes of multi-head latent attention.")
          .optional("q_lora_rank", &M::q_lora_rank, {.doc = "Rank of the query projection; absent: full.", .at_least = 1, .at_most = kWide})
          .required("kv_lora_rank", &M::kv_lora_rank, {.doc = "Size of the cached latent vector.", .at_least = 1, .at_most = kWide})
          .required("qk_nope_head_dim", &M::qk_nope_head_dim, {.doc = "Query and key size without position.", .at_least = 1, .at_most = kWide})
          .required("qk_rope_head_dim", &M::qk_rope_head_dim, {.doc = "Query and key size with rotary position, cached once.", .at_least = 1, .at_most = kWide})
          .required("v_head_dim", &M::v_head_dim, {.doc = "Value size of a head.", .at_least = 1, .at_most = kWide});
  return record;
}

const io::Record<LinearAttention>& LinearAttention::record() {
  using M = LinearAttention;
  static const auto record =
      io::Record<M>("linear_attention", "Sizes of attention layers with a state of constant size.")
          .required("n_key_heads", &M::n_key_heads, {.doc = "Heads of keys and queries.", .at_least = 1, .at_most = kManyHeads})
          .required("key_head_dim", &M::key_head_dim, {.doc = "Size of a key.", .at_least = 1, .at_most = kWide})
          .required("n_value_heads", &M::n_value_heads, {.doc = "Heads of values; each keeps a matrix.", .at_least = 1, .at_most = kManyHeads})
          .required("value_head_dim", &M::value_head_dim, {.doc = "Size of a value.", .at_least = 1, .at_most = kWide});
  return record;
}

const io::Record<SparseAttention>& SparseAttention::record() {
  using M = SparseAttention;
  static const auto record =
      io::Record<M>("sparse_attention", "An indexer that chooses what a query attends to.")
          .required("chosen_tokens", &M::chosen_tokens, {.doc = "Tokens that a query attends to at most.", .at_least = 1, .at_most = kWide})
          .required("n_index_heads", &M::n_index_heads, {.doc = "Heads of the indexer.", .at_least = 1, .at_most = kManyHeads})
          .required("index_head_dim", &M::index_head_dim, {.doc = "Size of the indexer's key, cached in 8 bits.", .at_least = 1, .at_most = kWide});
  return record;
}

const io::Record<LanguageModel>& LanguageModel::record() {
  using M = LanguageModel;
  static const auto record =
      io::Record<M>("language_model", "The shape of a decoder-only language model.")
          .required("id", &M::id, {.doc = "Id; the file's name."})
          .required("name", &M::name, {.doc = "Name as published."})
          .required("vendor", &M::vendor, {.doc = "Company id."})
          .optional("released", &M::released, {.doc = "Date of release."})
          .required("attention", &M::attention, {.doc = "Kind of attention."})
          .required("n_layers", &M::n_layers, {.doc = "Transformer layers.", .at_least = 1, .at_most = kManyLayers})
          .required("hidden_size", &M::hidden_size, {.doc = "Width of the residual stream.", .at_least = 1, .at_most = kWide})
          .required("n_heads", &M::n_heads, {.doc = "Query heads.", .at_least = 1, .at_most = kManyHeads})
          .optional("n_kv_heads", &M::n_kv_heads, {.doc = "Key and value heads; absent: as many as query heads.", .at_least = 1, .at_most = kManyHeads})
          .optional("head_dim", &M::head_dim, {.doc = "Size of a head; absent: hidden size over heads.", .at_least = 1, .at_most = kWide})
          .required("ffn_size", &M::ffn_size, {.doc = "Intermediate size of the dense feed-forward part.", .at_least = 1, .at_most = kWide * 10})
          .required("gated_ffn", &M::gated_ffn, {.doc = "Three matrices (SwiGLU and kin) or two."})
          .required("vocabulary", &M::vocabulary, {.doc = "Entries of the vocabulary.", .at_least = 1, .at_most = 10 * kWide})
          .required("tied_embeddings", &M::tied_embeddings, {.doc = "Input and output embeddings share their weights."})
          .optional("context_length", &M::context_length, {.doc = "Longest context in tokens.", .at_least = 1, .at_most = 100 * kWide})
          .optional("sliding_window", &M::sliding_window, {.doc = "Attention window in tokens.", .at_least = 1, .at_most = 100 * kWide})
          .optional("full_attention_step", &M::full_attention_step, {.doc = "Every k-th layer sees the whole context; the others the window, or are linear.", .at_least = 1, .at_most = kManyLayers})
          .optional("gated_attention", &M::gated_attention, {.doc = "Attention's output is multiplied by a gate as wide as the queries."})
          .optional("query_key_norm", &M::query_key_norm,
                    {.doc = "How queries and keys are normalised. Across heads, accelerators that share them add up their squares in every layer."})
          .optional("moe", &M::moe, {.doc = "Mixture of experts; absent: dense."})
          .optional("mla", &M::mla, {.doc = "Latent attention sizes, with attention \"mla\"."})
          .optional("linear_attention", &M::linear_attention, {.doc = "Sizes of the linear layers, with full_attention_step."})
          .optional("sparse_attention", &M::sparse_attention, {.doc = "Indexer, with attention \"mla\"."})
          .required("total_parameters", &M::total_parameters, {.doc = "Published number of parameters.", .above = 0.0, .at_most = 1e15})
          .optional("active_parameters", &M::active_parameters, {.doc = "Published parameters that one token uses.", .above = 0.0, .at_most = 1e15})
          .optional("training_tokens", &M::training_tokens, {.doc = "Tokens of pre-training.", .above = 0 * token, .at_most = 1e18 * token})
          .optional("training_compute", &M::training_compute, {.doc = "Published or estimated training compute.", .above = 0 * flop, .at_most = 1e32 * flop})
          .required("weight_format", &M::weight_format, {.doc = "Number format of the released weights."})
          .optional("notes", &M::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const M& m, const io::FieldComplaint& complain) {
            if ((m.attention == Attention::mla) != m.mla.has_value())
              complain(m.mla ? "mla" : "attention", "attention \"mla\" and the sizes under \"mla\" go together");
            if (m.linear_attention && !m.full_attention_step)
              complain("linear_attention", "give full_attention_step: which layers are not linear");
            if (m.kv_heads() > m.n_heads.value || m.n_heads.value % m.kv_heads() != 0)
              complain("n_kv_heads", fmt::format("{} query heads cannot share {} key-value heads evenly", m.n_heads.value, m.kv_heads()));
            if (!m.head_dim && !m.mla && m.hidden_size.value % m.n_heads.value != 0)
              complain("n_heads", fmt::format("hidden size {} is no multiple of {} heads; give head_dim", m.hidden_size.value, m.n_heads.value));
          });
  return record;
}

}  // namespace waferwatt::catalog
