// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/network/placement.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::network {
namespace {

std::int64_t divided_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }

/// Ranks between neighbours on an axis among those of one stage.
std::int64_t stage_stride(const Degrees& d, Axis axis) {
  std::int64_t stride = 1;
  for (const Axis other : d.placement.order) {
    if (other == axis) break;
    if (other != Axis::pipeline) stride *= d.degree(other);
  }
  return stride;
}

bool is_inside(const Placement& placement, Axis inner, Axis outer) {
  return std::ranges::find(placement.order, inner) < std::ranges::find(placement.order, outer);
}

}  // namespace

std::vector<Placement> all_placements() {
  std::vector<Placement> found;
  Placement next;
  do found.push_back(next);
  while (std::ranges::next_permutation(next.order).found);
  return found;
}

void Layout::add(Span span) {
  if (span.n_ranks <= 1) return;
  if (n_spans_ > 0) {
    Span& last = spans_[n_spans_ - 1];
    if (span.stride == last.n_ranks * last.stride) {
      last.n_ranks *= span.n_ranks;
      return;
    }
  }
  spans_.at(n_spans_++) = span;
}

bool Layout::parts_alike(std::int64_t n) const {
  for (const Span& span : spans()) {
    if (n <= span.n_ranks) return span.n_ranks % n == 0;
    if (n % span.n_ranks != 0) return false;
    n /= span.n_ranks;
  }
  return true;
}

std::pair<Layout, Layout> Layout::parted(std::int64_t n) const {
  Layout inside(n), across(n_ranks_ / n);
  for (const Span& span : spans()) {
    const std::int64_t here = std::min(n, span.n_ranks);
    inside.add({here, span.stride});
    across.add({span.n_ranks / here, span.stride * here});
    n = divided_up(n, here);
  }
  return {inside, across};
}

std::int64_t Degrees::degree(Axis axis) const {
  switch (axis) {
    case Axis::tensor:
      return tensor;
    case Axis::context:
      return context;
    case Axis::data:
      return data;
    case Axis::pipeline:
      break;
  }
  return pipeline;
}

std::int64_t Degrees::stride(Axis axis) const {
  return axis != Axis::pipeline && is_inside(placement, Axis::pipeline, axis) ? stage_stride(*this, axis) * pipeline : stage_stride(*this, axis);
}

std::int64_t Degrees::rank(std::int64_t stage, std::int64_t index) const {
  const std::int64_t before = stride(Axis::pipeline);
  return index % before + stage * before + index / before * before * pipeline;
}

std::array<Span, 2> Degrees::stage_spans(GroupKind kind) const {
  const std::int64_t n = n_stage_ranks(), tensor_stride = stage_stride(*this, Axis::tensor);
  const bool slices_inside = is_inside(placement, Axis::tensor, Axis::data);
  const std::int64_t expert_stride = slices_inside ? expert_tensor : 1, copies = n / std::max<std::int64_t>(1, expert * expert_tensor);
  switch (kind) {
    case GroupKind::tensor:
      return {Span{tensor, tensor_stride}};
    case GroupKind::context:
      return {Span{context, stage_stride(*this, Axis::context)}};
    case GroupKind::data:  // all ranks of one place in their tensor groups
      return {Span{tensor_stride, 1}, Span{n / (tensor_stride * tensor), tensor_stride * tensor}};
    case GroupKind::expert:
      return {Span{expert, expert_stride}};
    case GroupKind::expert_tensor:
      return {Span{expert_tensor, slices_inside ? 1 : expert * copies}};
    case GroupKind::expert_data:
      return {Span{copies, expert_stride * expert}};
    case GroupKind::pipeline_stages:
      break;
  }
  return {};
}

Layout Degrees::layout(GroupKind kind) const {
  const std::int64_t before = stride(Axis::pipeline);
  if (kind == GroupKind::pipeline_stages) {
    Layout stages(pipeline);
    stages.add({pipeline, before});
    return stages;
  }
  const auto among_stage = stage_spans(kind);
  Layout found(among_stage[0].n_ranks * among_stage[1].n_ranks);
  for (const auto& [n, stride] : among_stage) {
    // Ranks up to the next stage's, and those past it.
    const std::int64_t here = stride >= before ? 1 : std::min(n, divided_up(before, stride));
    found.add({here, stride});
    found.add({divided_up(n, here), stride >= before ? stride * pipeline : before * pipeline});
  }
  return found;
}

}  // namespace waferwatt::network

namespace waferwatt::io {
namespace {

/// The axes given, each once, and then those that are missing: what may have been meant.
std::string completed(const std::vector<network::Axis>& given) {
  std::vector<network::Axis> order;
  const auto take = [&](network::Axis axis) {
    if (std::ranges::find(order, axis) == order.end()) order.push_back(axis);
  };
  std::ranges::for_each(given, take);
  std::ranges::for_each(network::Placement{}.order, take);
  std::string text;
  for (const auto axis : order) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", enum_text(axis));
  return "[" + text + "]";
}

}  // namespace

void Codec<network::Placement>::read(const Value& value, const std::string& path, ReadContext& context, network::Placement& out,
                                     const Limits<std::monostate>&) {
  const auto* list = expect_list(value, path, context, "a list of axes, the innermost first");
  if (!list) return;
  const std::size_t n_before = context.diagnostics.found().size();
  std::vector<network::Axis> order;
  Codec<std::vector<network::Axis>>::read(value, path, context, order, {});
  if (context.diagnostics.found().size() > n_before) return;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (std::ranges::find(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(i), order[i]) != order.begin() + static_cast<std::ptrdiff_t>(i)) {
      context.complain((*list)[i], fmt::format("{}/{}", path, i),
                       fmt::format("\"{}\" a second time, each axis stands once; did you mean {}?", enum_text(order[i]), completed(order)));
      return;
    }
  if (order.size() < out.order.size()) {
    context.complain(value, path, fmt::format("{} of the {} axes are missing; did you mean {}?", out.order.size() - order.size(), out.order.size(),
                                              completed(order)));
    return;
  }
  std::ranges::copy(order, out.order.begin());
}

Value Codec<network::Placement>::write(const network::Placement& placement) {
  return Codec<std::vector<network::Axis>>::write({placement.order.begin(), placement.order.end()});
}

TypeDescription Codec<network::Placement>::describe() {
  TypeDescription list = Codec<std::vector<network::Axis>>::describe();
  list.text = "a list of each of tensor, context, data, pipeline once";
  for (const char* limit : {"minItems", "maxItems"}) list.schema[limit] = 4;
  list.schema["uniqueItems"] = true;
  return list;
}

}  // namespace waferwatt::io
