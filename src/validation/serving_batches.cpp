// SPDX-License-Identifier: Apache-2.0
// Static batches on tensor-parallel accelerators, in the columns of splitwise-sim's table; repeats become their mean.
#include <fmt/format.h>

#include "serving_names.hpp"
#include "serving_row.hpp"
#include "table_row.hpp"
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {
namespace {

/// "h100-80gb-pcap" is held to half of its power, as the paper's.
constexpr std::string_view kCapped = "-pcap";
constexpr double kCapOfTdp = 0.5;

struct Sums {
  ServingCase c;
  double n = 0, prompts_ms = 0, step_ms = 0, whole_ms = 0, n_powers = 0, power = 0;
};

ServingCase case_of(const TableRow& row, const catalog::Catalog& catalog) {
  ServingCase c;
  std::string hardware = row.text("hardware");
  const std::string model = row.text("model");
  c.model = find_language_model(model, catalog);
  if (!c.model) throw Unusable(fmt::format("the catalog has no language model \"{}\"", model));
  const bool capped = hardware.ends_with(kCapped);
  c.system = hardware;
  if (capped) hardware.resize(hardware.size() - kCapped.size());
  const auto id = accelerator_of_name(hardware, catalog);
  if (!id) throw Unusable(fmt::format("the catalog has no accelerator \"{}\"", hardware));
  c.accelerator = &catalog.accelerators.at(*id);
  if (capped) c.power_cap = kCapOfTdp * *c.accelerator->tdp;
  c.backend = "eager", c.is_known_backend = true, c.protocol = Protocol::batch;
  c.load = {.concurrency = row.required("batch_size"), .input_tokens = row.required("prompt_size"), .output_tokens = row.required("token_size")};
  c.plan.tensor_parallel = row.required("tensor_parallel"), c.plan.expert_parallel = false;
  const Precision precision{catalog::NumberFormat::bf16};
  settle_plan(c.plan, c, precision);
  c.configuration = configuration_of(c, precision);
  c.source = capped ? "static batches, power-capped" : "static batches";
  c.id = fmt::format("{}-{}-tp{}-b{}-{}-{}", model, c.system, c.plan.tensor_parallel, c.load.concurrency, c.load.input_tokens, c.load.output_tokens);
  return c;
}

}  // namespace

ServingCases read_static_batches(const std::string& file, std::string_view text, const catalog::Catalog& catalog) {
  std::map<std::string, Sums> by_id;
  std::vector<std::string> order;
  ServingCases found;
  found.skipped = for_each_row(
      file, text, {"model", "hardware", "prompt_size", "batch_size", "token_size", "prompt_time", "token_time", "e2e_time", "tensor_parallel"},
      [&](const TableRow& row) {
        ServingCase c = case_of(row, catalog);
        const auto [at, is_new] = by_id.try_emplace(c.id);
        if (is_new) order.push_back(c.id), at->second.c = std::move(c);
        Sums& sums = at->second;
        sums.n += 1, sums.prompts_ms += row.number("prompt_time").value_or(0), sums.step_ms += row.number("token_time").value_or(0);
        sums.whole_ms += row.number("e2e_time").value_or(0);
        if (const double power = row.number("average_power").value_or(0); power > 0) sums.n_powers += 1, sums.power += power;
      });
  for (const std::string& id : order) {
    Sums& sums = by_id.at(id);
    ServingCase& c = sums.c;
    c.ttft_s = sums.prompts_ms / sums.n / 1e3, c.tpot_s = sums.step_ms / sums.n / 1e3;
    read_whole_time(c, sums.whole_ms / sums.n / 1e3, sums.n_powers > 0 ? std::optional{sums.power / sums.n_powers} : std::nullopt);
    found.cases.push_back(std::move(c));
  }
  return found;
}

}  // namespace waferwatt::validation
