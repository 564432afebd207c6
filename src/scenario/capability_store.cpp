// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/capability_store.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/io/bytes.hpp"
#include "waferwatt/training/search.hpp"

namespace waferwatt::scenario {
namespace {

namespace fs = std::filesystem;

/// Fowler-Noll-Vo, 64 bits: names, not secrets.
class Fingerprint {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    state_ = (state_ ^ 0xffu) * 0x100000001b3u;
  }
  std::string text() const { return fmt::format("{:016x}", state_); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The file that this code was loaded from: the program, or the extension of another one. A changed model is another file.
fs::path code_file() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&code_file), &info) && info.dli_fname && fs::exists(info.dli_fname)) return info.dli_fname;
  return "/proc/self/exe";
}

/// Operators of an accelerator may be carried over from any calibration.
std::string shared_parts(const catalog::Catalog& catalog) {
  static const std::string code = [] {
    Fingerprint print;
    print.add(content(code_file()));
    return print.text();
  }();
  Fingerprint print;
  print.add(code);
  for (const char* kind : {"calibrations", "collectives", "fabrics", "accelerators"}) {
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(catalog.folder / kind, error)) files.push_back(entry.path());
    std::ranges::sort(files);
    for (const auto& file : files) print.add(content(file));
  }
  return print.text();
}

template <class T>
std::string json(const T& thing) { return io::to_json(io::Codec<T>::write(thing)); }

std::string to_bytes(const serving::ServingCapability& c) {
  io::ByteWriter out;
  for (const double value : {c.output_rate.base(), c.input_rate.base(), c.time_per_output_token.base(), c.time_to_first_token.base(), c.mean_power.base(), c.mean_it_power.base(), c.error,
                             c.memory_bound_share, c.compute_bound_share})
    out.number(value);
  out.number(c.n_accelerators);
  out.number(c.concurrency);
  out.number(static_cast<std::int32_t>(c.weight_format));
  out.number(static_cast<std::int32_t>(c.provenance));
  out.text(c.infeasible);
  return out.take();
}

serving::ServingCapability serving_from(std::string_view bytes) {
  io::ByteReader in(bytes);
  const auto next = [&] { return in.number<double>(); };
  serving::ServingCapability c;
  c.output_rate = TokenRate::from_base(next());
  c.input_rate = TokenRate::from_base(next());
  c.time_per_output_token = Time::from_base(next());
  c.time_to_first_token = Time::from_base(next());
  c.mean_power = Power::from_base(next());
  c.mean_it_power = Power::from_base(next());
  c.error = next();
  c.memory_bound_share = next();
  c.compute_bound_share = next();
  c.n_accelerators = in.number<std::int64_t>();
  c.concurrency = in.number<std::int64_t>();
  c.weight_format = static_cast<catalog::NumberFormat>(in.number<std::int32_t>());
  c.provenance = static_cast<cost::Provenance>(in.number<std::int32_t>());
  c.infeasible = in.text();
  return c;
}

std::string to_bytes(const TrainingCapability& c) {
  io::ByteWriter out;
  for (const double value : {c.utilisation, c.rate.base(), c.mean_power.base(), c.idle_power.base(), c.memory.base()}) out.number(value);
  out.text(c.plan);
  out.text(c.infeasible);
  return out.take();
}

TrainingCapability training_from(std::string_view bytes) {
  io::ByteReader in(bytes);
  TrainingCapability c;
  c.utilisation = in.number<double>();
  c.rate = FlopRate::from_base(in.number<double>());
  c.mean_power = Power::from_base(in.number<double>());
  c.idle_power = Power::from_base(in.number<double>());
  c.memory = DataSize::from_base(in.number<double>());
  c.plan = in.text();
  c.infeasible = in.text();
  return c;
}

