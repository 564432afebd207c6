// SPDX-License-Identifier: Apache-2.0
// Accelerators and networks as sources name them.
#include "published_row.hpp"

#include <algorithm>
#include <cmath>
#include <regex>

#include <fmt/format.h>

namespace waferwatt::validation {
namespace {

/// Names are looked for in this order: longer ones that hold shorter ones come first.
constexpr std::pair<std::string_view, std::string_view> kAccelerators[] = {
    {"gb300", "nvidia-gb300"},      {"gb200", "nvidia-gb200"},        {"b300", "nvidia-b300"},
    {"b200", "nvidia-b200"},        {"gh200", "nvidia-gh200"},        {"h200", "nvidia-h200-sxm"},
    {"h100-pcie", "nvidia-h100-pcie"}, {"h100 pcie", "nvidia-h100-pcie"}, {"h100", "nvidia-h100-sxm"}, {"h800", "nvidia-h800-sxm"},      {"h20", "nvidia-h20"},
    {"a100", "nvidia-a100-sxm-80gb"}, {"a800", "nvidia-a800-sxm"},    {"l40s", "nvidia-l40s"},
    {"rtx pro 6000", "nvidia-rtx-pro-6000"}, {"rtx 4090", "nvidia-rtx-4090"},
    {"mi300", "amd-mi300x"},        {"mi325", "amd-mi325x"},          {"mi355", "amd-mi355x"},
    {"v5p", "google-tpu-v5p"},      {"v5e", "google-tpu-v5e"},        {"v5 lite", "google-tpu-v5e"},
    {"v6e", "google-tpu-v6e"},      {"trillium", "google-tpu-v6e"},   {"tpu v4", "google-tpu-v4"},
    {"tpuv4", "google-tpu-v4"},     {"tpu-v4", "google-tpu-v4"},      {"gaudi 3", "intel-gaudi-3"},
    {"gaudi3", "intel-gaudi-3"},    {"trn2", "amazon-trainium2"},     {"trainium2", "amazon-trainium2"},
    {"trn1", "amazon-trainium1"},   {"910b", "huawei-ascend-910b"},   {"910c", "huawei-ascend-910c"}};

/// One that the catalog lacks, as far as the row describes it; operators are then transferred from others.
catalog::Accelerator described(const Value& hardware) {
  const auto peak = number_of(hardware, "peak_bf16_tflops"), size = number_of(hardware, "hbm_GB"),
             rate = number_of(hardware, "hbm_TBps");
  if (!peak || !size || !rate)
    throw Unusable("the catalog has no accelerator \"" + text_of(hardware, "gpu") +
                   "\", and its peak_bf16_tflops, hbm_GB and hbm_TBps are not all given");
  catalog::Accelerator a;
  a.id = a.name = text_of(hardware, "gpu");
  const auto fact = [](auto value) {
    catalog::Fact<decltype(value)> f;
    f.value = value;
    return f;
  };
  a.peak_bf16 = fact(*peak * tera * flop / second);
  if (const auto narrow = number_of(hardware, "peak_fp8_tflops")) a.peak_fp8 = fact(*narrow * tera * flop / second);
  if (const auto narrow = number_of(hardware, "peak_fp4_tflops")) a.peak_fp4 = fact(*narrow * tera * flop / second);
  a.memory_capacity = fact(*size * giga * byte);
  a.memory_bandwidth = fact(*rate * tera * byte / second);
  a.tdp = fact(500.0 * watt);  // of energy nothing is compared
  return a;
}

/// What stands before a unit: "900 GB/s" is 900.
std::optional<double> rate_before(const std::string& text, const char* unit) {
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(std::string("([0-9]+(?:\\.[0-9]+)?) ?") + unit))) return std::nullopt;
  return std::stod(found[1]);
}

/// Of "8x400Gb/s NDR (H100/B200), 800Gb/s XDR (B300/GB300)" the rate of one accelerator's class.
std::optional<double> class_rate(const std::string& network, const std::string& gpu) {
  static const std::regex classes("([0-9]+) ?Gb/s[^(]*\\(([^)]*)\\)");
  for (std::sregex_iterator at(network.begin(), network.end(), classes), end; at != end; ++at) {
    std::string names = lower((*at)[2]);
    for (std::size_t start = 0; start < names.size();) {
      const std::size_t stop = std::min(names.find('/', start), names.size());
      const std::string name = names.substr(start, stop - start);
      if (!name.empty() && contains(gpu, name)) return std::stod((*at)[1]);
      start = stop + 1;
    }
  }
  return std::nullopt;
}

