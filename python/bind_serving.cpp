// SPDX-License-Identifier: Apache-2.0
// One replica: its memory, its iterations, what it can serve.
#include <mutex>

#include "arguments.hpp"
#include "waferwatt/network/collectives.hpp"
#include "waferwatt/scenario/serving_scenario.hpp"
#include "waferwatt/serving/capability.hpp"
#include "waferwatt/serving/iteration_model.hpp"

namespace waferwatt::python {
namespace {

using core::Table;

/// A replica, all that it refers to kept with it. \param arguments the members of a serving scenario that make a replica
class ServingReplica {
 public:
  ServingReplica(const std::string& models, const std::string& arguments) : catalog_(catalog_of(models)) {
    const auto s = record_of<scenario::ServingScenario>("ww.serving.replica", arguments);
    core::Diagnostics diagnostics;
    scenario::check(s, *catalog_, diagnostics);
    diagnostics.throw_if_any();
    deployment_ = scenario::deployment_of(s, *catalog_);
    const auto& group = deployment_.groups.front();
    if (auto reason = serving::unsound_split(*deployment_.model, group.plan); !reason.empty()) throw core::InfeasibleError(reason);
    memory_ = serving::memory_plan(*deployment_.model, *group.accelerator, group.plan, group.engine);
    if (!memory_.infeasible.empty()) throw core::InfeasibleError(memory_.infeasible);
    const auto network = network::network_of(*group.accelerator, group.system, nullptr, group.plan.n_accelerators(), *catalog_);
    if (!network) throw core::InfeasibleError("nothing is known of a network that joins so many of these accelerators");
    operators_ = std::make_unique<cost::OperatorModel>(*group.accelerator, *catalog_);
    model_ = std::make_unique<serving::IterationModel>(*deployment_.model, *operators_, group.plan, *network, group.engine);
  }

  py::dict memory() const {
    py::dict d;
    d["capacity_byte"] = memory_.capacity.in(byte);
    d["usable_byte"] = memory_.usable.in(byte);
    d["weights_byte"] = memory_.weights.in(byte);
    d["activations_byte"] = memory_.activations.in(byte);
    d["kv_space_byte"] = memory_.kv_space.in(byte);
    d["kv_byte_per_token"] = memory_.kv_per_token.in(byte);
    d["kv_tokens"] = memory_.n_kv_blocks * deployment_.groups.front().engine.kv_block_tokens;
    return d;
  }

  std::int64_t n_accelerators() const { return deployment_.groups.front().plan.n_accelerators(); }

  /// A row for each iteration: sequences that decode with a mean context, and one prompt's tokens after a cached part.
  py::dict iterations(const Integers& n_decode, const Integers& context, const Integers& prefill, const Integers& cached) const {
    return as_dict(without_gil([&] { return costs(n_decode, context, prefill, cached); }));
  }

 private:
  Table costs(const Integers& n_decode, const Integers& context, const Integers& prefill, const Integers& cached) const {
    const std::lock_guard lock(mutex_);  // the model keeps what it has computed
    Table table("iterations", {{"time_s"}, {"memory_s"}, {"compute_s"}, {"launch_s"}, {"network_s"}, {"host_s"}, {"energy_j"}, {"error"}});
    for (py::ssize_t i = 0; i < n_decode.size(); ++i) {
      const auto tokens = static_cast<double>(prefill.data()[i]);
      const auto c = model_->cost({.n_decode = n_decode.data()[i],
                                   .decode_context = n_decode.data()[i] * context.data()[i],
                                   .n_chunks = prefill.data()[i] > 0 ? 1 : 0,
                                   .prefill_tokens = prefill.data()[i],
                                   .prefill_work = tokens * (static_cast<double>(cached.data()[i]) + tokens / 2),
                                   .n_first_tokens = prefill.data()[i] > 0 ? 1 : 0});
      table.add({c.time_s, c.memory_s, c.compute_s, c.launch_s, c.network_s, c.host_s, c.energy_j * static_cast<double>(n_accelerators()),
                 c.error_s / c.time_s});
    }
    return table;
  }

  std::shared_ptr<const catalog::Catalog> catalog_;
  serving::Deployment deployment_;
  serving::MemoryPlan memory_;
  std::unique_ptr<cost::OperatorModel> operators_;
  std::unique_ptr<serving::IterationModel> model_;
  mutable std::mutex mutex_;
};

serving::ServingCapability capability_of(const std::string& models, const std::string& model_json, const std::string& accelerator_json,
                                         std::int64_t input_tokens, std::int64_t output_tokens, double tpot_s, const std::string& kv_format) {
  const auto catalog = catalog_of(models);
  const auto& model = resolve(record_of<catalog::Reference<catalog::LanguageModel>>("model", model_json), catalog->language_models);
  const auto& accelerator = resolve(record_of<catalog::Reference<catalog::Accelerator>>("accelerator", accelerator_json), catalog->accelerators);
  if (input_tokens < 1 || output_tokens < 1 || !(tpot_s > 0))
    throw core::InputError("input_tokens and output_tokens must be at least 1, time_per_output_token_s above 0");
  auto c = serving::saturated_capability(model, cost::OperatorModel(accelerator, *catalog), catalog->system_of(accelerator.id), *catalog,
                                         {.input_tokens = input_tokens,
                                          .output_tokens = output_tokens,
                                          .time_per_output_token = tpot_s * second,
                                          .kv_format = choice<catalog::NumberFormat>(kv_format, "format")});
  if (!c.infeasible.empty()) throw core::InfeasibleError(c.infeasible);
  return c;
}

py::dict serving_capability(const std::string& models, const std::string& model_json, const std::string& accelerator_json,
                            std::int64_t input_tokens, std::int64_t output_tokens, double tpot_s, const std::string& kv_format) {
  const auto c = without_gil([&] { return capability_of(models, model_json, accelerator_json, input_tokens, output_tokens, tpot_s, kv_format); });
  py::dict d;
  d["output_token_per_s"] = c.output_rate.in(token / second);
  d["input_token_per_s"] = c.input_rate.in(token / second);
  d["n_accelerators"] = c.n_accelerators;
  d["concurrency"] = c.concurrency;
  d["time_per_output_token_s"] = c.time_per_output_token.in(second);
  d["time_to_first_token_s"] = c.time_to_first_token.in(second);
  d["power_w"] = c.mean_power.in(watt);
  d["it_power_w"] = c.mean_it_power.in(watt);
  d["energy_j_per_output_token"] = c.mean_it_power.in(watt) / c.output_rate.in(token / second);
  d["weight_format"] = io::enum_text(c.weight_format);
  d["error"] = c.error;
  d["memory_bound_share"] = c.memory_bound_share;
  d["compute_bound_share"] = c.compute_bound_share;
  return d;
}

}  // namespace

void bind_serving(py::module_& module) {
  py::class_<ServingReplica>(module, "ServingReplica")
      .def(py::init<const std::string&, const std::string&>(), py::call_guard<py::gil_scoped_release>())
      .def("memory", &ServingReplica::memory)
      .def("n_accelerators", &ServingReplica::n_accelerators)
      .def("iterations", &ServingReplica::iterations);
  module.def("serving_capability", &serving_capability);
}

}  // namespace waferwatt::python
