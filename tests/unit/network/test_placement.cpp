// SPDX-License-Identifier: Apache-2.0
// Where groups lie when the axes fill the fabric in another order: by hand, against the list of all ranks, and
// against flows.
#include "waferwatt/network/placement.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "fabrics.hpp"
#include "waferwatt/network/step_groups.hpp"

using namespace waferwatt;
using namespace waferwatt::network;

namespace {

constexpr Axis kT = Axis::tensor, kC = Axis::context, kD = Axis::data, kP = Axis::pipeline;
constexpr GroupKind kKinds[] = {GroupKind::tensor, GroupKind::context, GroupKind::data, GroupKind::expert, GroupKind::expert_tensor,
                                GroupKind::expert_data};

/// 100 GB/s and 1 us in domains of `domain`, 10 GB/s and 4 us across.
TwoLevelNetwork two_levels(std::int64_t domain) {
  const Bandwidth rate = giga * byte / second;
  return {{100 * rate, 1 * micro * second, 1}, domain, {10 * rate, 4 * micro * second, 1}, Time{}};
}

std::string text(const Placement& placement) {
  std::string all;
  for (const Axis axis : placement.order) all += io::enum_text(axis) + " ";
  return all;
}

/// The ranks of a layout, counted from its first.
std::vector<Rank> ranks_of(const Layout& layout) {
  std::vector<Rank> ranks = {0};
  for (const Span& span : layout.spans()) {
    const std::vector<Rank> inner = ranks;
    for (std::int64_t i = 1; i < span.n_ranks; ++i)
      for (const Rank r : inner) ranks.push_back(r + static_cast<Rank>(i * span.stride));
  }
  return ranks;
}

}  // namespace

TEST_CASE("an axis's stride is the product of the degrees inside it") {
  Degrees d{.tensor = 2, .context = 3, .data = 5, .pipeline = 7};
  CHECK(d.stride(kT) == 1);
  CHECK(d.stride(kC) == 2);
  CHECK(d.stride(kD) == 6);
  CHECK(d.stride(kP) == 30);
  d.placement.order = {kP, kD, kT, kC};
  CHECK(d.stride(kP) == 1);
  CHECK(d.stride(kD) == 7);
  CHECK(d.stride(kT) == 35);
  CHECK(d.stride(kC) == 70);
}

TEST_CASE("groups of another order, rank by rank") {
  // A rank is t + 2 p + 4 d + 8 c: stage 0 has 0 1 4 5 8 9 12 13, stage 1 the others.
  Degrees d{.tensor = 2, .context = 2, .data = 2, .pipeline = 2, .expert = 2, .expert_tensor = 2, .placement = {{kT, kP, kD, kC}}};
  CHECK(groups_of(d, GroupKind::tensor).at(1) == std::vector<Rank>{4, 5});
  CHECK(groups_of(d, GroupKind::tensor).at(4) == std::vector<Rank>{2, 3});
  CHECK(groups_of(d, GroupKind::context).at(0) == std::vector<Rank>{0, 8});
  CHECK(groups_of(d, GroupKind::data).at(0) == std::vector<Rank>{0, 4, 8, 12});
  CHECK(groups_of(d, GroupKind::data).at(3) == std::vector<Rank>{3, 7, 11, 15});
  CHECK(groups_of(d, GroupKind::expert_tensor).at(0) == std::vector<Rank>{0, 1});
  CHECK(groups_of(d, GroupKind::expert).at(0) == std::vector<Rank>{0, 4});
  CHECK(groups_of(d, GroupKind::expert_data).at(0) == std::vector<Rank>{0, 8});
  CHECK(groups_of(d, GroupKind::pipeline_stages).at(2) == std::vector<Rank>{4, 6});
  CHECK(groups_of(d, GroupKind::pipeline_stages).size() == 8);

  // A rank is d + 2 p + 4 t + 8 c. Ranks with one t: two neighbours, and two more past the other t. Tensor lies outside of
  // data: experts come first, then their copies, then their slices.
  d.placement.order = {kD, kP, kT, kC};
  CHECK(groups_of(d, GroupKind::tensor).at(0) == std::vector<Rank>{0, 4});
  CHECK(groups_of(d, GroupKind::data).at(0) == std::vector<Rank>{0, 1, 8, 9});
  CHECK(groups_of(d, GroupKind::expert).at(0) == std::vector<Rank>{0, 1});
  CHECK(groups_of(d, GroupKind::expert_data).at(0) == std::vector<Rank>{0, 4});
  CHECK(groups_of(d, GroupKind::expert_tensor).at(0) == std::vector<Rank>{0, 8});
  // Of the four replicas two are in a domain of 8, all in one of 16.
  const Layout replicas = d.layout(GroupKind::data);
  CHECK(two_levels(8).group(replicas) == Group{4, 2});
  CHECK(two_levels(16).group(replicas) == Group{4, 4});

  // Experts past the other stage's ranks: 4 of stage 0's 0 1 4 5 8 9 12 13.
  d = {.tensor = 2, .data = 4, .pipeline = 2, .expert = 4, .expert_tensor = 1, .placement = {{kT, kP, kC, kD}}};
  CHECK(groups_of(d, GroupKind::expert).at(0) == std::vector<Rank>{0, 1, 4, 5});
  CHECK(groups_of(d, GroupKind::expert).at(1) == std::vector<Rank>{8, 9, 12, 13});
}

