// SPDX-License-Identifier: Apache-2.0
// Splits of a model over accelerators: what must not change, and what does not fit.
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "waferwatt/catalog/usable_memory.hpp"

using namespace waferwatt;
using namespace waferwatt::serving;

namespace {

const cost::OperatorModel& h200() {
  static const cost::OperatorModel operators(shipped().accelerators.at("nvidia-h200-sxm"), shipped());
  return operators;
}

std::unique_ptr<IterationModel> iterations(const std::string& model, const ReplicaPlan& plan, const EngineSettings& engine = {},
                                           const cost::OperatorModel& operators = h200()) {
  const auto& accelerator = operators.accelerator();
  const auto network = network::network_of(accelerator, shipped().system_of(accelerator.id), nullptr, plan.n_accelerators(), shipped());
  return std::make_unique<IterationModel>(shipped().language_models.at(model), operators, plan, *network, engine);
}

IterationLoad mixed(std::int64_t n_decode, std::int64_t n_chunks) {
  const double chunk = 512;
  return {.n_decode = n_decode,
          .decode_context = n_decode * 900,
          .n_chunks = n_chunks,
          .prefill_tokens = 512 * n_chunks,
          .prefill_work = static_cast<double>(n_chunks) * chunk * chunk / 2,
          .n_first_tokens = n_chunks};
}

}  // namespace

TEST_CASE("One accelerator exchanges nothing") {
  const auto model = iterations("qwen3-30b-a3b", {});
  CHECK(model->cost(mixed(20, 2)).network_s == 0);
  CHECK(iterations("qwen3-30b-a3b", {.tensor_parallel = 2})->cost(mixed(20, 2)).network_s > 0);
}

TEST_CASE("Experts spread over one accelerator and sliced n ways are experts sliced n ways") {
  const auto spread = iterations("deepseek-v3", {.tensor_parallel = 8, .expert_parallel = true, .expert_tensor_parallel = 8});
  const auto sliced = iterations("deepseek-v3", {.tensor_parallel = 8, .expert_parallel = false});
  CHECK(spread->cost(mixed(32, 1)).time_s == Approx(sliced->cost(mixed(32, 1)).time_s));
}

TEST_CASE("Engines that gather tokens do so unless NVLink spans nodes and a token has fewer experts than there are ranks") {
  EngineSettings gathers;
  gathers.backend.gathers_tokens = true;
  static const cost::OperatorModel gb200(shipped().accelerators.at("nvidia-gb200"), shipped());
  const auto network_s = [&](std::int64_t ranks, const EngineSettings& engine, const cost::OperatorModel& operators) {
    return iterations("qwen3-30b-a3b", {.data_parallel = ranks}, engine, operators)->decode_cost(64 * ranks, 64 * ranks * 800).network_s;
  };
  // 48 layers gather 64 tokens of 2,048 numbers from each rank, and reduce as many; nothing else is sent.
  const auto gathered_s = [&](std::int64_t ranks, const cost::OperatorModel& operators) {
    const auto& accelerator = operators.accelerator();
    const auto network = *network::network_of(accelerator, shipped().system_of(accelerator.id), nullptr, ranks, shipped());
    const DataSize all = static_cast<double>(ranks) * 64 * 2048 * 2 * byte;
    return 48 * (network.all_gather_time(network.group(ranks), all) + network.reduce_scatter_time(network.group(ranks), all)).in(second);
  };
  CHECK(network_s(8, gathers, h200()) == Approx(gathered_s(8, h200())));
  CHECK(network_s(8, {}, h200()) <= gathered_s(8, h200()) * 1.0001);
  CHECK(network_s(8, gathers, gb200) == Approx(gathered_s(8, gb200)));  // 8 experts of a token on 8 ranks
  CHECK(network_s(16, gathers, gb200) == Approx(network_s(16, {}, gb200)));
}

TEST_CASE("Data-parallel groups of a dense model each take their share of the sequences, and meet nowhere") {
  // 4 groups with 4 n sequences and 4 prompts take the time of one accelerator with n sequences and 1 prompt.
  const auto four = iterations("llama-3-1-8b", {.data_parallel = 4});
  const auto one = iterations("llama-3-1-8b", {});
  CHECK(four->decode_cost(4 * 16, 4 * 16 * 800).time_s == Approx(one->decode_cost(16, 16 * 800).time_s));
  CHECK(four->cost(mixed(4 * 16, 4)).time_s == Approx(one->cost(mixed(16, 1)).time_s));
}

