// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/calibration.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace waferwatt::catalog {
namespace {

constexpr std::int64_t kLargestResidual = 100000;

}  // namespace

std::vector<std::int64_t> ResidualGrid::column(std::string_view name) const {
  const auto found = shape.find(std::string{name});
  if (found == shape.end()) throw InputError("a residual grid lacks the column \"" + std::string{name} + "\"");
  if (found->second.numbers.size() == 1) return std::vector<std::int64_t>(n_points(), found->second.numbers.front());
  return found->second.numbers;
}

const OperatorFit* Calibration::find(OperatorKind op, std::string_view format, std::string_view distribution,
                                     bool sustained) const {
  const OperatorFit* other_distribution = nullptr;
  for (const auto& fit : fits) {
    if (fit.op != op || fit.format != format || (fit.load == "sustained") != sustained) continue;
    if (!fit.distribution || *fit.distribution == distribution) return &fit;
    if (!other_distribution) other_distribution = &fit;
  }
  return other_distribution;
}

const io::Record<FormulaBranch>& FormulaBranch::record() {
  using B = FormulaBranch;
  static const auto record =
      io::Record<B>("formula_branch", "A second set of coefficients; the time is the smaller of both.")
          .required("launch_time", &B::launch_time, {.doc = "Time of an empty operator.", .at_least = 0 * second, .at_most = second})
          .required("compute_efficiency", &B::compute_efficiency, {.doc = "Fraction of the peak rate reached.", .above = 0.0, .at_most = 10.0})
          .required("memory_efficiency", &B::memory_efficiency, {.doc = "Fraction of the peak bandwidth reached.", .above = 0.0, .at_most = 10.0})
          .required("exponent", &B::exponent, {.doc = "Sharpness of the change from memory to compute bound.", .at_least = 1.0, .at_most = 1000.0})
          .optional("serial_factor", &B::serial_factor, {.doc = "Factor of the operator's nominal serial time.", .at_least = 0.0, .at_most = 10000.0});
  return record;
}

const io::Record<ErrorSummary>& ErrorSummary::record() {
  using E = ErrorSummary;
  static const auto record =
      io::Record<E>("error_summary", "Errors of predicted against measured times.")
          .required("regime", &E::regime, {.doc = "What the operators wait for: launch, memory, compute."})
          .required("n", &E::n, {.doc = "Points.", .at_least = 0, .at_most = 100000000})
          .required("median", &E::median, {.doc = "Median of |predicted / measured - 1|.", .at_least = 0.0})
          .required("mean", &E::mean, {.doc = "Mean of it.", .at_least = 0.0})
          .required("p90", &E::p90, {.doc = "90th percentile of it.", .at_least = 0.0})
          .required("bias", &E::bias, {.doc = "Mean of predicted / measured - 1.", .at_least = -1.0});
  return record;
}

const io::Record<ResidualGrid>& ResidualGrid::record() {
  using G = ResidualGrid;
  static const auto record =
      io::Record<G>("residual_grid", "Measured points: what the formula misses at them.")
          .required("shape", &G::shape, {.doc = "Columns of the operator's dimensions."})
          .required("log_residual_e4", &G::log_residual_e4, {.doc = "log(measured / formula) in 1e-4."})
          .check([](const G& grid, const io::FieldComplaint& complain) {
            if (grid.n_points() == 0) complain("log_residual_e4", "a grid needs points");
            for (const auto& [name, column] : grid.shape)
              if (column.numbers.size() != 1 && column.numbers.size() != grid.n_points())
                complain("shape", "column " + name + " has " + std::to_string(column.numbers.size()) + " numbers, log_residual_e4 has " +
                                      std::to_string(grid.n_points()));
            for (const auto residual : grid.log_residual_e4.numbers)
              if (std::abs(residual) > kLargestResidual)
                complain("log_residual_e4", std::to_string(residual) + " is beyond a factor of e^10; the unit is 1e-4");
          });
  return record;
}

const io::Record<OperatorFit>& OperatorFit::record() {
  using F = OperatorFit;
  static const auto record =
      io::Record<F>("operator_fit", "Fitted time of one operator in one number format.")
          .required("operator", &F::op, {.doc = "The operator."})
          .required("format", &F::format, {.doc = "Number format of its inputs."})
          .optional("distribution", &F::distribution, {.doc = "Routing of tokens to experts; absent: all."})
          .optional("load", &F::load, {.doc = "\"sustained\": measured at the power limit; absent: short bursts."})
          .required("launch_time", &F::launch_time, {.doc = "Time of an empty operator.", .at_least = 0 * second, .at_most = second})
          .required("compute_efficiency", &F::compute_efficiency, {.doc = "Fraction of the peak rate reached.", .above = 0.0, .at_most = 10.0})
          .required("memory_efficiency", &F::memory_efficiency, {.doc = "Fraction of the peak bandwidth reached.", .above = 0.0, .at_most = 10.0})
          .required("exponent", &F::exponent, {.doc = "Sharpness of the change from memory to compute bound.", .at_least = 1.0, .at_most = 1000.0})
          .optional("serial_factor", &F::serial_factor, {.doc = "Factor of the operator's nominal serial time.", .at_least = 0.0, .at_most = 10000.0})
          .optional("other_branch", &F::other_branch, {.doc = "Second branch; the time is the smaller of both."})
          .required("n_points", &F::n_points, {.doc = "Measured points of the fit.", .at_least = 1, .at_most = 100000000})
          .required("error_median", &F::error_median, {.doc = "Median held-out error.", .at_least = 0.0, .at_most = 10.0})
          .required("error_mean", &F::error_mean, {.doc = "Mean held-out error.", .at_least = 0.0, .at_most = 100.0})
          .required("error_p90", &F::error_p90, {.doc = "90th percentile of the held-out error.", .at_least = 0.0, .at_most = 100.0})
          .optional("error_bias", &F::error_bias, {.doc = "Mean signed held-out error.", .at_least = -1.0})
          .optional("formula_error_median", &F::formula_error_median, {.doc = "Median held-out error of the formula alone.", .at_least = 0.0})
          .optional("regimes", &F::regimes, {.doc = "Held-out errors by what the operator waits for."})
          .optional("extrapolation", &F::extrapolation, {.doc = "Errors of the largest tenth of the work, predicted from the rest."})
          .optional("domain", &F::domain, {.doc = "Smallest and largest measured value of each dimension."})
          .optional("grid", &F::grid, {.doc = "Measured points that correct the formula."});
  return record;
}

