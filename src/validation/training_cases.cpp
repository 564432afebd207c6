// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/training_cases.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace waferwatt::validation {
namespace {

using io::Value;
using training::Recompute;
using training::Schedule;

/// A row that cannot be simulated, and why.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const Value* member(const Value& object, std::string_view key) {
  const Value* found = object.find(key);
  return found && !found->is_null() ? found : nullptr;
}

std::string text_of(const Value& object, std::string_view key) {
  const Value* found = member(object, key);
  const auto* text = found ? found->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

std::optional<double> number_of(const Value& object, std::string_view key) {
  const Value* found = member(object, key);
  if (!found || !found->is_number()) return std::nullopt;
  return found->number();
}

std::int64_t whole(const Value& object, std::string_view key, std::int64_t otherwise) {
  const auto number = number_of(object, key);
  return number ? static_cast<std::int64_t>(*number) : otherwise;
}

std::int64_t required(const Value& object, std::string_view what, std::string_view key) {
  const auto number = number_of(object, key);
  if (!number) throw Unusable(fmt::format("{} is not given", what));
  return static_cast<std::int64_t>(*number);
}

bool is_true(const Value& object, std::string_view key) {
  const Value* found = member(object, key);
  if (!found) return false;
  if (const bool* flag = found->get_if<bool>()) return *flag;
  const auto* text = found->get_if<std::string>();
  return text && contains(lower(*text), "true");
}

/// A GPT of the Megatron family: two matrices of 4 h, tied embeddings.
catalog::LanguageModel gpt_model(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary) {
  catalog::LanguageModel m;
  m.id = m.name = "GPT";
  m.n_layers.value = layers, m.hidden_size.value = hidden, m.n_heads.value = heads;
  m.ffn_size.value = 4 * hidden, m.vocabulary.value = vocabulary;
  m.gated_ffn = false, m.tied_embeddings = true;
  return m;
}

catalog::Fact<std::int64_t> fact(std::int64_t value) {
  catalog::Fact<std::int64_t> f;
  f.value = value;
  return f;
}

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
  m.gated_ffn = moe != nullptr || m.ffn_size.value != 4 * hidden || contains(text_of(v, "activation"), "GLU");
  m.tied_embeddings = member(v, "tied_embeddings") ? is_true(v, "tied_embeddings") : !m.gated_ffn;
  if (const auto window = number_of(v, "sliding_window_alternate_layers"))
    m.sliding_window = fact(static_cast<std::int64_t>(*window));
  if (moe) {
    auto& e = m.moe.emplace();
    e.n_routed_experts = fact(required(*moe, "the number of experts", "experts"));
    e.experts_per_token = fact(required(*moe, "the number of experts per token", "top_k"));
    e.expert_ffn_size = fact(required(*moe, "the size of an expert", "moe_ffn"));
    e.n_shared_experts = fact(whole(*moe, "shared_experts", 0));
    e.n_dense_layers = fact(whole(*moe, "first_dense_layers", 0));
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

/// The catalog's accelerator that a name such as "A100-SXM4-40GB" means, with the memory that the row gives.
catalog::Accelerator accelerator_of(const Value& hardware, const catalog::Catalog& catalog) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"gb300", "nvidia-gb300"},        {"gb200", "nvidia-gb200"},     {"b300", "nvidia-b300"},
      {"b200", "nvidia-b200"},          {"h200", "nvidia-h200-sxm"},   {"h100", "nvidia-h100-sxm"},
      {"h800", "nvidia-h800-sxm"},      {"h20", "nvidia-h20"},         {"a100", "nvidia-a100-sxm-80gb"},
      {"a800", "nvidia-a800-sxm"},      {"l40s", "nvidia-l40s"},       {"mi300x", "amd-mi300x"},
      {"mi325x", "amd-mi325x"},         {"mi355x", "amd-mi355x"},      {"v5p", "google-tpu-v5p"},
      {"v5e", "google-tpu-v5e"},        {"v6e", "google-tpu-v6e"},     {"tpu v4", "google-tpu-v4"},
      {"tpuv4", "google-tpu-v4"},       {"gaudi 3", "intel-gaudi-3"}};
  const std::string gpu = lower(text_of(hardware, "gpu"));
  for (const auto& [name, id] : kNames) {
    if (!contains(gpu, name)) continue;
    const auto* known = catalog.accelerators.find(id);
    if (!known) break;
    auto a = *known;
    if (const auto size = number_of(hardware, "hbm_GB")) a.memory_capacity.value = *size * giga * byte;
    if (const auto rate = number_of(hardware, "hbm_TBps")) a.memory_bandwidth.value = *rate * tera * byte / second;
    return a;
  }
  throw Unusable("the catalog has no accelerator \"" + text_of(hardware, "gpu") + "\"");
}

