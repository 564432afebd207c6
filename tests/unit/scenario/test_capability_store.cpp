// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/capability_store.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <unistd.h>

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

namespace fs = std::filesystem;

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("waferwatt-store-" + std::to_string(::getpid()));
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
  std::size_t n_files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator())); }
};

void check_same(const serving::ServingCapability& a, const serving::ServingCapability& b) {
  CHECK(a.output_rate == b.output_rate);
  CHECK(a.input_rate == b.input_rate);
  CHECK(a.time_per_output_token == b.time_per_output_token);
  CHECK(a.time_to_first_token == b.time_to_first_token);
  CHECK(a.mean_power == b.mean_power);
  CHECK(a.mean_it_power == b.mean_it_power);
  CHECK(a.n_accelerators == b.n_accelerators);
  CHECK(a.concurrency == b.concurrency);
  CHECK(a.weight_format == b.weight_format);
  CHECK(a.provenance == b.provenance);
  CHECK(a.error == b.error);
  CHECK(a.memory_bound_share == b.memory_bound_share);
  CHECK(a.compute_bound_share == b.compute_bound_share);
  CHECK(a.infeasible == b.infeasible);
}

}  // namespace

TEST_CASE("what was simulated once is read back bit for bit, and another question is another answer") {
  const Folder folder;
  const auto& model = shipped().language_models.at("llama-3-1-8b");
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const auto fresh = CapabilityStore(shipped(), {}).serving(model, h100, {});
  const CapabilityStore store(shipped(), folder.path);
  check_same(store.serving(model, h100, {}), fresh);
  CHECK(folder.n_files() == 1);
  check_same(CapabilityStore(shipped(), folder.path).serving(model, h100, {}), fresh);
  CHECK(folder.n_files() == 1);
  const auto longer = store.serving(model, h100, {.input_tokens = 4096});
  CHECK(folder.n_files() == 2);
  CHECK(longer.output_rate < fresh.output_rate);
  // A changed accelerator is another one, whatever its id.
  auto faster = h100;
  faster.memory_bandwidth.value *= 2;
  CHECK(store.serving(model, faster, {}).time_per_output_token != fresh.time_per_output_token);
  CHECK(folder.n_files() == 3);
}

TEST_CASE("a broken or foreign file is no answer") {
  const Folder folder;
  const auto& model = shipped().language_models.at("llama-3-1-8b");
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const CapabilityStore store(shipped(), folder.path);
  const auto fresh = store.serving(model, h100, {});
  for (const auto& entry : fs::directory_iterator(folder.path)) std::ofstream(entry.path(), std::ios::binary) << "broken";
  check_same(store.serving(model, h100, {}), fresh);
  check_same(store.serving(model, h100, {}), fresh);
}

TEST_CASE("a folder that cannot be written leaves results as they are") {
  const auto& model = shipped().language_models.at("llama-3-1-8b");
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  check_same(CapabilityStore(shipped(), "/proc/no-such-folder").serving(model, h100, {}), CapabilityStore(shipped(), {}).serving(model, h100, {}));
}

TEST_CASE("training on a reference cluster has a utilisation, or a reason with its numbers") {
  const CapabilityStore store(shipped(), {});
  const auto& model = shipped().language_models.at("llama-3-1-8b");
  const ReferenceTraining small{.n_accelerators = 16, .global_batch = 64, .sequence_length = 4096};
  const auto can = store.training(model, shipped().accelerators.at("nvidia-h100-sxm"), small);
  CHECK(can.infeasible == "");
  CHECK(can.utilisation > 0.3);
  CHECK(can.utilisation < 0.75);
  CHECK(can.rate.in(tera * flop / second) == Approx(can.utilisation * 989.4).epsilon(1e-6));
  CHECK(can.mean_power.in(watt) > 200);
  CHECK(can.mean_power.in(watt) < 700);
  const auto none = store.training(shipped().language_models.at("llama-3-1-405b"), shipped().accelerators.at("nvidia-h100-sxm"), small);
  CHECK_THAT(none.infeasible, Catch::Contains("fits into"));
}
