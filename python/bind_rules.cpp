// SPDX-License-Identifier: Apache-2.0
// Supply and world scenarios with allocation rules and a demand curve written in Python, in this process: a forked child could not
// call them.
#include <fmt/format.h>

#include "run.hpp"
#include "waferwatt/scenario/own_rules.hpp"

namespace waferwatt::python {
namespace {

/// What one party asks for, as a rule in Python sees it.
struct Order {
  std::string who;
  double wanted = 0, share = 0, prepaid_usd = 0, bid_usd = 0;
};

/// One week's supply of one thing and all who want some of it; it may be kept.
struct Case {
  std::string date, of;
  double supply = 0;
  std::vector<Order> orders;

  explicit Case(const supply::AllocationCase& question) : date(question.date.text()), of(question.of), supply(question.supply) {
    for (const auto& order : question.orders)
      orders.push_back({std::string{order.who}, order.wanted, order.share, order.prepaid.in(usd), order.bid.in(usd)});
  }
};

/// The numbers that a function of the user's gave. \param what names the function in messages
std::vector<double> numbers_of(const py::object& given, const char* what) {
  try {
    return given.cast<std::vector<double>>();
  } catch (const py::cast_error&) {
    throw core::InputError(fmt::format("{} must return a list of numbers, got {}", what, py::repr(given).cast<std::string>()));
  }
}

/// No rule for None.
supply::AllocationRule rule_of(const py::object& function, const char* what) {
  if (function.is_none()) return {};
  return [function, what](const supply::AllocationCase& question) { return numbers_of(function(Case(question)), what); };
}

/// Prices in USD/Mtoken and a date go in, tokens a second come out, a number for each tier.
market::DemandCurve curve_of(const py::object& function) {
  if (function.is_none()) return {};
  return [function](const std::vector<TokenPrice>& prices, Date date) {
    py::list each(prices.size());
    for (std::size_t i = 0; i < prices.size(); ++i) each[i] = prices[i].in(usd / (mega * token));
    std::vector<TokenRate> rates;
    for (const double rate : numbers_of(function(each, date.text()), "demand")) rates.push_back(rate * (token / second));
    return rates;
  };
}

template <class S>
S record_of_kind(const scenario::Scenario& loaded, const std::string& kind) {
  if (loaded.header.kind != kind) throw core::InputError(fmt::format("these rules go with kind \"{}\", not \"{}\"", kind, loaded.header.kind));
  return record_of<S>("scenario", io::to_json(loaded.model->resolved()));
}

/// One processor, so that rules are called in this thread, which holds the interpreter.
template <class S>
Run run_with_rules(scenario::Scenario loaded, const S& own) {
  const auto& draws = loaded.header.monte_carlo;
  const scenario::RunContext context{.seed = static_cast<std::uint64_t>(draws && draws->seed ? *draws->seed : loaded.header.seed),
                                     .n_draws = draws ? static_cast<std::size_t>(draws->runs) : 0};
  const auto& catalog = *loaded.catalog;
  return run_here(std::move(loaded), [&](engine::EventLoop& loop) { return scenario::run(own, catalog, context, loop); });
}

Run simulate_supply(const Source& source, const py::object& allocation) {
  scenario::Scenario loaded = source.load();
  auto own = record_of_kind<scenario::SupplyScenario>(loaded, "supply");
  own.packaging_rule = rule_of(allocation, "allocation");
  return run_with_rules(std::move(loaded), own);
}

Run simulate_world(const Source& source, const py::object& packaging, const py::object& sales, const py::object& demand) {
  scenario::Scenario loaded = source.load();
  auto own = record_of_kind<scenario::WorldScenario>(loaded, "world");
  own.packaging_rule = rule_of(packaging, "packaging");
  own.sales_rule = rule_of(sales, "sales");
  own.demand_curve = curve_of(demand);
  return run_with_rules(std::move(loaded), own);
}

}  // namespace

void bind_rules(py::module_& module) {
  py::class_<Order>(module, "AllocationOrder")
      .def_readonly("who", &Order::who)
      .def_readonly("wanted", &Order::wanted)
      .def_readonly("share", &Order::share)
      .def_readonly("prepaid_usd", &Order::prepaid_usd)
      .def_readonly("bid_usd", &Order::bid_usd);
  py::class_<Case>(module, "AllocationCase")
      .def_readonly("date", &Case::date)
      .def_readonly("of", &Case::of)
      .def_readonly("supply", &Case::supply)
      .def_readonly("orders", &Case::orders);
  module.def("simulate_supply", &simulate_supply);
  module.def("simulate_world", &simulate_world);
}

}  // namespace waferwatt::python
