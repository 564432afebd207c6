// SPDX-License-Identifier: Apache-2.0
// Serving with requests, a router and a scheduler's policy written in Python, in this process: a forked child could not call them.
#include <fmt/format.h>

#include <unordered_map>

#include "python_policy.hpp"
#include "run.hpp"
#include "waferwatt/scenario/own_parts.hpp"

namespace waferwatt::python {
namespace {

using serving::Replica;
using serving::RequestRecord;

/// A replica as a router sees it; it ends with the simulation.
struct ReplicaView {
  Replica* replica = nullptr;
  std::int64_t index = 0;

  Replica& get() const {
    if (!replica) throw std::runtime_error("the simulation that this replica was part of is over");
    return *replica;
  }
};

template <class T>
bool take(const py::dict& item, const char* key, T& out) {
  if (!item.contains(key)) return false;
  out = item[key].template cast<T>();
  return true;
}

/// A request out of (arrival_s, input_tokens, output_tokens) or a dict. \param what names it in messages
serving::Request request_of(const py::handle& item, const std::string& what) {
  static constexpr const char* kKeys[] = {"arrival_s", "input_tokens", "output_tokens", "priority", "session", "adapter", "prefix_hashes"};
  serving::Request r;
  try {
    if (py::isinstance<py::dict>(item)) {
      const auto dict = py::reinterpret_borrow<py::dict>(item);
      for (const auto& [key, value] : dict)
        if (const auto name = py::str(key).cast<std::string>(); std::ranges::find(kKeys, name) == std::end(kKeys))
          throw core::InputError(what + ": unknown key \"" + name + "\"" + core::suggestion(name, {std::begin(kKeys), std::end(kKeys)}, "keys"));
      for (const char* key : {"arrival_s", "input_tokens", "output_tokens"})
        if (!dict.contains(key)) throw core::InputError(what + ": missing key \"" + key + "\"");
      take(dict, "arrival_s", r.arrival_s), take(dict, "input_tokens", r.input_tokens), take(dict, "output_tokens", r.output_tokens);
      take(dict, "priority", r.priority), take(dict, "session", r.session), take(dict, "adapter", r.adapter);
      take(dict, "prefix_hashes", r.prefix_hashes);
    } else {
      std::tie(r.arrival_s, r.input_tokens, r.output_tokens) = item.cast<std::tuple<double, std::int64_t, std::int64_t>>();
    }
  } catch (const py::cast_error&) {
    throw core::InputError(fmt::format("{}: expected (arrival_s, input_tokens, output_tokens) or a dict with these keys, got {}", what,
                                       py::repr(item).cast<std::string>()));
  }
  if (!(r.arrival_s >= 0 && std::isfinite(r.arrival_s)) || r.input_tokens < 1 || r.output_tokens < 1)
    throw core::InputError(fmt::format("{}: arrival_s must be at least 0, input_tokens and output_tokens at least 1, got {}, {} and {}", what,
                                       r.arrival_s, r.input_tokens, r.output_tokens));
  return r;
}

/// Requests of a Python iterator, and those that a Python function gives in answer to a finished one.
class PythonStream final : public serving::RequestStream {
 public:
  PythonStream(const py::object& requests, py::object follow_up, std::int64_t prefix_tokens)
      : iterator_(py::iter(requests)), follow_up_(std::move(follow_up)), prefix_tokens_(prefix_tokens) {}

  bool next(serving::Request& request) override {
    const auto item = py::reinterpret_steal<py::object>(PyIter_Next(iterator_.ptr()));
    if (!item) {
      if (PyErr_Occurred()) throw py::error_already_set();
      return false;
    }
    request = request_of(item, fmt::format("requests: item {}", n_));
    if (request.arrival_s < last_s_)
      throw core::InputError(fmt::format("requests: item {} arrives at {} s, before the one ahead of it at {} s; sort them", n_, request.arrival_s, last_s_));
    last_s_ = request.arrival_s;
    ++n_;
    return true;
  }

  bool follow_up(const RequestRecord& done, double now_s, serving::Request& request) override {
    if (follow_up_.is_none()) return false;
    const py::object item = follow_up_(py::cast(done), now_s);
    if (item.is_none()) return false;
    request = request_of(item, fmt::format("follow_up of request {}", done.number));
    return true;
  }
  std::int64_t prefix_tokens() const override { return prefix_tokens_; }

 private:
  py::iterator iterator_;
  py::object follow_up_;
  std::int64_t prefix_tokens_, n_ = 0;
  double last_s_ = 0;
};

/// Asks a Python function which replica takes a request.
class PythonRouter {
 public:
  explicit PythonRouter(py::object function) : function_(std::move(function)) {}
  ~PythonRouter() {
    for (auto& [replica, view] : views_) view.second->replica = nullptr;
  }
  PythonRouter(const PythonRouter&) = delete;
  PythonRouter& operator=(const PythonRouter&) = delete;