/// The best of plans without exotic schedules: what a cluster of any make can be expected to run.
TrainingCapability simulated(const catalog::LanguageModel& model, const cost::OperatorModel& operators, const catalog::Catalog& catalog, const ReferenceTraining& reference) {
  const auto& accelerator = operators.accelerator();
  TrainingCapability capability;
  capability.idle_power = operators.idle_power();
  const auto network = network::network_of(accelerator, catalog.system_of(accelerator.id), nullptr, reference.n_accelerators, catalog);
  if (!network) {
    capability.infeasible = fmt::format("no network in the catalog joins {} {}", reference.n_accelerators, accelerator.name);
    return capability;
  }
  const training::Machine machine{operators, *network};
  training::SearchSpace space{.n_accelerators = reference.n_accelerators,
                              .base = {.global_batch = reference.global_batch, .sequence_length = reference.sequence_length},
                              .memory_capacity = catalog::usable_memory(accelerator),
                              .max_micro_batch = 4,
                              .allow_context = false,
                              .schedules = {training::Schedule::one_forward_one_backward, training::Schedule::interleaved}};
  const auto found = training::best_plans(model, machine, space, training::Objective::time, 1, 1);
  if (found.best.empty()) {
    capability.infeasible = fmt::format("none of {} plans of {} on {} {} fits into {:.0f} GB", found.n_plans, model.name, reference.n_accelerators, accelerator.name,
                                        catalog::usable_memory(accelerator).in(giga * byte));
    return capability;
  }
  const auto& best = found.best.front();
  const auto step = training::step(model, best.plan, machine);
  const double n = static_cast<double>(reference.n_accelerators);
  capability.utilisation = step.mfu;
  capability.rate = step.model_work / (n * best.time);
  capability.mean_power = best.energy / (n * best.time);
  capability.memory = best.memory;
  capability.plan = training::plan_text(best.plan);
  return capability;
}

}  // namespace

CapabilityStore::CapabilityStore(const catalog::Catalog& catalog, fs::path folder) : catalog_(catalog), folder_(std::move(folder)), base_(folder_.empty() ? "" : shared_parts(catalog)) {}

fs::path CapabilityStore::default_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string{value ? value : ""};
  };
  if (const auto given = variable("WAFERWATT_CACHE"); !given.empty()) return given == "off" ? fs::path{} : fs::path{given};
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return fs::path{cache} / "waferwatt";
  if (const auto home = variable("HOME"); !home.empty()) return fs::path{home} / ".cache" / "waferwatt";
  return {};
}

/// A cache that cannot be read or written is no cache; results are the same.
std::string CapabilityStore::bytes(const std::string& what, const std::function<std::string()>& make) const {
  if (folder_.empty()) return make();
  Fingerprint print;
  print.add(base_);
  print.add(what);
  const fs::path file = folder_ / (print.text() + ".capability");
  std::error_code error;
  if (fs::exists(file, error))
    // The name is short: the whole question is kept beside the answer, and has to be the same.
    try {
      const std::string kept = content(file);
      io::ByteReader in(kept);
      if (in.text() == base_ && in.text() == what) return in.text();
    } catch (const std::runtime_error&) {
    }
  std::string made = make();
  io::ByteWriter out;
  out.text(base_);
  out.text(what);
  out.text(made);
  fs::create_directories(folder_, error);
  const fs::path draft = file.string() + fmt::format(".{}", ::getpid());
  {
    std::ofstream stream(draft, std::ios::binary);
    stream << out.take();
    if (!stream.flush()) return made;
  }
  fs::rename(draft, file, error);
  return made;
}

serving::ServingCapability CapabilityStore::serving(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator, const serving::ReferenceWorkload& w) const {
  const auto* system = catalog_.system_of(accelerator.id);
  const std::string what = json(model) + json(accelerator) + (system ? json(*system) : "") +
                           fmt::format("serving {} {} {} {}", w.input_tokens, w.output_tokens, w.time_per_output_token.base(), static_cast<int>(w.kv_format));
  return serving_from(bytes(what, [&] { return to_bytes(serving::saturated_capability(model, {accelerator, catalog_, surfaces_}, system, catalog_, w)); }));
}

TrainingCapability CapabilityStore::training(const catalog::LanguageModel& model, const catalog::Accelerator& accelerator, const ReferenceTraining& r) const {
  const auto* system = catalog_.system_of(accelerator.id);
  const std::string what =
      json(model) + json(accelerator) + (system ? json(*system) : "") + fmt::format("training {} {} {}", r.n_accelerators, r.global_batch, r.sequence_length);
  return training_from(bytes(what, [&] { return to_bytes(simulated(model, {accelerator, catalog_, surfaces_}, catalog_, r)); }));
}

}  // namespace waferwatt::scenario
