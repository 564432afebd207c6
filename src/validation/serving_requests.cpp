// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "published_row.hpp"
#include "serving_names.hpp"
#include "text_file.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/serving/simulation.hpp"
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {
namespace {

Value parsed(const std::string& file, std::string_view text) {
  core::Diagnostics diagnostics;
  Value value = io::parse_json(file, text, diagnostics);
  diagnostics.throw_if_any();
  return value;
}

const Value& member(const std::string& file, const Value& object, std::string_view key) {
  const Value* found = object.find(key);
  if (!found || found->is_null()) throw InputError(fmt::format("{}: \"{}\" is missing", file, key));
  return *found;
}

double number(const std::string& file, const Value& object, std::string_view key) {
  const Value& value = member(file, object, key);
  if (!value.is_number()) throw InputError(fmt::format("{}: \"{}\" is no number", file, key));
  return value.number();
}

std::string text(const std::string& file, const Value& object, std::string_view key) {
  const auto* found = member(file, object, key).get_if<std::string>();
  if (!found) throw InputError(fmt::format("{}: \"{}\" is no text", file, key));
  return *found;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Also names whose words run together: "rtxpro6000-..." is nvidia-rtx-pro-6000.
std::optional<std::string> accelerator_of_device(const std::string& name, const catalog::Catalog& catalog) {
  if (const auto found = accelerator_of_name(name, catalog)) return found;
  const auto plain = [](std::string_view text) {
    std::string out;
    for (const char c : text)
      if (std::isalnum(static_cast<unsigned char>(c))) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  };
  for (const auto& [id, accelerator] : catalog.accelerators.all())
    if (plain(name).find(plain(id.substr(id.find('-') + 1))) != std::string::npos) return id;
  return std::nullopt;
}

std::vector<MeasuredRequest> requests_of(const std::string& folder) {
  std::string file = folder + "/requests.jsonl";
  if (!std::filesystem::exists(file)) file += ".gz";
  const std::string all = text_of_file(file);
  std::vector<MeasuredRequest> requests;
  int line = 0;
  for (std::size_t start = 0; start < all.size();) {
    const auto end = std::min(all.find('\n', start), all.size());
    const std::string at = fmt::format("{}:{}", file, ++line);
    const std::string row = all.substr(start, end - start);
    start = end + 1;
    if (row.find('{') == row.npos) continue;
    const Value v = parsed(at, row);
    MeasuredRequest r{.arrival_s = number(at, v, "arrival_time"),
                      .ttft_s = number(at, v, "first_token_ts") - number(at, v, "queued_ts"),
                      .input_tokens = static_cast<std::int64_t>(number(at, v, "input_toks")),
                      .output_tokens = static_cast<std::int64_t>(number(at, v, "output_toks"))};
    if (r.input_tokens < 1 || r.output_tokens < 1) throw InputError(at + ": a request has at least one token each way");
    if (r.output_tokens > 1)
      r.tpot_s = (number(at, v, "last_token_ts") - number(at, v, "first_token_ts")) / static_cast<double>(r.output_tokens - 1);
    requests.push_back(r);
  }
  if (requests.empty()) throw InputError(file + ": no requests");
  std::ranges::stable_sort(requests, {}, &MeasuredRequest::arrival_s);
  const double first = requests.front().arrival_s;
  for (MeasuredRequest& r : requests) r.arrival_s -= first;
  return requests;
}

/// What the folder's config.json says of the link between the accelerators of one machine, where it does.
std::optional<network::TwoLevelNetwork> network_of(const std::string& folder, std::int64_t n_accelerators) {
  const std::string file = folder + "/config.json";
  if (!std::filesystem::exists(file)) return std::nullopt;
  const Value config = parsed(file, text_of_file(file));
  if (!config.find("link_bw") || whole(config, "num_nodes", 1) != 1) return std::nullopt;
  const network::LinkSpec link{number(file, config, "link_bw") * giga * byte / second, number(file, config, "link_latency") * nano * second, 1};
  return network::TwoLevelNetwork(link, n_accelerators, link);
}

class Arrivals final : public traces::Source {
 public:
  explicit Arrivals(const std::vector<MeasuredRequest>& requests) : requests_(requests) {}
  bool next(traces::Request& request) override {
    if (i_ == requests_.size()) return false;
    const MeasuredRequest& r = requests_[i_++];
    request = {.arrival_s = r.arrival_s, .input_tokens = r.input_tokens, .output_tokens = r.output_tokens};
    return true;
  }

 private:
  const std::vector<MeasuredRequest>& requests_;
  std::size_t i_ = 0;
};

struct Latencies final : serving::RequestSink {
  void take(const serving::RequestRecord& r) override {
    if (!r.completed()) return;
    ttft_s.push_back(r.time_to_first_token_s());
    if (r.output_tokens > 1) tpot_s.push_back(r.time_per_output_token_s());
  }
  std::vector<double> ttft_s, tpot_s;
};

}  // namespace

RequestRun read_request_run(const std::string& folder, const catalog::Catalog& catalog) {
  const std::string file = folder + "/meta.json";
  const Value meta = parsed(file, text_of_file(file));
  const Value& settings = member(file, meta, "engine_kwargs");
  RequestRun run;
  ServingCase& c = run.deployment;
  c.id = std::filesystem::path(folder + "/").parent_path().filename().string(), c.backend = "vllm", c.is_known_backend = true;
  const std::string model = text(file, settings, "model");
  c.model = find_language_model(model, catalog);
  if (!c.model) throw InputError(fmt::format("{}: the catalog has no language model \"{}\"", file, model));
  const Value* hardware = meta.find("hardware");
  const std::string device = hardware ? text(file, *hardware, "device_name") : c.id;
  const auto accelerator = accelerator_of_device(device, catalog);
  if (!accelerator) throw InputError(fmt::format("{}: the catalog has no accelerator \"{}\"", file, device));
  c.accelerator = &catalog.accelerators.at(*accelerator);
  c.plan.tensor_parallel = whole(settings, "tensor_parallel_size", 1), c.plan.data_parallel = whole(settings, "data_parallel_size", 1);
  const Value* spread = settings.find("enable_expert_parallel");
  c.plan.expert_parallel = spread && spread->get_if<bool>() && *spread->get_if<bool>();
  set_checkpoint_formats(c.plan, *c.model, *c.accelerator, catalog::NumberFormat::bf16);
  c.network = network_of(folder, c.plan.n_accelerators());
  const auto& profile = *serving::find_backend(c.backend);
  run.engine.backend = profile, run.engine.host_overhead = profile.step_overhead;
  run.engine.max_sequences = whole(settings, "max_num_seqs", 256);
  run.engine.max_batched_tokens = whole(settings, "max_num_batched_tokens", 2048);
  if (const Value* cache = meta.find("kv_cache")) {
    run.engine.kv_block_tokens = whole(*cache, "block_size", 16);
    if (const std::int64_t blocks = whole(*cache, "num_gpu_blocks", 0); blocks > 0) run.n_kv_blocks = blocks;
  }
  run.requests = requests_of(folder);
  std::vector<double> ttft_s, tpot_s;
  for (const MeasuredRequest& r : run.requests) {
    ttft_s.push_back(r.ttft_s);
    if (r.output_tokens > 1) tpot_s.push_back(r.tpot_s);
  }
  c.ttft_s = median(ttft_s);
  if (!tpot_s.empty()) c.tpot_s = median(tpot_s);
  return run;
}

ServingPrediction replay(const RequestRun& run, const catalog::Catalog& catalog) {
  const ServingCase& c = run.deployment;
  const auto memory = serving::memory_plan(*c.model, *c.accelerator, c.plan, run.engine);
  const std::int64_t n_blocks = run.n_kv_blocks ? *run.n_kv_blocks * c.plan.data_parallel : memory.n_kv_blocks;
  if (!run.n_kv_blocks && !memory.infeasible.empty()) return {.infeasible = memory.infeasible};
  const auto network =
      c.network ? c.network : network::network_of(*c.accelerator, catalog.system_of(c.accelerator->id), nullptr, c.plan.n_accelerators(), catalog);
  if (!network) return {.infeasible = "nothing is known of the network between the accelerators"};
  const cost::OperatorModel operators(*c.accelerator, catalog);
  serving::IterationModel model(*c.model, operators, c.plan, *network, run.engine);
  serving::Deployment deployment;
  deployment.groups[0].plan = c.plan, deployment.groups[0].engine = run.engine;
  serving::TabulatedCosts costs(model);
  Arrivals arrivals(run.requests);
  serving::OpenStream stream(arrivals);
  Latencies latencies;
  engine::BareLoop loop;
  serving::simulate(loop, deployment, stream, {&costs}, {n_blocks}, core::RandomStream(1, "replay"), latencies);
  if (latencies.ttft_s.empty()) return {.infeasible = "no request fits the KV cache"};
  return {.ttft_s = median(latencies.ttft_s), .tpot_s = latencies.tpot_s.empty() ? 0 : median(latencies.tpot_s)};
}

ServingReport validate_request_run(const RequestRun& run, const catalog::Catalog& catalog) {
  ServingReport report;
  const ServingPrediction predicted = replay(run, catalog);
  if (!predicted.infeasible.empty()) {
    report.skipped.push_back({run.deployment.id, predicted.infeasible});
    return report;
  }
  report.n_cases = 1;
  const auto add = [&](const char* metric, std::optional<double> measured, double value) {
    if (!measured) return;
    report.metrics[metric] = percent_errors({100 * (value / *measured - 1)});
    report.groups["model " + run.deployment.model->id][metric] = report.metrics[metric];
  };
  add("ttft", run.deployment.ttft_s, predicted.ttft_s);
  add("tpot", run.deployment.tpot_s, predicted.tpot_s);
  return report;
}

}  // namespace waferwatt::validation
