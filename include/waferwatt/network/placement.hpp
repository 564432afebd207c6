// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the ranks of a parallel training step lie on the fabric. All that depends on the order of the axes of parallelism
// follows from the strides here.
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "waferwatt/io/codec.hpp"

namespace waferwatt::network {

enum class Axis { tensor, context, data, pipeline };

/// The axes in the order in which they fill the accelerators, the innermost first: neighbours on the first axis are
/// neighbours on the fabric (Megatron-Core's `order`).
struct Placement {
  std::array<Axis, 4> order = {Axis::tensor, Axis::context, Axis::data, Axis::pipeline};  ///< each axis once

  friend bool operator==(const Placement&, const Placement&) = default;
};
/// Every order, the default first.
std::vector<Placement> all_placements();

enum class GroupKind {
  tensor,          ///< activations of a layer
  context,         ///< keys and values
  data,            ///< gradients and weights of dense layers: data and context ranks
  expert,          ///< tokens on their way to experts
  expert_tensor,   ///< ranks that share each expert's matrices
  expert_data,     ///< gradients and weights of experts
  pipeline_stages  ///< neighbouring stages
};

/// Ranks `stride` apart.
struct Span {
  std::int64_t n_ranks = 1, stride = 1;
};

/// The ranks of a group, counted from its first one: spans of spans, the innermost first.
class Layout {
 public:
  Layout() = default;
  explicit Layout(std::int64_t n_ranks) : n_ranks_(n_ranks) {}
  /// A further span around those there are; one that continues the last is made part of it.
  void add(Span span);

  std::int64_t n_ranks() const { return n_ranks_; }
  /// Without those of one rank.
  std::span<const Span> spans() const { return {spans_.data(), n_spans_}; }
  /// Whether groups of its first n ranks, its next n, and so on lie alike. \pre n divides n_ranks
  bool parts_alike(std::int64_t n) const;
  /// The first n ranks, and one rank of each n. \pre parts_alike(n), else their number is right and their place about so
  std::pair<Layout, Layout> parted(std::int64_t n) const;

 private:
  std::int64_t n_ranks_ = 1;
  std::array<Span, 4> spans_{};
  std::size_t n_spans_ = 0;
};

/// Degrees of parallelism and their placement. Experts have axes of their own among the ranks of a stage: those of the
/// placement without context, slices of an expert in the place of tensor, experts and then their copies in that of data.
/// Where pipeline lies among the axes of a stage, the stage's ranks are counted past the other stages'.
struct Degrees {
  std::int64_t tensor = 1, context = 1, data = 1, pipeline = 1;
  std::int64_t expert = 1, expert_tensor = 1;
  Placement placement = {};

  std::int64_t n_ranks() const { return n_stage_ranks() * pipeline; }
  std::int64_t n_stage_ranks() const { return tensor * context * data; }
  std::int64_t degree(Axis axis) const;
  /// Accelerators between neighbours on an axis.
  std::int64_t stride(Axis axis) const;
  /// The accelerator of a stage's rank, both counted from 0 in the order of the placement.
  std::int64_t rank(std::int64_t stage, std::int64_t index) const;
  /// A group of a kind among the ranks of its stage, the innermost span first. \pre not pipeline_stages
  std::array<Span, 2> stage_spans(GroupKind kind) const;
  /// The same on the fabric; of pipeline_stages all stages of a replica.
  Layout layout(GroupKind kind) const;
};

}  // namespace waferwatt::network

namespace waferwatt::io {
template <>
struct EnumTexts<network::Axis> {
  static constexpr std::array values{std::pair{network::Axis::tensor, "tensor"}, std::pair{network::Axis::context, "context"},
                                     std::pair{network::Axis::data, "data"}, std::pair{network::Axis::pipeline, "pipeline"}};
};
/// A list of all axes, the innermost first.
template <>
struct Codec<network::Placement> {
  static void read(const Value&, const std::string& path, ReadContext&, network::Placement&, const Limits<std::monostate>&);
  static Value write(const network::Placement&);
  static TypeDescription describe();
};
}  // namespace waferwatt::io
