// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/lengths.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::serving {
namespace {

struct Point {
  double fraction, tokens;
};
struct Preset {
  std::string_view name;
  std::vector<Point> input, output;
};

// Quantiles of the Azure LLM inference traces of November 2023 (Azure Public Dataset, CC-BY-4.0; Patel et al.,
// "Splitwise", ISCA 2024): 19,366 conversation and 8,819 code requests, means 1,155 in and 211 out, 2,048 in and 28
// out; of the Mooncake conversation trace (Qin et al., FAST 2025, Apache-2.0): 12,031 requests, means 12,035 in and 343
// out; and of the ShareGPT conversations with more than 256 tokens in and 512 out that LLMServingSim measures engines
// with (casys-kaist, MIT): 300 requests, means 857 in and 653 out.
const std::vector<Preset>& presets() {
  static const std::vector<Preset> table = {
      {"azure-2023-conversation",
       {{0, 2}, {.02, 91}, {.05, 181}, {.1, 207}, {.15, 372}, {.2, 387}, {.25, 396}, {.3, 403}, {.35, 414},
        {.4, 703}, {.45, 984}, {.5, 1020}, {.55, 1045}, {.6, 1071}, {.65, 1097}, {.7, 1130}, {.75, 1189},
        {.8, 1315}, {.85, 1876}, {.9, 2734}, {.95, 4083}, {.98, 4098}, {.99, 4142}, {.995, 4831}, {.999, 6212},
        {1, 14050}},
       {{0, 7}, {.02, 24}, {.05, 41}, {.1, 54}, {.15, 67}, {.2, 77}, {.25, 85}, {.3, 91}, {.35, 96}, {.4, 103},
        {.45, 113}, {.5, 129}, {.55, 151}, {.6, 177}, {.65, 217}, {.7, 384}, {.75, 395}, {.8, 400}, {.85, 411},
        {.9, 424}, {.95, 451}, {.98, 540}, {.99, 601}, {.995, 643}, {.999, 954}, {1, 1000}}},
      {"azure-2023-code",
       {{0, 3}, {.02, 35}, {.05, 75}, {.1, 147}, {.15, 232}, {.2, 386}, {.25, 578}, {.3, 770}, {.35, 938},
        {.4, 1075}, {.45, 1261}, {.5, 1469}, {.55, 1690}, {.6, 1909}, {.65, 2164}, {.7, 2433}, {.75, 2745},
        {.8, 3192}, {.85, 3919}, {.9, 5186}, {.95, 7302}, {.98, 7436}, {1, 7437}},
       {{0, 6}, {.05, 6}, {.1, 7}, {.15, 7}, {.2, 8}, {.25, 9}, {.3, 9}, {.35, 10}, {.4, 11}, {.45, 12}, {.5, 13},
        {.55, 14}, {.6, 16}, {.65, 18}, {.7, 20}, {.75, 24}, {.8, 29}, {.85, 39}, {.9, 55}, {.95, 90}, {.98, 172},
        {.99, 252}, {.995, 361}, {.999, 824}, {1, 1899}}},
      {"mooncake-conversation",
       {{0, 891}, {.05, 901}, {.1, 964}, {.15, 1261}, {.2, 1662}, {.25, 2307}, {.3, 3263}, {.35, 4250}, {.4, 4993},
        {.45, 5871}, {.5, 6909}, {.55, 8187}, {.6, 9570}, {.65, 11239}, {.7, 13196}, {.75, 15366}, {.8, 17869},
        {.85, 21467}, {.9, 27367}, {.95, 39549}, {.98, 66425}, {.99, 85401}, {.995, 100886}, {.999, 121301},
        {1, 126195}},
       {{0, 1}, {.02, 3}, {.05, 10}, {.1, 24}, {.15, 46}, {.2, 100}, {.25, 157}, {.3, 213}, {.35, 256}, {.4, 291},
        {.45, 323}, {.5, 350}, {.55, 375}, {.6, 399}, {.65, 423}, {.7, 447}, {.75, 472}, {.8, 504}, {.85, 543},
        {.9, 597}, {.95, 698}, {.98, 891}, {.99, 1120}, {.995, 1570}, {.999, 2000}, {1, 2000}}},
      {"sharegpt-long-answers",
       {{0, 262}, {.05, 305}, {.1, 363}, {.25, 482}, {.5, 730}, {.75, 1109}, {.9, 1458}, {.95, 1747}, {.99, 2764}, {1, 3998}},
       {{0, 512}, {.05, 523}, {.1, 530}, {.25, 561}, {.5, 631}, {.75, 767}, {.9, 770}, {.95, 773}, {.99, 784}, {1, 1021}}}};
  return table;
}

LengthDistribution empirical(const std::vector<Point>& points) {
  LengthDistribution lengths;
  for (const auto& [fraction, tokens] : points) lengths.quantiles.push_back({fraction, tokens});
  return lengths;
}

double between_points(const std::vector<std::vector<double>>& points, double fraction) {
  std::size_t above = 1;
  while (above + 1 < points.size() && points[above][0] < fraction) ++above;
  const auto &low = points[above - 1], &high = points[above];
  return std::lerp(low[1], high[1], (fraction - low[0]) / (high[0] - low[0]));
}

bool are_quantiles(const std::vector<std::vector<double>>& points) {
  for (std::size_t i = 0; i < points.size(); ++i)
    if (points[i].size() != 2 || points[i][1] < 1 ||
        (i > 0 && (points[i][0] <= points[i - 1][0] || points[i][1] < points[i - 1][1])))
      return false;
  return points.size() >= 2 && points.front()[0] == 0 && points.back()[0] == 1;
}

}  // namespace