/// Bandwidth of one accelerator into a network such as "8x HDR 200Gb/s IB per node", "1600 Gb/s RoCE per
/// node", "DGX reference fabric: 8x400Gb/s NDR".
std::optional<Bandwidth> nic_bandwidth(std::string network, double node_size) {
  // "Storage: 2x ..., Compute: 8x ..."
  if (const auto compute = network.find("ompute"); compute != std::string::npos) network.erase(0, compute);
  const std::size_t unit = std::min(network.find("Gb/s"), network.find(" Gb/s"));
  if (contains(network, "HDR200")) return 25 * giga * byte / second;
  if (unit == std::string::npos) return std::nullopt;
  std::size_t start = unit;
  while (start > 0 && std::isdigit(static_cast<unsigned char>(network[start - 1]))) --start;
  if (start == unit) return std::nullopt;
  const double rate = std::stod(network.substr(start, unit - start)) / 8;  // GB/s
  const bool whole_node = contains(network, "per node") && !contains(network, "x");
  if (whole_node || rate >= 1600 / 8) return rate / node_size * giga * byte / second;
  // The number of adapters stands before an "x".
  const std::size_t x = network.rfind('x', start);
  std::size_t first = x;
  while (first != std::string::npos && first > 0 && std::isdigit(static_cast<unsigned char>(network[first - 1]))) --first;
  if (x == std::string::npos || first == x || x < first) return rate * giga * byte / second;
  const double adapters = std::stod(network.substr(first, x - first));
  return rate * adapters / node_size * giga * byte / second;
}

network::TwoLevelNetwork network_of(const Value& hardware, const catalog::Accelerator& accelerator,
                                    const catalog::Catalog& catalog, std::int64_t n) {
  const auto* system = catalog.system_of(accelerator.id);
  const auto known = network::network_of(accelerator, system, nullptr, n, catalog);
  const double node = number_of(hardware, "node_size").value_or(8);
  const auto given = nic_bandwidth(text_of(hardware, "network"), node);
  if (!known && !given) throw Unusable("nothing is known of the network beyond a node");
  const auto inside = network::network_of(accelerator, system, nullptr, 1, catalog);
  const auto& base = known ? *known : *inside;
  auto out = base.scale_out();
  if (given) out.bandwidth = *given;
  if (out.efficiency <= 0 || !known) out.efficiency = 0.9, out.latency = 5 * micro * second;
  return base.with_scale_out(out);
}

/// The software stack of a source; Megatron's as it was when the source was written.
std::string software_of(const std::string& source) {
  static constexpr std::pair<std::string_view, std::string_view> kStacks[] = {
      {"sc21", "megatron-2021"},          {"korthikanti", "megatron-2022"}, {"smith et al", "megatron-2021"},
      {"bigscience", "megatron-deepspeed"}, {"llm-foundry", "llm-foundry"},   {"megatron-bridge", "megatron-bridge"},
      {"mlperf", "nemo-mlperf"},          {"maxtext", "maxtext"},           {"palm", "maxtext"},
      {"automodel", "megatron-bridge"},    {"deepspeed", "megatron-deepspeed"}, {"fsdp", "llm-foundry"}};
  const std::string name = lower(source);
  for (const auto& [part, stack] : kStacks)
    if (contains(name, part)) return std::string{stack};
  return "megatron-core";
}

catalog::NumberFormat format_of(const std::string& dtype) {
  const std::string name = lower(dtype);
  if (contains(name, "fp4")) return catalog::NumberFormat::fp4;
  if (contains(name, "fp8")) return catalog::NumberFormat::fp8;
  return catalog::NumberFormat::bf16;
}

Recompute recompute_of(const Value& plan) {
  const std::string said = lower(text_of(plan, "recompute"));
  if (contains(said, "full")) return Recompute::full;
  if (contains(said, "selective") || contains(said, "minimal")) return Recompute::selective;
  if (const Value* flags = member(plan, "recipe_flags"))
    if (contains(lower(text_of(*flags, "recompute_granularity")), "full") && !number_of(*flags, "recompute_num_layers"))
      return Recompute::full;
  return Recompute::none;
}

/// Zero stage: a number, "distributed optimizer" (1), FSDP's FULL_SHARD (3) and SHARD_GRAD_OP (2).
std::int64_t zero_of(const Value& plan) {
  if (const Value* flags = member(plan, "recipe_flags"); flags && is_true(*flags, "use_megatron_fsdp")) return 3;
  const std::string fsdp = text_of(plan, "fsdp");
  if (contains(fsdp, "SHARD_GRAD_OP")) return 2;
  if (contains(fsdp, "FULL_SHARD") || number_of(plan, "fsdp").value_or(0) > 1) return 3;
  if (const auto stage = number_of(plan, "zero")) return static_cast<std::int64_t>(*stage);
  return contains(lower(text_of(plan, "zero")), "distributed") || contains(text_of(plan, "zero"), "ZeRO-1") ? 1 : 0;
}

