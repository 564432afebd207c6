// SPDX-License-Identifier: Apache-2.0
#include "fabric_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::scenario {
namespace {

using network::Answer;
using network::Evaluation;
using network::FlowEngine;
using network::Question;

double seconds(const std::optional<Answer>& answer) { return answer ? answer->time.in(second) : std::nan(""); }

std::vector<Question> questions(const FabricScenario& s, const std::vector<DataSize>& sizes) {
  std::vector<Question> all;
  for (const auto collective : s.collectives)
    for (const auto& group : s.groups)
      for (const DataSize size : sizes) {
        const std::int64_t n = collective == network::Collective::send ? 2 : group.value;
        all.push_back({collective, s.algorithm, n, s.stride, 0, size, 1});
      }
  return all;
}

/// Four digits with an SI prefix.
template <core::Dimension D>
std::string rounded(core::Quantity<D> quantity) {
  return core::to_text(core::Quantity<D>::from_base(std::stod(fmt::format("{:.4g}", quantity.base()))));
}

std::string name_of(const Question& q) {
  return fmt::format("{} of {} over {} ranks", io::enum_text(q.collective), rounded(q.size), q.n_ranks);
}

constexpr double kNoticed = 1.005;  // slowdowns below it are none


/// The question on a changed fabric; nothing when its group is cut off.
std::optional<Answer> answer_on(const FabricAlternative& alternative, const FabricScenario& s, const network::FabricParts& parts,
                                const Question& question) {
  network::FabricDesign design = s.fabric.value;
  if (alternative.oversubscription) design.oversubscription = *alternative.oversubscription;
  network::Evaluator evaluator(design, parts, s.launch_time, s.in_network_reduction);
  std::vector<network::LinkChange> changes;
  if (alternative.where)
    for (const auto link : evaluator.topology().links_named(*alternative.where)) changes.push_back({Time{}, link, alternative.capacity_factor});
  if (changes.empty()) return evaluator.answer(question);
  network::CollectiveSpec spec{question.collective, evaluator.algorithm_of(question), evaluator.ranks_of(question), question.size};
  network::Job job = evaluator.job("alternative", std::move(spec), question.algorithm.has_value());
  const auto result = network::simulate(network::Traffic(evaluator.topology(), {std::move(job)}, std::move(changes)), s.engine);
  if (!result.jobs[0].stalled.empty()) return std::nullopt;
  return Answer{result.jobs[0].repetitions[0].duration(), evaluator.algorithm_of(question), Evaluation::flows};
}

}  // namespace

Finding collectives_study(const FabricScenario& s, network::Evaluator& evaluator, const RunContext& context) {
  Finding finding{Table("collectives", {{"collective", Table::Kind::text}, {"algorithm", Table::Kind::text}, {"n_ranks", Table::Kind::integer},
                                        {"size_byte"}, {"time_s"}, {"bus_bandwidth_byte_per_s"}, {"evaluation", Table::Kind::text},
                                        {"measured_s"}, {"closed_form_s"}, {"simgrid_s"}, {"fluid_s"}}), ""};
  const auto asked = questions(s, s.sizes);
  std::optional<std::pair<Question, Answer>> largest;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Question& q = asked[i];
    const Answer answer = evaluator.answer(q);
    finding.table.add({io::enum_text(q.collective), io::enum_text(answer.algorithm), q.n_ranks, q.size.in(byte), answer.time.in(second),
                       answer.bus_bandwidth(q).in(byte / second), io::enum_text(answer.evaluation),
                       seconds(evaluator.answer_by(Evaluation::measured, q)), seconds(evaluator.answer_by(Evaluation::closed_form, q)),
                       seconds(evaluator.answer_by(FlowEngine::simgrid, q)), seconds(evaluator.answer_by(FlowEngine::fluid, q))});
    if (!largest || std::pair(q.n_ranks, q.size) > std::pair(largest->first.n_ranks, largest->first.size)) largest.emplace(q, answer);
    context.progress(0.5 * static_cast<double>(i + 1) / static_cast<double>(asked.size()), "collectives");
  }
  if (largest)
    finding.words = fmt::format("{} by {} takes {}, a bus bandwidth of {}", name_of(largest->first), io::enum_text(largest->second.algorithm),
                                rounded(largest->second.time), rounded(largest->second.bus_bandwidth(largest->first)));
  return finding;
}

Finding alternatives_study(const FabricScenario& s, const network::FabricParts& parts, network::Evaluator& evaluator) {
  Finding finding{Table("alternatives", {{"alternative", Table::Kind::text}, {"collective", Table::Kind::text}, {"n_ranks", Table::Kind::integer},
                                         {"size_byte"}, {"time_s"}, {"baseline_s"}, {"slowdown"}}), ""};
  const std::vector<DataSize> sizes(s.sizes.empty() ? 0 : 1, s.sizes.empty() ? DataSize{} : *std::ranges::max_element(s.sizes));
  for (const auto& located : s.alternatives) {
    const FabricAlternative& alternative = located.value;
    double worst = 0;
    std::string of;
    for (const Question& q : questions(s, sizes)) {
      const double baseline = evaluator.answer(q).time.in(second), time = seconds(answer_on(alternative, s, parts, q));
      finding.table.add({alternative.name, io::enum_text(q.collective), q.n_ranks, q.size.in(byte), time, baseline, time / baseline});
      if (std::isnan(time)) worst = std::nan(""), of = name_of(q);
      if (time / baseline > worst) worst = time / baseline, of = name_of(q);
    }
    if (of.empty()) continue;
    finding.words += finding.words.empty() ? "" : "; ";
    if (worst < kNoticed)
      finding.words += alternative.name + " changes none of them";
    else
      finding.words += std::isnan(worst) ? fmt::format("{} cuts off {}", alternative.name, of)
                                       : fmt::format("{}: {} takes {:.3g} times as long", alternative.name, of, worst);
  }
  return finding;
}

}  // namespace waferwatt::scenario