TEST_CASE("a layout in one span is a group of that stride") {
  const TwoLevelNetwork network = two_levels(8);
  Layout layout(16);
  layout.add({4, 2}), layout.add({4, 8});  // the second continues the first
  CHECK(layout.spans().size() == 1);
  CHECK(network.group(layout) == network.group(16, 2));
}

TEST_CASE("neighbours share an adapter whatever lies beyond them") {
  const TwoLevelNetwork network = two_levels(8).with_shared_adapters(2);
  Layout pairs(8);  // 0 1 4 5 in a domain: 0 and 1 share an adapter
  pairs.add({2, 1}), pairs.add({4, 4});
  CHECK(network.group(pairs) == Group{8, 4, false});
  Layout apart(8);  // 0 2 8 10
  apart.add({2, 2}), apart.add({4, 8});
  CHECK(network.group(apart) == Group{8, 2, true});
}

TEST_CASE("partition groups part a layout into neighbours and their places") {
  Layout layout(8);  // 0 1 8 9 16 17 24 25
  layout.add({2, 1}), layout.add({4, 8});
  const auto [near, across] = layout.parted(4);
  CHECK(ranks_of(near) == std::vector<Rank>{0, 1, 8, 9});
  CHECK(ranks_of(across) == std::vector<Rank>{0, 16});
  CHECK(ranks_of(layout.parted(1).second) == ranks_of(layout));
  for (const std::int64_t n : {1, 2, 4, 8}) CHECK(layout.parts_alike(n));
  Layout thirds(6);  // 0 1 8 9 16 17: of three 0 1 8 and 9 16 17
  thirds.add({2, 1}), thirds.add({3, 8});
  CHECK(thirds.parts_alike(2));
  CHECK_FALSE(thirds.parts_alike(3));
}

TEST_CASE("under every order groups part the ranks, and lie as their layout says") {
  const auto topology = make_topology(fat_tree(32), TestFabrics().parts());
  for (const Placement& placement : all_placements()) {
    INFO(text(placement));
    const Degrees d{.tensor = 2, .context = 2, .data = 4, .pipeline = 2, .expert = 4, .expert_tensor = 2, .placement = placement};
    for (const GroupKind kind : kKinds) {
      const auto groups = groups_of(d, kind);
      const Layout layout = d.layout(kind);
      std::set<Rank> seen;
      for (const auto& group : groups) {
        std::vector<Rank> moved = ranks_of(layout);
        for (Rank& r : moved) r += group.front();
        CHECK(moved == group);
        const Group found = two_levels(8).group(layout);
        CHECK(shape_of(*topology, group).per_domain == found.per_domain);
        seen.insert(group.begin(), group.end());
      }
      CHECK(seen.size() == 32);
      CHECK(groups.size() * groups.front().size() == 32);
    }
    bool crosses = false;
    for (const auto& pair : groups_of(d, GroupKind::pipeline_stages)) {
      CHECK(pair[1] - pair[0] == d.stride(kP));
      crosses = crosses || pair[0] / 8 != pair[1] / 8;
    }
    CHECK(two_levels(8).group(d.layout(GroupKind::pipeline_stages)).spans_domains() == crosses);
  }
}

TEST_CASE("under every order the closed forms of all groups agree with flows") {
  Evaluator evaluator(fat_tree(32), TestFabrics().parts());
  const TwoLevelNetwork network = two_levels(8);
  const DataSize size = 256 * mega * byte;
  for (const Placement& placement : all_placements()) {
    const Degrees d{.tensor = 2, .context = 2, .data = 4, .pipeline = 2, .expert = 4, .expert_tensor = 2, .placement = placement};
    for (const GroupKind kind : kKinds) {
      const Group group = network.group(d.layout(kind));
      const Collective collective = kind == GroupKind::expert ? Collective::all_to_all : kind == GroupKind::context ? Collective::all_gather : Collective::all_reduce;
      const Algorithm algorithm = collective == Collective::all_to_all                     ? Algorithm::pairwise
                                  : group.spans_domains() && group.per_domain > 1 ? Algorithm::hierarchical
                                                                                  : Algorithm::ring;
      const auto formula = closed_form_time(network, collective, algorithm, group, size);
      REQUIRE(formula);
      const auto flows = concurrent_times(evaluator, {{"all", groups_of(d, kind), collective, algorithm, size}}, FlowEngine::fluid);
      INFO(text(placement) << "kind " << static_cast<int>(kind));
      CHECK(flows.groups[0].alone.in(micro * second) == Approx(formula->in(micro * second)).epsilon(0.01));
    }
    const bool across = network.group(d.layout(GroupKind::pipeline_stages)).spans_domains();
    const auto sends = concurrent_times(evaluator, {{"sends", groups_of(d, GroupKind::pipeline_stages), Collective::send, Algorithm::direct, size}}, FlowEngine::fluid);
    CHECK(sends.groups[0].alone.in(micro * second) == Approx(network.send_time(across, size).in(micro * second)).epsilon(0.01));
  }
}
