// SPDX-License-Identifier: Apache-2.0
#include "calibration/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "calibration/budget.hpp"
#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::calibration {
namespace {

template <class T>
T number(const std::string& option, const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= T{}))
    throw core::InputError(option + " takes a number that is not negative, not \"" + text + '"');
  return value;
}

std::vector<std::string> operators() {
  std::vector<std::string> names;
  for (const Point& point : full_sweep())
    if (std::find(names.begin(), names.end(), point.op) == names.end()) names.push_back(point.op);
  return names;
}

std::vector<std::string> operator_list(const std::string& text) {
  const auto known = operators();
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    names.push_back(text.substr(at, comma - at));
    if (std::find(known.begin(), known.end(), names.back()) == known.end())
      throw core::InputError("--only: no operator \"" + names.back() + '"' +
                             core::suggestion(names.back(), known, "operators"));
    at = comma + 1;
  }
  return names;
}

}  // namespace

double Arguments::deadline_s() const {
  if (time_limit_s > 0) return time_limit_s;
  return profile == Profile::quick ? 105 : 450;
}

Arguments parse_arguments(const std::vector<std::string>& words) {
  Arguments a;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto value = [&]() -> const std::string& {
      if (i + 1 == words.size()) throw core::InputError(word + " needs a value");
      return words[++i];
    };
    if (word == "--help" || word == "-h") a.help = true;
    else if (word == "--list") a.list = true;
    else if (word == "--force") a.force = true;
    else if (word == "--output" || word == "-o") a.output = value();
    else if (word == "--seed") a.seed = number<std::uint64_t>(word, value());
    else if (word == "--device") a.device = number<int>(word, value());
    else if (word == "--time-limit") a.time_limit_s = number<double>(word, value());
    else if (word == "--only") a.only = operator_list(value());
    else if (word == "--profile") {
      const std::string& name = value();
      if (name != "quick" && name != "full") throw core::InputError("--profile is quick or full, not \"" + name + '"');
      a.profile = name == "quick" ? Profile::quick : Profile::full;
    } else {
      throw core::InputError("unknown option \"" + word + "\"; waferwatt-calibrate --help lists them");
    }
  }
  return a;
}

std::string usage() {
  return R"(waferwatt-calibrate: measures the operators of language models on an NVIDIA GPU and writes the times,
their spread, clocks and power to a JSON file that `waferwatt calibrate fit FILE` turns into a cost model.

usage: waferwatt-calibrate [--profile quick|full] [-o FILE] [--seed N] [--device N]
                           [--only OPERATOR,...] [--time-limit SECONDS] [--force]
       waferwatt-calibrate --list        what would be measured; needs no GPU

  --profile quick|full  every fourth point in at most 2 minutes, or all in at most 8 (default: full)
  -o, --output FILE     default calibration.json; an existing file is kept unless --force
  --seed N              of the data and of the order of points (default 1)
  --device N            CUDA's number of the GPU (default 0)
  --only OPERATOR,...   these operators alone
  --time-limit SECONDS  start no further point after this long

Clocks, power limit and MIG are left as they are; the file says how they were. Use an idle GPU.
Exit status: 0 measured, every gate passed; 1 a fault of this program; 2 usage; 3 no GPU, nothing written;
4 measured, but a gate failed or the device stopped working: the file says "suspect" or "partial".
)";
}

std::vector<Point> wanted_points(const Arguments& arguments) {
  auto points = sweep(arguments.profile);
  if (!arguments.only.empty())
    std::erase_if(points, [&](const Point& point) {
      return std::find(arguments.only.begin(), arguments.only.end(), point.op) == arguments.only.end();
    });
  return points;
}

std::string plan_text(const Arguments& arguments) {
  std::map<std::string, int> counts;
  int all = 0;
  for (const Point& point : wanted_points(arguments)) ++counts[point.op + ' ' + point.format], ++all;
  std::string text;
  for (const auto& [name, n] : counts) text += "  " + name + ": " + std::to_string(n) + " points\n";
  text += "  in all: " + std::to_string(all) + " points, in two passes of random order\n";
  const auto seconds = [&](int pass) {
    return std::to_string(std::lround(pass_s(wanted_points(arguments), stop_limits(arguments.profile, pass), kH200, Noise::usual, pass == 1)));
  };
  return text + "  by estimate, on an H200: " + seconds(1) + " s, then " +
         (arguments.only.empty() ? std::to_string(std::lround(steady_work_s(arguments.profile))) + " s of sustained work, then " : "") + seconds(2) +
         " s; nothing starts after " + std::to_string(std::lround(arguments.deadline_s())) + " s\n";
}

}  // namespace waferwatt::calibration