  std::size_t choose(serving::RoutingView& view, const RequestRecord& request) {
    py::list candidates(view.candidates.size());
    for (std::size_t i = 0; i < view.candidates.size(); ++i) candidates[i] = view_of(view.candidates[i]);
    const py::object chosen = function_(py::cast(request), candidates);
    if (const auto at = views_.begin(); at != views_.end() && py::isinstance<ReplicaView>(chosen)) return index_of(view, chosen.cast<ReplicaView&>());
    try {
      const auto index = chosen.cast<std::int64_t>();
      return index < 0 ? view.candidates.size() : static_cast<std::size_t>(index);
    } catch (const py::cast_error&) {
      throw core::InputError(fmt::format("the router must return one of the replicas or an index, got {}", py::repr(chosen).cast<std::string>()));
    }
  }

 private:
  static std::size_t index_of(const serving::RoutingView& view, const ReplicaView& chosen) {
    return static_cast<std::size_t>(std::ranges::find(view.candidates, chosen.replica) - view.candidates.begin());
  }
  const py::object& view_of(Replica* replica) {
    auto& [object, view] = views_[replica];
    if (!object) {
      object = py::cast(std::make_shared<ReplicaView>(ReplicaView{replica, static_cast<std::int64_t>(views_.size()) - 1}));
      view = object.cast<std::shared_ptr<ReplicaView>>();
    }
    return object;
  }

  py::object function_;
  std::unordered_map<Replica*, std::pair<py::object, std::shared_ptr<ReplicaView>>> views_;
};

scenario::ServingScenario serving_of(const scenario::Scenario& loaded) {
  if (loaded.header.kind != "serving")
    throw core::InputError("requests, routers and policies of your own go with kind \"serving\", not \"" + loaded.header.kind + "\"");
  return record_of<scenario::ServingScenario>("scenario", io::to_json(loaded.model->resolved()));
}

Run simulate(const Source& source, const py::object& requests, const py::object& follow_up, std::int64_t prefix_tokens, const py::object& router,
             const py::object& policy) {
  scenario::Scenario loaded = source.load();
  const auto serving = serving_of(loaded);
  std::optional<PythonStream> stream;
  if (!requests.is_none()) stream.emplace(requests, follow_up, prefix_tokens);
  PythonRouter own(router);
  scenario::OwnParts parts{.requests = stream ? &*stream : nullptr, .router = {}};
  if (!router.is_none()) parts.router = [&own](serving::RoutingView& view, const RequestRecord& request) { return own.choose(view, request); };
  if (!policy.is_none()) parts.policy = PythonPolicy(policy);
  const scenario::RunContext context{.seed = static_cast<std::uint64_t>(loaded.header.seed)};
  const auto& catalog = *loaded.catalog;
  return run_here(std::move(loaded), [&](engine::EventLoop& loop) { return scenario::run(serving, catalog, context, loop, parts); });
}

}  // namespace

void bind_simulation(py::module_& module) {
  py::class_<RequestRecord>(module, "Request")
      .def_readonly("number", &RequestRecord::number)
      .def_readonly("arrival_s", &RequestRecord::arrival_s)
      .def_readonly("first_token_s", &RequestRecord::first_token_s)
      .def_readonly("end_s", &RequestRecord::end_s)
      .def_readonly("input_tokens", &RequestRecord::input_tokens)
      .def_readonly("output_tokens", &RequestRecord::output_tokens)
      .def_readonly("session", &RequestRecord::session)
      .def_readonly("adapter", &RequestRecord::adapter)
      .def_readonly("rejected", &RequestRecord::rejected)
      .def_property_readonly("priority", [](const RequestRecord& r) { return static_cast<int>(r.priority); });
  py::class_<ReplicaView, std::shared_ptr<ReplicaView>>(module, "Replica")
      .def_readonly("index", &ReplicaView::index)
      .def_property_readonly("n_outstanding", [](const ReplicaView& v) { return v.get().n_outstanding(); })
      .def_property_readonly("n_waiting", [](const ReplicaView& v) { return v.get().n_waiting(); })
      .def_property_readonly("n_in_batch", [](const ReplicaView& v) { return v.get().n_in_batch(); })
      .def_property_readonly("n_used_blocks", [](const ReplicaView& v) { return v.get().n_used_blocks(); })
      .def_property_readonly("n_blocks", [](const ReplicaView& v) { return v.get().n_blocks(); })
      .def_property_readonly("prompt_tokens_to_come", [](const ReplicaView& v) { return v.get().n_prompt_tokens_to_come(); })
      .def("cached_blocks", [](const ReplicaView& v, const RequestRecord& r) { return v.get().n_cached_prefix(r); });
  module.def("simulate", &simulate);
}

}  // namespace waferwatt::python
