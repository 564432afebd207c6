// SPDX-License-Identifier: Apache-2.0
// The numbers of a profile that are fitted, with what is plausible of an engine that nobody has measured.
#include "waferwatt/validation/serving_fit.hpp"

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;

constexpr double kMilli = 1e3, kMicro = 1e6;

serving::ExpertKernel experts_of(const BackendProfile& p) { return p.experts.value_or(serving::ExpertKernel{20 * micro * second, 0.4, 0.6}); }

template <class Change>
void change_experts(BackendProfile& p, Change change) {
  p.experts = experts_of(p);
  change(*p.experts);
}

// name, unit, get, set, prior, scale, low, high
constexpr ProfileParameter kParameters[] = {
    {"first_token_steps", "steps", [](const BackendProfile& p) { return p.first_token_steps; },
     [](BackendProfile& p, double x) { p.first_token_steps = x; }, 2, 2, 0, 40},
    {"layer_overhead", "us", [](const BackendProfile& p) { return p.layer_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.layer_overhead = x * micro * second; }, 8, 8, 0, 60},
    {"experts.compute_efficiency", "", [](const BackendProfile& p) { return experts_of(p).compute_efficiency; },
     [](BackendProfile& p, double x) { change_experts(p, [x](auto& e) { e.compute_efficiency = x; }); }, 0.2, 0, 0.05, 1},
    {"experts.memory_efficiency", "", [](const BackendProfile& p) { return experts_of(p).memory_efficiency; },
     [](BackendProfile& p, double x) { change_experts(p, [x](auto& e) { e.memory_efficiency = x; }); }, 0.8, 0, 0.2, 1},
    {"experts.launch", "us", [](const BackendProfile& p) { return experts_of(p).launch.in(second) * kMicro; },
     [](BackendProfile& p, double x) { change_experts(p, [x](auto& e) { e.launch = x * micro * second; }); }, 40, 0, 5, 100},
    {"step_overhead", "us", [](const BackendProfile& p) { return p.step_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.step_overhead = x * micro * second; }, 1000, 500, 0, 8000},
    {"sequence_overhead", "us", [](const BackendProfile& p) { return p.sequence_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.sequence_overhead = x * micro * second; }, 10, 10, 0, 200},
    {"stream_overhead", "us", [](const BackendProfile& p) { return p.stream_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.stream_overhead = x * micro * second; }, 10, 10, 0, 200},
    {"prompt_overhead", "us", [](const BackendProfile& p) { return p.prompt_overhead.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.prompt_overhead = x * micro * second; }, 500, 500, 0, 20000},
    {"decode_launch", "", [](const BackendProfile& p) { return p.decode_launch; },
     [](BackendProfile& p, double x) { p.decode_launch = x; }, 1, 0, 0.3, 3},
    {"prefill_kernels", "", [](const BackendProfile& p) { return p.prefill_kernels; },
     [](BackendProfile& p, double x) { p.prefill_kernels = x; }, 1, 0, 0.5, 3},
    {"prefill_experts", "", [](const BackendProfile& p) { return p.prefill_experts; },
     [](BackendProfile& p, double x) { p.prefill_experts = x; }, 1, 0, 0.5, 3},
    {"eager_layer", "us", [](const BackendProfile& p) { return p.eager_layer.in(second) * kMicro; },
     [](BackendProfile& p, double x) { p.eager_layer = x * micro * second; }, 150, 50, 0, 2500},
    {"request_overhead", "ms", [](const BackendProfile& p) { return p.request_overhead.in(second) * kMilli; },
     [](BackendProfile& p, double x) { p.request_overhead = x * milli * second; }, 10, 5, 0, 400},
};

}  // namespace

std::span<const ProfileParameter> profile_parameters() { return kParameters; }

}  // namespace waferwatt::validation