TEST_CASE("Data-parallel groups have a KV cache each; all of them together hold the replica's blocks") {
  const auto& model = shipped().language_models.at("llama-3-1-8b");
  const auto& accelerator = shipped().accelerators.at("nvidia-h200-sxm");
  const auto two = memory_plan(model, accelerator, {.data_parallel = 2}, {}), four = memory_plan(model, accelerator, {.data_parallel = 4}, {});
  CHECK(static_cast<double>(four.n_kv_blocks) == Approx(2.0 * static_cast<double>(two.n_kv_blocks)).epsilon(1e-3));
}

TEST_CASE("A prompt of 32,000 tokens of Qwen3 32B in bf16 fits an H100, as it was served, a second one does not") {
  // 262,144 bytes a token: 8.4 GB for 32,000 and their answer; of 76.9 GB weights take 65.5.
  const auto memory = memory_plan(shipped().language_models.at("qwen3-32b"), shipped().accelerators.at("nvidia-h100-sxm"), {}, {.max_sequences = 1024});
  CHECK(memory.n_kv_blocks * 16 > 32'100);
  CHECK(memory.n_kv_blocks * 16 < 2 * 32'100);
}

TEST_CASE("Memory of Llama 3 8B on H100 at 90 %, as vLLM measured it: on one, and on each of two") {
  constexpr double kGibibyte = 1073741824.0;
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const auto memory_of = [&](std::int64_t tensor) { return memory_plan(shipped().language_models.at("llama-3-1-8b"), h100, {.tensor_parallel = tensor}, {}); };
  const auto one = memory_of(1), two = memory_of(2);
  // Weights 14.96, activations 1.26 GiB of 71.29 GiB, on two 7.48 (pull request 10511); the runtime takes 0.16 GiB on one as later
  // releases count it (pull request 12126), where several communicate 1.4 GiB are taken.
  CHECK(one.usable.in(byte) / kGibibyte == Approx(71.3).epsilon(0.01));
  CHECK(one.weights.in(byte) / kGibibyte == Approx(14.96).epsilon(0.01));
  CHECK(one.kv_space.in(byte) / kGibibyte == Approx(71.29 - 14.96 - 0.16 - 1.26).epsilon(0.015));
  CHECK(two.kv_space.in(byte) / kGibibyte == Approx(71.29 - 7.48 - 1.4 - 1.26).epsilon(0.015));
  // SRAM is as large as it is said to be, and holds no runtime.
  const auto& groq = shipped().accelerators.at("groq-lpu-v1");
  CHECK(catalog::usable_memory(groq).in(mega * byte) == Approx(230));
  const auto chips = memory_plan(shipped().language_models.at("llama-3-1-8b"), groq, {.tensor_parallel = 64}, {});
  CHECK((chips.usable - chips.weights - chips.activations - chips.kv_space).in(byte) == Approx(0).margin(1));
}

TEST_CASE("Two stages with two micro-batches take as long as one stage with one, and the way between them") {
  const auto two = iterations("llama-3-1-70b", {.tensor_parallel = 2, .pipeline_parallel = 2});
  const auto one = iterations("llama-3-1-70b", {.tensor_parallel = 2});
  const IterationCost staged = two->decode_cost(64, 64 * 1000), whole = one->decode_cost(32, 32 * 1000);
  CHECK(staged.time_s > whole.time_s);
  CHECK(staged.time_s - staged.network_s == Approx(whole.time_s - whole.network_s));  // the other's scheduling lies beside it
}

TEST_CASE("Hosts of a pipeline work beside its stages: a round takes the longer of a pass and of scheduling all micro-batches") {
  // Llama 3.1 70B on 4 stages: a pass takes T + h; four schedulings take 4 h, which is longer from h = T / 3 on.
  const ReplicaPlan plan{.pipeline_parallel = 4};
  const auto round_s = [&](double host_s, double* pass_s) {
    const auto model = iterations("llama-3-1-70b", plan, {.host_overhead = host_s * second});
    const IterationLoad load{.n_decode = 16, .decode_context = 16 * 500};
    *pass_s = model->pass(load).time_s;
    CHECK(model->pass(load).scheduling_s == Approx(host_s));
    const IterationCost round = model->cost(load);
    CHECK(round.time_s == Approx(round.memory_s + round.compute_s + round.launch_s + round.network_s + round.host_s));
    return round.time_s;
  };
  double none_s = 0, pass_s = 0;
  const double round0_s = round_s(0, &none_s);
  CHECK(round0_s == Approx(none_s));
  const double short_s = none_s / 10, long_s = none_s;
  CHECK(round_s(short_s, &pass_s) == Approx(none_s + short_s));
  CHECK(pass_s == Approx(none_s + short_s));
  CHECK(round_s(long_s, &pass_s) == Approx(4 * long_s));
  CHECK(pass_s == Approx(none_s + long_s));
}

TEST_CASE("More memory bandwidth never makes an iteration longer") {
  auto faster = shipped().accelerators.at("nvidia-h200-sxm");
  faster.memory_bandwidth.value = 2 * faster.memory_bandwidth.value;
  const cost::OperatorModel slow(shipped().accelerators.at("nvidia-h200-sxm"), shipped(), cost::OperatorModel::Mode::physics);
  const cost::OperatorModel fast(faster, shipped(), cost::OperatorModel::Mode::physics);
  for (const char* name : {"llama-3-1-8b", "qwen3-30b-a3b", "gpt-oss-120b", "qwen3-5-397b-a17b"}) {
    const ReplicaPlan plan{.tensor_parallel = 4};
    const auto a = iterations(name, plan, {}, slow), b = iterations(name, plan, {}, fast);
    for (const std::int64_t n : {1, 16, 128}) {
      CAPTURE(name, n);
      CHECK(b->decode_cost(n, n * 2000).time_s < a->decode_cost(n, n * 2000).time_s);
      CHECK(b->cost(mixed(n, 2)).time_s <= a->cost(mixed(n, 2)).time_s);
    }
  }
}

TEST_CASE("A sliding window or a linear layer makes long contexts cheaper than full attention would") {
  const auto grows = [](const char* name) {
    const auto model = iterations(name, {.tensor_parallel = 2});
    const auto attention_s = [&](std::int64_t context) { return model->decode_cost(64, 64 * context).time_s; };
    return attention_s(32000) - attention_s(2000);
  };
  auto full = shipped().language_models.at("gpt-oss-120b");
  full.sliding_window.reset(), full.full_attention_step.reset();
  const auto network = *network::network_of(h200().accelerator(), shipped().system_of("nvidia-h200-sxm"), nullptr, 2, shipped());
  IterationModel without_window(full, h200(), {.tensor_parallel = 2}, network, {});
  const double all_s = without_window.decode_cost(64, 64 * 32000).time_s - without_window.decode_cost(64, 64 * 2000).time_s;
  CHECK(grows("gpt-oss-120b") == Approx(all_s / 2).epsilon(0.02));  // every second layer
  CHECK(grows("qwen3-5-397b-a17b") > 0);
}

TEST_CASE("Four-bit experts leave attention in bf16; an accelerator without fp4 reads them and computes in bf16") {
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const auto& b200 = shipped().accelerators.at("nvidia-b200");
  ReplicaPlan plan;
  set_checkpoint_formats(plan, shipped().language_models.at("deepseek-v3"), b200, NumberFormat::fp4);
  CHECK(plan.attention() == WeightFormat{});
  CHECK(plan.experts() == WeightFormat{NumberFormat::fp4});
  set_checkpoint_formats(plan, shipped().language_models.at("gpt-oss-120b"), h100, NumberFormat::fp4);
  CHECK(plan.experts() == WeightFormat{NumberFormat::bf16, cost::Recipe::fp4_weights});
  set_checkpoint_formats(plan, shipped().language_models.at("llama-3-1-70b"), b200, NumberFormat::fp4);
  CHECK(plan.attention() == WeightFormat{NumberFormat::fp4});
  set_checkpoint_formats(plan, shipped().language_models.at("deepseek-v3"), h100, NumberFormat::fp8);
  CHECK(plan.dense() == WeightFormat{NumberFormat::fp8, cost::Recipe::block});
}

TEST_CASE("What does not fit says so with numbers; what cannot be split says why") {
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const auto memory = memory_plan(shipped().language_models.at("deepseek-v3"), h100, {.tensor_parallel = 4, .weight_format = NumberFormat::fp8}, {});
  CHECK(memory.infeasible.find("GB for weights") != std::string::npos);
  CHECK(memory.infeasible.find("4 x 85.4 GB") != std::string::npos);
  CHECK(unsound_split(shipped().language_models.at("deepseek-v3"), {.tensor_parallel = 12}) == "128 attention heads cannot be split 12 ways");
  CHECK(unsound_split(shipped().language_models.at("gpt-oss-120b"), {.tensor_parallel = 8, .data_parallel = 32}) ==
        "128 experts cannot be spread over 256 accelerators");
  CHECK(unsound_split(shipped().language_models.at("llama-3-1-8b"), {.pipeline_parallel = 64}) == "32 layers cannot be cut into 64 stages");
  CHECK(unsound_split(shipped().language_models.at("deepseek-v3"), {.tensor_parallel = 8}).empty());
}

namespace {

/// 64 H200 with DeepSeek-V3 in fp8: one batch, two beside each other, and links between nodes of so many GB/s a way.
std::unique_ptr<IterationModel> on_64(bool two_batches, double link_gb_per_s) {
  const ReplicaPlan plan{.data_parallel = 64, .two_batch_overlap = two_batches, .weight_format = NumberFormat::fp8};
  const auto network = network::network_of(h200().accelerator(), shipped().system_of("nvidia-h200-sxm"), nullptr, 64, shipped());
  network::LinkSpec links = network->scale_out();
  links.bandwidth = link_gb_per_s * giga * byte / second;
  return std::make_unique<IterationModel>(shipped().language_models.at("deepseek-v3"), h200(), plan, network->with_scale_out(links), EngineSettings{});
}

/// Of routed experts in the 58 layers that have them, with so many tokens on each of 64 accelerators.
double experts_s(double n_tokens) {
  const cost::Experts op{.n_tokens = 64 * n_tokens, .experts_per_token = 8, .n_experts = 256, .expert_parallel = 64, .hidden_size = 7168,
                         .ffn_size = 2048, .gated = true, .format = NumberFormat::fp8};
  return 58 * h200().estimate(op).time.in(second);
}

}  // namespace

TEST_CASE("Two halves of a batch hide what flies beside their kernels, but for what exchanges keep of the multiprocessors; the parts still sum to the time") {
  // On fast links everything is hidden: two halves' kernels, and 20 of an H200's 132 multiprocessors as long as exchanges take.
  const IterationLoad load = mixed(64 * 64, 64), half_load = mixed(64 * 32, 32);
  const IterationCost half = on_64(false, 2000)->cost(half_load), both = on_64(true, 2000)->cost(load);
  const double kernels_s = 2 * (half.memory_s + half.compute_s + half.launch_s);
  CHECK(half.exchanging_s == Approx(half.network_s * 20 / 132));
  CHECK(both.time_s == Approx(kernels_s + 2 * half.exchanging_s + half.host_s).epsilon(0.01));
  CHECK(both.time_s == Approx(both.memory_s + both.compute_s + both.launch_s + both.network_s + both.host_s));
}

TEST_CASE("On slow links answers hide all of a layer but its experts, prompts all of a layer twice over") {
  // Kernels of layers with experts that lie beside flights: without prompts those of both halves, routed experts aside; with
  // prompts every kernel hides one flight there and one back: 2 (B + A + S + E). Kernels that hide nothing: 3 of 61 layers, the head.
  const auto hidden_s = [](const IterationLoad& load, const IterationLoad& half_load) {
    const IterationCost half = on_64(false, 0.1)->cost(half_load), both = on_64(true, 0.1)->cost(load);
    CHECK(both.time_s == Approx(both.memory_s + both.compute_s + both.launch_s + both.network_s + both.host_s));
    return std::pair{2 * (half.time_s - half.host_s) - (both.time_s - both.host_s), 2 * (half.memory_s + half.compute_s + half.launch_s)};
  };
  const auto answers = [](std::int64_t n) { return IterationLoad{.n_decode = 64 * n, .decode_context = 64 * n * 900}; };
  const auto [answers_s, answer_kernels_s] = hidden_s(answers(128), answers(64));
  const double others_s = answer_kernels_s - 2 * experts_s(64);
  CHECK(answers_s < others_s);
  CHECK(answers_s > 0.85 * others_s);
  const auto [prompts_s, prompt_kernels_s] = hidden_s(mixed(0, 256), mixed(0, 128));
  CHECK(prompts_s < prompt_kernels_s);
  CHECK(prompts_s > 0.9 * prompt_kernels_s);
}

TEST_CASE("Experts of SGLang's answers over nodes are DeepGEMM's products and the activation between them") {
  // One H800, even experts, 128 tokens of each of 256: into 2 x 2,048 numbers and out again, 58 times. Weights of all experts in fp8,
  // rows of 7,168 in and 4,096 out, then 2,048 in and 7,168 out; the profile's own kernel, which prompts have, takes longer.
  const cost::OperatorModel h800(shipped().accelerators.at("nvidia-h800-sxm"), shipped());
  ReplicaPlan plan{.data_parallel = 8, .routing = {.kind = cost::Routing::Kind::balanced}};
  set_checkpoint_formats(plan, shipped().language_models.at("deepseek-v3"), h800.accelerator(), NumberFormat::fp8);
  EngineSettings without, with;
  without.backend = with.backend = *find_backend("sglang-deepep");
  without.backend.decode_experts.reset();
  REQUIRE(with.backend.decode_experts == cost::GemmLibrary::deepgemm);
  const IterationLoad load{.n_decode = 4096, .decode_context = 4096 * 900};  // 4,096 x 8 pairs over 8 accelerators: 128 of each of 32 experts
  const auto step_s = [&](const EngineSettings& engine, const IterationLoad& l) { return iterations("deepseek-v3", plan, engine, h800)->cost(l).time_s; };
  const double pairs = 4096, weights = 32;
  const auto product_s = [&](double n, double k) {
    const double work_s = 2 * pairs * n * k / 1979e12 / 0.668, bytes_s = (weights * n * k + pairs * k + 2 * pairs * n) / 3.36e12;
    return 2.5e-6 + std::pow(std::pow(work_s, 1.38) + std::pow(bytes_s, 1.38), 1 / 1.38);
  };
  const double between_s = h800.stream(pairs * 2048 * (2 * 2 + 1) * byte).time.in(second);
  const cost::Experts op{.n_tokens = 4096, .experts_per_token = 8, .n_experts = 256, .expert_parallel = 8, .hidden_size = 7168, .ffn_size = 2048,
                         .gated = true, .format = NumberFormat::fp8, .recipe = cost::Recipe::block, .routing = plan.routing};
  const cost::Load roof = cost::demand(op).load(*h800.accelerator().peak(op.format), *h800.accelerator().memory_bandwidth);
  const auto& own = *with.backend.experts;
  const double own_s = cost::FormulaCoefficients{own.launch.in(second), own.compute_efficiency, own.memory_efficiency, 2}.time(roof);
  const double replaced_s = std::min(own_s, h800.estimate(op).time.in(second));
  CHECK(step_s(without, load) - step_s(with, load) == Approx(58 * (replaced_s - product_s(4096, 7168) - between_s - product_s(7168, 2048))).epsilon(1e-3));
  CHECK(step_s(with, mixed(4096, 8)) == step_s(without, mixed(4096, 8)));
}

TEST_CASE("DeepEP's kernels of low latency keep the multiprocessors only while they send and receive, as measured in one node") {
  // 128 tokens of 7,168 numbers to 8 experts each, over 9 nodes: in one node sending takes what the measured curve says.
  const cost::OperatorModel h100(shipped().accelerators.at("nvidia-h100-sxm"), shipped());
  const ReplicaPlan plan{.data_parallel = 72, .weight_format = NumberFormat::fp8};
  EngineSettings engine;
  engine.backend = *find_backend("sglang-deepep");
  const IterationCost step = iterations("deepseek-v3", plan, engine, h100)->cost({.n_decode = 72 * 128, .decode_context = 72 * 128 * 2000});
  const auto measured = network::network_of(h100.accelerator(), shipped().system_of("nvidia-h100-sxm"), nullptr, 72, shipped())->measured();
  const auto kept = [&](const char* way) { return *measured->time(way, "deepep low-latency", 8, 128.0 * 7168 * 8 * byte); };
  CHECK(step.exchanging_s == Approx(58 * (kept("dispatch") + kept("combine")).in(second)));
  CHECK(step.exchanging_s < step.network_s / 3);
}

TEST_CASE("Drafts read a sequence's cache together") {
  // Llama 3.1 8B at 32,000 tokens: 128 kB a token; two tokens of each of 32 sequences read the 134 GB once, two sequences twice.
  const auto model = iterations("llama-3-1-8b", {});
  const IterationLoad one{.n_decode = 32, .decode_context = 32 * 32000};
  IterationLoad two = one, others = one;
  two.tokens_each = 2;
  others.n_decode *= 2, others.decode_context *= 2;
  const double t1 = model->cost(one).time_s, t2 = model->cost(two).time_s, apart = model->cost(others).time_s;
  CHECK(t2 > t1);
  CHECK(t2 < 1.15 * t1);
  CHECK(apart > 1.7 * t1);
}

TEST_CASE("Published expert-parallel nodes of DeepSeek-V3 are met within 15 %") {
  using Kind = cost::Routing::Kind;
  const auto& model = shipped().language_models.at("deepseek-v3");
  // Tokens a second of one accelerator, in fp8, experts with 32 copies.
  struct Node {
    const char* accelerator;
    std::int64_t groups;
    IterationLoad load;
    double tokens, published;
    cost::Routing routing = {};
    bool two_batches = true;
  };
  const auto prompts = [](std::int64_t groups, std::int64_t tokens, std::int64_t length) {
    const std::int64_t n = tokens / length * groups;
    return IterationLoad{.n_chunks = n, .prefill_tokens = tokens * groups, .prefill_work = static_cast<double>(tokens * groups * length) / 2, .n_first_tokens = n};
  };
  const auto answers = [](std::int64_t groups, std::int64_t batch, std::int64_t context, std::int64_t tokens_each = 1) {
    return IterationLoad{.n_decode = groups * batch, .decode_context = groups * batch * context, .tokens_each = tokens_each};
  };
  const cost::Routing even{.kind = Kind::balanced}, any{.kind = Kind::random}, skewed{.kind = Kind::power_law, .exponent = 1.01};
  const std::vector<Node> nodes = {
      // DeepSeek's profiles on H800, even experts: prompts; answers of 128 requests, of which SGLang's authors assume that
      // they have a draft each and 60 % of those are accepted.
      {"nvidia-h800-sxm", 32, prompts(32, 16384, 4096), 16384, 7839, even},
      {"nvidia-h800-sxm", 128, answers(128, 128, 4096, 2), 128 * 1.6, 2324.75, even},
      // SGLang on H100, prompts: experts at random; as they come, of three lengths; at random, 8,192 tokens in one batch (1/1.405).
      {"nvidia-h100-sxm", 32, prompts(32, 16384, 4096), 16384, 7417, any},
      {"nvidia-h100-sxm", 32, prompts(32, 16384, 4096), 16384, 6288, skewed},
      {"nvidia-h100-sxm", 32, prompts(32, 16384, 2048), 16384, 6818, skewed},
      {"nvidia-h100-sxm", 32, prompts(32, 16384, 1024), 16384, 7209, skewed},
      {"nvidia-h100-sxm", 32, prompts(32, 8192, 4096), 8192, 7417 / 1.405, any, false},
      // Answers: two batches, one (1/1.255 of it), and two with 256 rows of 128 requests at half the context.
      {"nvidia-h100-sxm", 72, answers(72, 256, 2050), 256, 2785, skewed},
      {"nvidia-h100-sxm", 72, answers(72, 256, 2050), 256, 2789 / 1.255, skewed, false},
      {"nvidia-h100-sxm", 72, answers(72, 256, 2050), 128 * 1.6, 2172, skewed},
  };
  for (const Node& node : nodes) {
    const cost::OperatorModel operators(shipped().accelerators.at(node.accelerator), shipped());
    ReplicaPlan plan{.data_parallel = node.groups, .redundant_experts = 32, .two_batch_overlap = node.two_batches, .routing = node.routing};
    set_checkpoint_formats(plan, model, operators.accelerator(), NumberFormat::fp8);
    EngineSettings engine;
    engine.backend = *find_backend("sglang-deepep");
    engine.host_overhead = engine.backend.step_overhead;
    const double rate = node.tokens / iterations("deepseek-v3", plan, engine, operators)->cost(node.load).time_s;
    CAPTURE(node.accelerator, node.groups, node.tokens, node.published, rate);
    CHECK(rate == Approx(node.published).epsilon(0.15));
  }
}