struct Adapters {
  Bandwidth bandwidth;  ///< of one accelerator
  std::int64_t n_accelerators = 1;  ///< that share an adapter
};

/// What one accelerator has of a network such as "8x HDR 200Gb/s IB per node", "1600 Gb/s RoCE per node",
/// "Storage: 2x ..., Compute: 8x ConnectX-7 IB NDR 400Gb/s".
std::optional<Adapters> adapters_of(std::string network, const std::string& gpu, double node_size) {
  if (const auto compute = network.find("ompute"); compute != std::string::npos) network.erase(0, compute);
  constexpr auto kGigabit = giga * byte / second / 8;
  if (const auto rate = class_rate(network, gpu)) return Adapters{*rate * kGigabit};
  if (contains(network, "HDR200")) return Adapters{200 * kGigabit};
  static const std::regex cards("([0-9]+) ?x ?[^,;0-9]*?(?:[A-Za-z]+-?[0-9]* [A-Za-z ]*)?([0-9]+) ?Gb/s");
  std::smatch found;
  if (std::regex_search(network, found, cards)) {
    const double n = std::stod(found[1]);
    return Adapters{n * std::stod(found[2]) / node_size * kGigabit, std::max<std::int64_t>(1, std::llround(node_size / n))};
  }
  const auto rate = rate_before(network, "Gb/s");
  if (!rate) return std::nullopt;
  const bool whole_node = contains(network, "per node") || *rate >= 1600;
  return Adapters{*rate / (whole_node ? node_size : 1) * kGigabit};
}

}  // namespace

catalog::Accelerator accelerator_of(const Value& hardware, const catalog::Catalog& catalog) {
  const std::string gpu = lower(text_of(hardware, "gpu"));
  if (gpu.empty()) throw Unusable("the accelerator is not given");
  const auto at = std::ranges::find_if(kAccelerators, [&](const auto& pair) { return contains(gpu, pair.first); });
  const auto* known = at != std::end(kAccelerators) ? catalog.accelerators.find(std::string(at->second)) : nullptr;
  // A card is another product than the module of its name.
  const auto peak = number_of(hardware, "peak_bf16_tflops");
  const bool is_card = contains(gpu, "pcie") && peak && known && *peak * tera * flop / second < 0.9 * *known->peak_bf16;
  if (!known || is_card) return described(hardware);
  auto a = *known;
  if (const auto size = number_of(hardware, "hbm_GB")) a.memory_capacity.value = *size * giga * byte;
  if (const auto rate = number_of(hardware, "hbm_TBps")) a.memory_bandwidth.value = *rate * tera * byte / second;
  return a;
}

network::TwoLevelNetwork network_of(const Value& hardware, const catalog::Accelerator& accelerator,
                                    const catalog::Catalog& catalog, std::int64_t n) {
  const auto* system = catalog.system_of(accelerator.id);
  const double node = number_of(hardware, "node_size").value_or(8);
  const auto known = network::network_of(accelerator, system, nullptr, n, catalog);
  const auto given = adapters_of(text_of(hardware, "network"), lower(text_of(hardware, "gpu")), node);
  const auto inside = network::network_of(accelerator, system, nullptr, 1, catalog);
  auto out = known ? known->scale_out() : network::LinkSpec{};
  if (given) out.bandwidth = given->bandwidth;
  if (out.efficiency <= 0 || !known) out.efficiency = 0.9, out.latency = 5 * micro * second;
  // What the row says of the inside of a node counts where the catalog knows nothing, or another kind of it.
  const std::string intra = lower(text_of(hardware, "intra"));
  if (const auto rate = rate_before(text_of(hardware, "intra"), "GB/s"); rate && (!system || contains(intra, "pcie"))) {
    const network::LinkSpec up{*rate * (contains(intra, "bi") ? 0.5 : 1) * giga * byte / second, 3 * micro * second, 0.8};
    return {up, static_cast<std::int64_t>(node), out};
  }
  if (!inside) throw Unusable("nothing is known of the network inside a node");
  if (n > inside->domain_size() && !known && !given) throw Unusable("nothing is known of the network beyond a node");
  return (known ? *known : *inside).with_scale_out(out).with_shared_adapters(given ? given->n_accelerators : 1);
}

}  // namespace waferwatt::validation
