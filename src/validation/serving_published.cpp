// SPDX-License-Identifier: Apache-2.0
// Published results of serving: rows that describe model, hardware, plan and what was measured.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "serving_names.hpp"
#include "serving_recipes.hpp"
#include "serving_row.hpp"
#include "trtllm_bench.hpp"

namespace waferwatt::validation {
namespace {

constexpr std::int64_t kMlperfSamples = 24576;  ///< of an offline run: the data set's
constexpr double kMostChunk = 32768;            ///< tokens of an iteration, of tools that say nothing

/// A row while it becomes a case.
struct Reading {
  const Value& row;
  const catalog::Catalog& catalog;
  const Value &hardware, &plan, &measured;
  ServingCase c;

  void assume(const std::string& text) { c.assumption += (c.assumption.empty() ? "" : "; ") + text; }
  std::string said(std::string_view key) const { return lower(text_of(plan, key)); }
  std::optional<double> first_of(std::initializer_list<const char*> keys) const {
    for (const char* key : keys)
      if (const auto value = number_of(measured, key); value && *value > 0) return value;
    return std::nullopt;
  }
};

const Value& needed(const Value& row, const char* key) {
  const Value* found = member(row, key);
  if (!found) throw Unusable(fmt::format("\"{}\" is not given", key));
  return *found;
}

/// The catalog's model where it has that shape (it knows windows and released formats), else the row's own.
void read_model(Reading& r) {
  auto shape = model_of(r.row);
  const auto* known = find_language_model(shape.name, r.catalog);
  if (known && known->n_layers.value == shape.n_layers.value && known->hidden_size.value == shape.hidden_size.value &&
      known->n_heads.value == shape.n_heads.value) {
    r.c.model = known;
    return;
  }
  shape.id = shape.name;
  shape.total_parameters.value = shape.parameters();
  r.c.own_model = std::make_shared<const catalog::LanguageModel>(std::move(shape));
  r.c.model = r.c.own_model.get();
}

void read_hardware(Reading& r) {
  const Value& hardware = r.hardware;
  auto accelerator = accelerator_of(hardware, r.catalog);
  // Grace Hopper comes with 96 GB, or with 144 GB at an H200's rate.
  if (contains(lower(text_of(hardware, "system")), "gh200-144")) accelerator = r.catalog.accelerators.at("nvidia-h200-sxm");
  r.c.own_accelerator = std::make_shared<const catalog::Accelerator>(std::move(accelerator));
  r.c.accelerator = r.c.own_accelerator.get();
  const auto cap = number_of(r.plan, "gpu_power_limit_W") ? number_of(r.plan, "gpu_power_limit_W") : number_of(hardware, "power_cap");
  if (cap) r.c.power_cap = *cap * watt;
}

/// "tep8" spreads experts over eight tensor-parallel ranks, "dep8" over eight data-parallel ones, "tp8" cuts them.
void read_named_layout(const std::string& layout, serving::ReplicaPlan& plan) {
  const auto digits = layout.find_first_of("0123456789");
  if (digits == layout.npos || !(layout.starts_with("tep") || layout.starts_with("dep") || layout.starts_with("tp"))) return;
  const std::int64_t n = std::stoll(layout.substr(digits));
  plan.tensor_parallel = layout.starts_with("dep") ? 1 : n, plan.data_parallel = layout.starts_with("dep") ? n : 1;
  plan.expert_parallel = !layout.starts_with("tp");
}

serving::ReplicaPlan layout_of(Reading& r) {
  const auto size = [&](const char* key) { return std::max<std::int64_t>(1, whole(r.plan, key, 1)); };
  serving::ReplicaPlan plan;
  plan.tensor_parallel = size("tp"), plan.pipeline_parallel = size("pp");
  plan.data_parallel = std::max(size("dp"), size("attention_dp"));
  const std::int64_t experts = size("ep");
  plan.expert_parallel = experts > 1;
  if (contains(r.said("attention_dp"), "enable") && r.c.model->moe) {
    plan.data_parallel = plan.tensor_parallel, plan.tensor_parallel = 1, plan.expert_parallel = true;
    if (plan.data_parallel > 1) r.assume("mixtures of experts: data-parallel attention, whole experts on every accelerator");
  }
  if (experts > plan.n_ranks()) plan.data_parallel = experts / plan.tensor_parallel;  // prefill nodes name their experts' spread only
  if (!r.said("phase").empty() && experts <= 1) plan.data_parallel = std::max<std::int64_t>(plan.data_parallel, size("world"));
  read_named_layout(r.said("layout"), plan);
  if (contains(r.said("pp"), "split")) {  // layers stand on one accelerator after another, one batch passes through
    plan.pipeline_parallel = required(r.hardware, "the number of accelerators", "n_gpus");
    plan.one_micro_batch = true;
  }
  plan.two_batch_overlap = contains(r.said("overlap"), "two-batch") || contains(r.said("overlap"), "2 micro");
  return plan;
}

/// A length, or the number that a text about it begins with.
std::int64_t length_of(Reading& r, const char* key, std::int64_t otherwise, const char* why) {
  if (const auto value = number_of(r.plan, key); value && *value >= 1) return static_cast<std::int64_t>(*value);
  const std::string said = text_of(r.plan, key);
  if (!said.empty() && std::isdigit(static_cast<unsigned char>(said[0]))) return std::stoll(said);
  r.assume(why);
  return otherwise;
}

/// Mean lengths of the data sets of MLPerf: "ISL ~9.4k OSL ~680" where they are said.
void read_data_set(Reading& r) {
  const std::string said = text_of(r.plan, "dataset");
  const auto after = [&](const char* word) -> std::optional<double> {
    std::smatch found;
    if (!std::regex_search(said, found, std::regex(std::string(word) + " ~?([0-9.]+)(k?)"))) return std::nullopt;
    return std::stod(found[1]) * (found[2].length() > 0 ? 1000 : 1);
  };
  const double output = number_of(r.measured, "output_tokens_per_sample").value_or(after("OSL").value_or(0));
  if (output < 1) throw Unusable("the lengths are not given");
  const auto input = after("ISL");
  if (!input) r.assume("prompts of a data set whose lengths are not given are as long as answers");
  r.assume("lengths of a data set spread evenly from nothing to twice their mean");
  r.c.load.input_tokens = static_cast<std::int64_t>(2 * input.value_or(output)), r.c.load.output_tokens = static_cast<std::int64_t>(2 * output);
  r.c.load.spread = 1;
}

void read_mlperf(Reading& r) {
  read_data_set(r);
  ServingCase& c = r.c;
  c.n_replicas = std::max<std::int64_t>(1, whole(r.hardware, "n_gpus", 1) / c.plan.n_accelerators());
  if (const auto n = number_of(r.plan, "max_batch")) c.max_sequences = static_cast<std::int64_t>(*n);
  if (const auto n = number_of(r.plan, "max_num_tokens")) c.max_batched_tokens = static_cast<std::int64_t>(*n);
  c.memory_utilisation = number_of(r.plan, "kv_frac").value_or(0.95);
  c.protocol = Protocol::offline, c.load.concurrency = kMlperfSamples;
  c.tokens_per_s = r.first_of({"output_tokens_per_s_total"});
  if (r.said("scenario") == "offline") return;
  // Their submitters raise the rate of arrivals until latencies just hold: these say how far it was raised, and nothing
  // of a model that is a little slower or faster.
  c.ttft_s.reset(), c.tpot_s.reset();
  r.assume("a server at the edge of what it holds yields what it does with all requests there at once");
}

void read_engine_limits(Reading& r) {
  if (const auto n = number_of(r.plan, "max_num_seqs")) r.c.max_sequences = static_cast<std::int64_t>(*n);
  if (const auto n = number_of(r.plan, "max_num_batched_tokens")) r.c.max_batched_tokens = static_cast<std::int64_t>(*n);
}

/// trtllm-bench sets batch and budget (trtllm_bench.hpp). It leaves the cache's format to the checkpoint: those in 8 bits of
/// mixtures of experts keep 16 bits. Of gpt-oss on Hopper the overview says so ("auto"). Of Qwen3 and Llama 4 it is
/// inferred: with half of the requests in flight H100 and H200 are met alike, else the H100 comes out half too fast.
void read_offline(Reading& r) {
  ServingCase& c = r.c;
  c.protocol = Protocol::offline;
  c.load = {.concurrency = whole(r.plan, "num_requests", 2000), .input_tokens = required(r.plan, "the input length", "isl"),
            .output_tokens = required(r.plan, "the output length", "osl")};
  if (const auto in = r.first_of({"input_tokens_per_s"}), out = r.first_of({"output_tokens_per_s_total"}); in && out && *out < *in) {
    if (const auto requests = r.first_of({"req_per_s"})) {  // what was really read and written
      c.load.input_tokens = std::llround(*in / *requests), c.load.output_tokens = std::llround(*out / *requests);
    }
  }
  c.memory_utilisation = number_of(r.plan, "kv_free_fraction").value_or(0.9);
  read_engine_limits(r);
  if (c.max_sequences && c.max_batched_tokens) return;
  if (c.backend == "trtllm") {
    if (c.model->moe && !c.model->mla && !c.accelerator->peak_fp4) {
      c.plan.kv_format = catalog::NumberFormat::bf16;
      r.assume("checkpoints of mixtures of experts in 8 bits keep caches in 16");
    }
    const auto limits = trtllm_bench_limits(c);
    if (!c.max_sequences) c.max_sequences = std::min(c.load.concurrency, limits.max_batch_size * c.plan.data_parallel * c.plan.micro_batches());
    if (!c.max_batched_tokens) c.max_batched_tokens = limits.max_num_tokens;
    return;
  }
  const double ratio = static_cast<double>(c.load.input_tokens) / static_cast<double>(c.load.output_tokens);
  c.max_sequences = std::min<std::int64_t>(2048, c.load.concurrency);
  c.max_batched_tokens = static_cast<std::int64_t>(std::clamp(static_cast<double>(*c.max_sequences) * (1 + ratio) / 4, 8192.0, kMostChunk / 2));
  r.assume("a batch of 2,048 where caches hold it, a budget of 8,192 to 16,384 tokens");
}

/// One phase on workers of its own: tokens on every accelerator.
void read_phase(Reading& r) {
  ServingCase& c = r.c;
  const auto ranks = static_cast<double>(c.plan.data_parallel);
  c.protocol = Protocol::batch;
  // Where no copies of loaded experts are named, benchmarks of two batches set routing even.
  std::smatch copies;
  if (const std::string said = r.said("eplb"); std::regex_search(said, copies, std::regex("([0-9]+) redundant")))
    c.plan.redundant_experts = std::stoll(copies[1]);
  else if (c.plan.two_batch_overlap)
    c.plan.routing = {.kind = cost::Routing::Kind::balanced};
  const double n = static_cast<double>(c.plan.n_accelerators());
  if (contains(r.said("phase"), "prefill")) {
    const auto tokens = number_of(r.plan, "tokens_per_device_per_batch") ? number_of(r.plan, "tokens_per_device_per_batch")
                        : number_of(r.plan, "tokens_per_gpu")            ? number_of(r.plan, "tokens_per_gpu")
                                                                         : number_of(r.plan, "max_prefill_tokens");
    if (!tokens) throw Unusable("the tokens of an iteration are not given");
    const std::int64_t input = length_of(r, "isl", 4096, "prompts of 4,096 tokens");
    c.load = {.concurrency = std::max<std::int64_t>(1, std::llround(*tokens / static_cast<double>(input) * ranks)), .input_tokens = input, .output_tokens = 1};
    c.max_batched_tokens = static_cast<std::int64_t>(*tokens);
    c.counted = Counted::input_tokens;
    if (const auto rate = r.first_of({"input_tokens_per_s_per_gpu", "tokens_per_s_per_gpu"})) c.tokens_per_s = *rate * n;
    return;
  }
  const auto batch = number_of(r.plan, "batch_per_gpu");
  if (!batch) throw Unusable("the batch is not given");
  c.load = {.concurrency = std::llround(*batch * ranks), .input_tokens = required(r.plan, "the input length", "isl"), .output_tokens = length_of(r, "osl", 100, "100 output tokens")};
  c.counted = Counted::decode_steps;
  if (const auto rate = r.first_of({"output_tokens_per_s_per_gpu", "tokens_per_s_per_gpu"})) c.tokens_per_s = *rate * n;
}

std::optional<double> seconds(std::optional<double> milliseconds) { return milliseconds ? std::optional{*milliseconds / 1e3} : std::nullopt; }

void read_times(Reading& r) {
  r.c.ttft_s = seconds(r.first_of({"ttft_ms", "ttft_median_ms", "ttft_p50_ms", "ttft_mean_ms", "prompt_time_ms"}));
  r.c.tpot_s = seconds(r.first_of({"tpot_median_ms", "tpot_p50_ms", "tpot_mean_ms", "token_time_ms", "step_ms_derived"}));
}

void read_batch(Reading& r) {
  ServingCase& c = r.c;
  c.protocol = Protocol::batch;
  c.load = {.concurrency = required(r.plan, "the batch", "batch"), .input_tokens = length_of(r, "isl", 16, "prompts of a few tokens: 16"),
            .output_tokens = required(r.plan, "the output length", "osl")};
  if (const auto whole_s = seconds(r.first_of({"e2e_time_ms"}))) read_whole_time(c, *whole_s, r.first_of({"average_power_rel_tdp"}));
  if (const auto rate = r.first_of({"output_tokens_per_s_per_gpu"})) c.tokens_per_s = *rate * static_cast<double>(c.plan.n_accelerators());
}

void read_closed_loop(Reading& r) {
  ServingCase& c = r.c;
  c.load = {.concurrency = required(r.plan, "the concurrency", "concurrency"), .input_tokens = required(r.plan, "the input length", "isl"),
            .output_tokens = required(r.plan, "the output length", "osl")};
  if (contains(r.said("layout"), "1p1d")) c.disaggregation = {.prefill_plan = c.plan, .n_prefill = 1, .n_decode = 1};
  take_inference_x_recipe(c);
  c.tokens_per_s = r.first_of({"output_tokens_per_s_total"});
}

/// "ShareGPT, 10 sessions/s": arrivals of their own, lengths by their means.
void read_open_loop(Reading& r) {
  ServingCase& c = r.c;
  std::smatch rate;
  const std::string arrival = r.said("arrival");
  if (!std::regex_search(arrival, rate, std::regex("([0-9.]+) (?:sessions|requests)/s"))) throw Unusable("the arrivals are not given");
  const auto in = r.first_of({"mean_input_tokens"}), out = r.first_of({"mean_output_tokens"});
  if (!in || !out) throw Unusable("the lengths are not given");
  c.protocol = Protocol::open_loop, c.rate_per_s = std::stod(rate[1]);
  c.load = {.concurrency = required(r.plan, "the number of requests", "num_requests"), .input_tokens = static_cast<std::int64_t>(2 * *in),
            .output_tokens = static_cast<std::int64_t>(2 * *out), .spread = 1};
  read_engine_limits(r);
  if (contains(arrival, "sharegpt")) {
    c.lengths = serving::length_preset("sharegpt-long-answers");
    return r.assume("lengths and arrivals of the ShareGPT conversations as in the runs that are known request by request");
  }
  r.assume("lengths of a data set spread evenly from nothing to twice their mean");
}

/// A profile of an engine gives the times of single iterations: "prefill_512_ms", "decode_b32_ctx512_ms".
void add_profile(ServingCases& found, const Reading& r) {
  static const std::regex prompt("prefill_([0-9]+)_ms"), step("decode_b([0-9]+)_ctx([0-9]+)_ms");
  for (const auto& [key, value] : *r.measured.get_if<Value::Object>()) {
    std::smatch m;
    if (!value.is_number()) continue;
    ServingCase c = r.c;
    c.id += " " + std::string(key), c.protocol = Protocol::batch;
    const std::string name(key);
    if (std::regex_match(name, m, prompt))
      c.load = {.concurrency = 1, .input_tokens = std::stoll(m[1]), .output_tokens = 1}, c.ttft_s = value.number() / 1e3;
    else if (std::regex_match(name, m, step))
      c.load = {.concurrency = std::stoll(m[1]), .input_tokens = std::stoll(m[2]), .output_tokens = 2}, c.tpot_s = value.number() / 1e3;
    else
      continue;
    found.cases.push_back(std::move(c));
  }
}

bool is_profile(const Value& measured) { return member(measured, "prefill_abc") != nullptr; }

void read_load(Reading& r) {
  const std::string arrival = r.said("arrival");
  read_times(r);
  if (!r.said("scenario").empty()) return read_mlperf(r);
  if (!r.said("phase").empty()) return read_phase(r);
  if (number_of(r.plan, "batch")) return read_batch(r);
  if (number_of(r.plan, "concurrency")) return read_closed_loop(r);
  if (contains(arrival, "at once") || contains(arrival, "saturation")) {
    read_offline(r);
    r.c.tokens_per_s = r.first_of({"output_tokens_per_s_total"});
    return;
  }
  read_open_loop(r);
}

void add_case(ServingCases& found, const Value& row, const std::string& id, const catalog::Catalog& catalog) {
  Reading r{row, catalog, needed(row, "hardware"), needed(row, "plan"), needed(row, "measured"), {}};
  ServingCase& c = r.c;
  c.id = id, c.source = text_of(row, "source"), c.system = text_of(r.hardware, "gpu");
  c.backend = backend_named(text_of(r.plan, "engine"), c.source);
  read_model(r);
  read_hardware(r);
  c.plan = layout_of(r);
  if (c.backend == "sglang" && c.plan.two_batch_overlap) c.backend = "sglang-deepep";
  c.is_known_backend = serving::find_backend(c.backend) != nullptr;
  const Precision precision = precision_named(text_of(r.plan, "weight_dtype"), *c.model);
  settle_plan(c.plan, c, precision);
  c.network = network_of(r.hardware, *c.accelerator, catalog, std::max<std::int64_t>(c.plan.n_accelerators(), whole(r.hardware, "n_gpus", 1)));
  if (!is_profile(r.measured)) read_load(r);
  c.configuration = configuration_of(c, precision) + " " + c.source;
  if (is_profile(r.measured)) return add_profile(found, r);
  if (!c.ttft_s && !c.tpot_s && !c.tokens_per_s) throw Unusable("nothing that is simulated was measured");
  found.cases.push_back(std::move(c));
}

}  // namespace

ServingCases read_published_serving(const std::string& file, const catalog::Catalog& catalog) {
  Diagnostics diagnostics;
  const Value document = io::read_json_file(file, diagnostics);
  diagnostics.throw_if_any();
  const auto* rows = document.get_if<Value::List>();
  if (!rows) throw InputError(file + ": a list of cases is expected");
  ServingCases found;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const Value& row = (*rows)[i];
    std::string id = text_of(row, "id");
    if (id.empty()) id = fmt::format("row {}", i + 1);
    const std::string replayable = text_of(row, "replayable");
    if (replayable != "full" && replayable != "partial") {
      found.skipped.push_back({id, replayable == "n/a" ? "not a run of a deployment that is described" : "marked as not replayable"});
      continue;
    }
    if (contains(text_of(row, "notes"), "possibly wrong")) {
      found.skipped.push_back({id, "its source marks it as possibly wrong"});
      continue;
    }
    try {
      add_case(found, row, id, catalog);
    } catch (const Unusable& problem) {
      found.skipped.push_back({id, problem.what()});
    }
  }
  return found;
}

}  // namespace waferwatt::validation