std::int64_t LengthDistribution::sample(RandomStream& random) const {
  double drawn = median;
  if (!quantiles.empty())
    drawn = between_points(quantiles, random.uniform());
  else if (sigma > 0)
    drawn = random.lognormal(median, sigma);
  return static_cast<std::int64_t>(
      std::clamp(std::round(drawn), static_cast<double>(minimum), static_cast<double>(maximum)));
}

const io::Record<LengthDistribution>& LengthDistribution::record() {
  using L = LengthDistribution;
  constexpr std::int64_t kManyTokens = 100'000'000;
  static const auto record =
      io::Record<L>("length_distribution",
                    "Tokens of a request's input or output: lognormal, or an empirical distribution, inside bounds.")
          .optional("median", &L::median, {.doc = "Median number of tokens.", .at_least = 1.0, .at_most = 1e8})
          .optional(
              "sigma", &L::sigma,
              {.doc = "Standard deviation of the logarithm; 0: always the median.", .at_least = 0.0, .at_most = 10.0})
          .optional("minimum", &L::minimum, {.doc = "Fewest tokens.", .at_least = 1, .at_most = kManyTokens})
          .optional("maximum", &L::maximum, {.doc = "Most tokens.", .at_least = 1, .at_most = kManyTokens})
          .optional("quantiles", &L::quantiles,
                    {.doc = "Points [fraction, tokens] of an empirical distribution, from fraction 0 to 1, instead of a "
                            "median.",
                     .at_least = 0.0,
                     .at_most = 1e8})
          .check([](const L& l, const io::FieldComplaint& complain) {
            if (l.minimum > l.maximum) complain("minimum", "the minimum must not be above the maximum");
            if (!l.quantiles.empty() && !are_quantiles(l.quantiles))
              complain("quantiles", "expected points [fraction, tokens] that rise from fraction 0 to fraction 1");
          });
  return record;
}

std::optional<RequestLengths> length_preset(std::string_view name) {
  for (const Preset& preset : presets())
    if (preset.name == name) return RequestLengths{empirical(preset.input), empirical(preset.output)};
  return std::nullopt;
}

std::vector<std::string> length_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  return names;
}

}  // namespace waferwatt::serving
