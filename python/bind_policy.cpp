// SPDX-License-Identifier: Apache-2.0
// What a scheduler's policy written in Python sees of an iteration, and may do.
#include "python_policy.hpp"

namespace waferwatt::python {
namespace {

using serving::ScheduledRequest;
using serving::Scheduling;

/// A request's slot, by the request or by the number itself.
std::uint32_t slot_of(const py::object& request) {
  if (py::isinstance<ScheduledRequest>(request)) return request.cast<const ScheduledRequest&>().slot;
  try {
    return request.cast<std::uint32_t>();
  } catch (const py::cast_error&) {
    throw core::InputError("the scheduler's policy must name a request of this iteration, got " + py::repr(request).cast<std::string>());
  }
}

std::int64_t tokens_of(std::optional<std::int64_t> tokens) { return tokens.value_or(Scheduling::kAllTokens); }

template <class R>
auto seen(R (Scheduling::*member)() const) {
  return [member](const IterationView& view) { return (view.get().*member)(); };
}

auto done(void (Scheduling::*member)()) {
  return [member](const IterationView& view) { (view.get().*member)(); };
}

}  // namespace

Scheduling& IterationView::get() const {
  if (!scheduling) throw std::runtime_error("the iteration is composed; a policy may not keep it");
  return *scheduling;
}

void PythonPolicy::operator()(Scheduling& scheduling) const {
  const auto view = std::make_shared<IterationView>(IterationView{&scheduling});
  const struct End {
    IterationView& view;
    ~End() { view.scheduling = nullptr; }
  } end{*view};
  function_(view);
}

void bind_policy(py::module_& module) {
  py::class_<ScheduledRequest>(module, "ScheduledRequest")
      .def_readonly("slot", &ScheduledRequest::slot)
      .def_readonly("number", &ScheduledRequest::number)
      .def_readonly("arrival_s", &ScheduledRequest::arrival_s)
      .def_readonly("input_tokens", &ScheduledRequest::input_tokens)
      .def_readonly("output_tokens", &ScheduledRequest::output_tokens)
      .def_readonly("generated_tokens", &ScheduledRequest::generated_tokens)
      .def_readonly("tokens_to_compute", &ScheduledRequest::tokens_to_compute)
      .def_readonly("kv_tokens", &ScheduledRequest::kv_tokens)
      .def_readonly("adapter", &ScheduledRequest::adapter)
      .def_readonly("n_preemptions", &ScheduledRequest::n_preemptions)
      .def_property_readonly("priority", [](const ScheduledRequest& r) { return static_cast<int>(r.priority); });
  py::class_<IterationView, std::shared_ptr<IterationView>>(module, "Iteration")
      .def_property_readonly("now_s", seen(&Scheduling::now_s))
      .def_property_readonly("budget", seen(&Scheduling::budget))
      .def_property_readonly("places", seen(&Scheduling::places))
      .def_property_readonly("n_free_blocks", seen(&Scheduling::n_free_blocks))
      .def_property_readonly("n_blocks", seen(&Scheduling::n_blocks))
      .def_property_readonly("block_tokens", seen(&Scheduling::block_tokens))
      .def_property_readonly("n_watermark_blocks", seen(&Scheduling::n_watermark_blocks))
      .def_property_readonly("batch_is_empty", seen(&Scheduling::batch_is_empty))
      .def_property_readonly("has_prompts", seen(&Scheduling::has_prompts))
      .def_property_readonly("n_waiting", seen(&Scheduling::n_waiting))
      .def_property_readonly("n_decoding", seen(&Scheduling::n_decoding))
      .def("waiting", seen(&Scheduling::waiting))
      .def("prompts", seen(&Scheduling::prompts))
      .def("decoding", seen(&Scheduling::decoding))
      .def("decode", done(&Scheduling::decode))
      .def("continue_prompts", done(&Scheduling::continue_prompts))
      .def("admit_chunks", done(&Scheduling::admit_chunks))
      .def("admit_whole_prompts", done(&Scheduling::admit_whole_prompts))
      .def("admit_one", [](const IterationView& v, const py::object& r, std::optional<std::int64_t> tokens) { return v.get().admit_one(slot_of(r), tokens_of(tokens)); },
           py::arg("request"), py::arg("tokens") = py::none())
      .def("continue_one", [](const IterationView& v, const py::object& r, std::optional<std::int64_t> tokens) { return v.get().continue_one(slot_of(r), tokens_of(tokens)); },
           py::arg("request"), py::arg("tokens") = py::none())
      .def("preempt", [](const IterationView& v, const py::object& r) { v.get().preempt(slot_of(r)); }, py::arg("request"));
}

}  // namespace waferwatt::python