training::Plan plan_of(const Value& row, std::int64_t n, const std::string& software) {
  const Value* given = member(row, "plan");
  if (!given) throw Unusable("the plan is not given");
  const Value& v = *given;
  if (contains(text_of(v, "task"), "LoRA")) throw Unusable("only adapters are trained");
  training::Plan plan;
  auto& p = plan.parallel;
  p.tensor = std::max<std::int64_t>(1, whole(v, "tp", 1)), p.pipeline = std::max<std::int64_t>(1, whole(v, "pp", 1));
  p.context = std::max<std::int64_t>(1, whole(v, "cp", 1)), p.expert = std::max<std::int64_t>(1, whole(v, "ep", 1));
  if (p.expert > 1) p.expert_tensor = 1;
  p.data = std::max<std::int64_t>(1, n / (p.tensor * p.pipeline * p.context));
  plan.sequence_length = required(v, "the sequence length", "seq");
  plan.micro_batch = required(v, "the micro-batch", "mbs");
  plan.global_batch = required(v, "the global batch", "gbs");
  const std::int64_t virtual_stages = whole(v, "vp", 1);
  if (virtual_stages > 1 && p.pipeline > 1) plan.schedule = Schedule::interleaved, plan.interleave = virtual_stages;
  if (contains(lower(text_of(v, "schedule")), "gpipe")) plan.schedule = Schedule::gpipe;
  plan.recompute = recompute_of(v);
  plan.zero_stage = zero_of(v);
  plan.format = format_of(text_of(v, "dtype"));
  plan.fused_attention = !software.starts_with("megatron-20") && software != "megatron-deepspeed";
  plan.sequence_parallel = plan.fused_attention ? p.tensor > 1 : is_true(v, "sequence_parallel");
  if (const Value* flags = member(v, "recipe_flags"))
    plan.deduplicated_dispatch = contains(text_of(*flags, "moe_token_dispatcher_type"), "flex") ||
                                 contains(text_of(*flags, "moe_flex_dispatcher_backend"), "ep");
  const std::int64_t group = whole(v, "fsdp_group", 0);
  if (plan.zero_stage == 3 && group > 1 && p.n_replicas() % group == 0) plan.partition_group = group;
  return plan;
}

Time measured_time(const Value& row) {
  const Value* measured = member(row, "measured");
  if (measured)
    for (const char* key : {"iteration_time_s", "step_time_s", "step_time_s_derived", "iteration_time_s_derived"})
      if (const auto seconds = number_of(*measured, key)) return *seconds * second;
  throw Unusable("no time of an iteration");
}

void require_sound(const training::Plan& plan, const catalog::LanguageModel& model, std::int64_t n) {
  for (const auto& problem : training::problems(plan, model, n)) throw Unusable(problem.message);
}

TrainingCase case_of(const Value& row, const std::string& id, const catalog::Catalog& catalog) {
  const std::string source = text_of(row, "source");
  std::string software = software_of(source);
  const Value* hardware = member(row, "hardware");
  if (!hardware) throw Unusable("the hardware is not given");
  const std::int64_t n = required(*hardware, "the number of accelerators", "n_gpus");
  const auto accelerator = accelerator_of(*hardware, catalog);
  if (software == "llm-foundry" && accelerator.peak_fp8) software = "llm-foundry-hopper";
  auto model = model_of(row);
  if (software == "megatron-bridge" && model.moe) software = "megatron-bridge-moe";
  TrainingCase c{.id = id,
                 .group = software + " " + accelerator.id,
                 .software = software,
                 .model = std::move(model),
                 .accelerator = accelerator,
                 .network = network_of(*hardware, accelerator, catalog, n),
                 .n_accelerators = n,
                 .plan = plan_of(row, n, software),
                 .measured = measured_time(row)};
  // An uneven last batch is as long as a full one on most ranks.
  const std::int64_t step = c.plan.micro_batch * c.plan.parallel.data;
  if (c.plan.global_batch % step != 0) c.plan.global_batch = std::max(step, (c.plan.global_batch + step / 2) / step * step);
  if (c.plan.n_chunks() * c.plan.parallel.pipeline > c.model.n_layers.value + 2 ||
      c.plan.n_micro_batches() % c.plan.parallel.pipeline != 0)
    c.plan.schedule = Schedule::one_forward_one_backward, c.plan.interleave = 1;
  if (!accelerator.peak(c.plan.format)) throw Unusable(accelerator.name + " does not compute in the plan's format");
  require_sound(c.plan, c.model, n);
  if (const auto used = number_of(*member(row, "measured"), "max_mem_GB_nvidia_smi"))
    c.measured_memory = *used * giga * byte;
  return c;
}