const io::Record<PowerFit>& PowerFit::record() {
  using P = PowerFit;
  static const auto record =
      io::Record<P>("power_fit", "Power drawn while operators run, fitted to measured watts.")
          .required("idle_fraction", &P::idle_fraction, {.doc = "Idle draw over TDP.", .at_least = 0.0, .at_most = 1.0})
          .required("compute_share", &P::compute_share, {.doc = "Share of the range from idle to TDP at the peak rate.", .at_least = 0.0, .at_most = 10.0})
          .required("memory_share", &P::memory_share, {.doc = "Share of it at the peak bandwidth.", .at_least = 0.0, .at_most = 10.0})
          .required("n_points", &P::n_points, {.doc = "Measured points.", .at_least = 1, .at_most = 100000000})
          .required("error_median", &P::error_median, {.doc = "Median error.", .at_least = 0.0})
          .required("error_mean", &P::error_mean, {.doc = "Mean error.", .at_least = 0.0})
          .required("error_p90", &P::error_p90, {.doc = "90th percentile of the error.", .at_least = 0.0});
  return record;
}

const io::Record<Calibration>& Calibration::record() {
  using C = Calibration;
  static const auto record = io::Record<C>("calibration", "Fitted operator times of one accelerator.")
                                 .required("id", &C::id, {.doc = "Id; the file's name."})
                                 .required("accelerator", &C::accelerator, {.doc = "Accelerator id."})
                                 .required("origin", &C::origin, {.doc = "published: by others; measured: by waferwatt-calibrate on this accelerator."})
                                 .required("source", &C::source, {.doc = "Source id of the measurements."})
                                 .required("quality", &C::quality, {.doc = "How the fit is known."})
                                 .optional("note", &C::note, {.doc = "How it was fitted."})
                                 .optional("command", &C::command, {.doc = "The command that made the file."})
                                 .optional("power", &C::power, {.doc = "Power while operators run."})
                                 .required("fits", &C::fits, {.doc = "One entry per operator, format and distribution."});
  return record;
}

}  // namespace waferwatt::catalog

namespace waferwatt::io {
namespace {

constexpr std::size_t kMostRepeated = 1000000;  // more is a slip

}  // namespace

void Codec<catalog::IntegerColumn>::read(const Value& value, const std::string& path, ReadContext& context,
                                         catalog::IntegerColumn& out, const Limits<std::monostate>&) {
  const auto* text = value.get_if<std::string>();
  if (!text) return context.complain(value, path, "expected a text of whole numbers with blanks between them (7x3: three times 7), got " + value.describe());
  out.numbers.clear();
  const char *at = text->data(), *const end = at + text->size();
  while (at < end) {
    std::int64_t number = 0;
    std::size_t times = 1;
    auto [stop, error] = std::from_chars(at, end, number);
    if (error == std::errc{} && stop != end && *stop == 'x') {
      const auto repeated = std::from_chars(stop + 1, end, times);
      stop = repeated.ptr, error = times > 0 && times <= kMostRepeated ? repeated.ec : std::errc::result_out_of_range;
    }
    if (error != std::errc{} || (stop != end && *stop != ' '))
      return context.complain(value, path, "\"" + std::string(at, std::min<std::size_t>(12, static_cast<std::size_t>(end - at))) + "\" is no whole number");
    out.numbers.insert(out.numbers.end(), times, number);
    at = stop == end ? stop : stop + 1;
  }
}

Value Codec<catalog::IntegerColumn>::write(const catalog::IntegerColumn& column) {
  std::string text;
  const auto& all = column.numbers;
  for (auto at = all.begin(); at != all.end();) {
    const auto other = std::find_if(at, all.end(), [&](auto number) { return number != *at; });
    text += (text.empty() ? "" : " ") + std::to_string(*at);
    if (other - at > 1) text += "x" + std::to_string(other - at);
    at = other;
  }
  return text;
}

TypeDescription Codec<catalog::IntegerColumn>::describe() {
  return {"a text of whole numbers with blanks between them (e.g. \"1 2 4x3\": 4 stands there three times)", Value{Value::Object{{"type", Value{"string"}}}}};
}

}  // namespace waferwatt::io