TrainingCases read_json(const std::string& file, const catalog::Catalog& catalog, bool with_partial) {
  Diagnostics diagnostics;
  const Value document = io::read_json_file(file, diagnostics);
  diagnostics.throw_if_any();
  const auto* rows = document.get_if<Value::List>();
  if (!rows) throw InputError(file + ": a list of cases is expected");
  TrainingCases found;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const Value& row = (*rows)[i];
    std::string id = text_of(row, "id");
    if (id.empty()) id = fmt::format("row {}", i + 1);
    const std::string replayable = text_of(row, "replayable");
    if (replayable != "full" && !(with_partial && replayable == "partial")) {
      found.skipped.push_back({id, replayable == "n/a" ? "not an iteration time" : "marked as not fully replayable"});
      continue;
    }
    try {
      found.cases.push_back(case_of(row, id, catalog));
    } catch (const Unusable& problem) {
      found.skipped.push_back({id, problem.what()});
    }
  }
  return found;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  std::istringstream in(line);
  while (std::getline(in, cell, ',')) {
    while (!cell.empty() && (cell.back() == '\r' || cell.back() == ' ')) cell.pop_back();
    cells.push_back(cell);
  }
  return cells;
}

constexpr std::string_view kColumns[] = {"gpus", "global_batch", "micro_batch", "hidden_size", "attention_heads",
                                         "layers", "sequence_length", "tensor_parallel", "data_parallel",
                                         "pipeline_parallel", "iteration_time_ms"};

TrainingCase csv_case(const std::map<std::string, std::string>& row, const std::string& id,
                      const catalog::Catalog& catalog) {
  const auto number = [&](const char* column) {
    const std::string& text = row.at(column);
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size() || !(value > 0))
      throw Unusable(fmt::format("{} \"{}\" is no positive number", column, text));
    return value;
  };
  const auto count = [&](const char* column) { return static_cast<std::int64_t>(number(column)); };
  const auto& a100 = catalog.accelerators.at("nvidia-a100-sxm-80gb");
  const std::int64_t n = count("gpus");
  TrainingCase c{.id = id,
                 .group = n <= 8 ? "one node" : fmt::format("{} gpus", n),
                 .software = n <= 8 ? "megatron-small" : "megatron-2021",
                 .model = gpt_model(count("layers"), count("hidden_size"), count("attention_heads"), 51200),
                 .accelerator = a100,
                 .network = *network::network_of(a100, catalog.system_of(a100.id),
                                                 &catalog.fabrics.at("infiniband-hdr"), std::max<std::int64_t>(n, 16),
                                                 catalog),
                 .n_accelerators = n,
                 .plan = {.parallel = {count("data_parallel"), count("tensor_parallel"), count("pipeline_parallel")},
                          .global_batch = count("global_batch"),
                          .micro_batch = count("micro_batch"),
                          .sequence_length = count("sequence_length"),
                          .recompute = Recompute::full,
                          .zero_stage = 0,
                          .sequence_parallel = false,
                          .fused_attention = false},
                 .measured = number("iteration_time_ms") * milli * second};
  require_sound(c.plan, c.model, n);
  return c;
}

TrainingCases read_csv(const std::string& file, const catalog::Catalog& catalog) {
  std::ifstream in(file);
  if (!in) throw InputError("cannot read " + file);
  std::string line;
  std::getline(in, line);
  const auto header = cells_of(line);
  for (const auto column : kColumns)
    if (std::ranges::find(header, column) == header.end())
      throw InputError(fmt::format("{}: the column \"{}\" is missing", file, column));
  TrainingCases found;
  for (int at = 2; std::getline(in, line); ++at) {
    const auto cells = cells_of(line);
    if (cells.empty()) continue;
    const std::string id = fmt::format("line {}", at);
    try {
      if (cells.size() != header.size()) throw Unusable(fmt::format("{} cells, expected {}", cells.size(), header.size()));
      std::map<std::string, std::string> row;
      for (std::size_t i = 0; i < cells.size(); ++i) row[header[i]] = cells[i];
      found.cases.push_back(csv_case(row, id, catalog));
    } catch (const Unusable& problem) {
      found.skipped.push_back({id, problem.what()});
    }
  }
  return found;
}

}  // namespace

TrainingCases read_training_cases(const std::string& file, const catalog::Catalog& catalog, bool with_partial) {
  return file.ends_with(".json") ? read_json(file, catalog, with_partial) : read_csv(file, catalog);
}

TrainingPrediction prediction(const TrainingCase& c, const catalog::Catalog& catalog,
                              const training::Software& software) {
  const cost::OperatorModel operators(c.accelerator, catalog);
  const auto step = training::step(c.model, c.plan, {operators, c.network, software});
  return {step.iteration_time(), training::peak_memory(c.model, c.plan).total(), step.breakdown};
}

}  // namespace waferwatt::validation
