// SPDX-License-Identifier: Apache-2.0
#pragma once
// A scheduler's policy that is a Python function.
#include "arguments.hpp"
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::python {

/// An iteration while a policy composes it; afterwards Python may still hold it, and finds it over.
struct IterationView {
  serving::Scheduling* scheduling = nullptr;

  serving::Scheduling& get() const;
};

/// Calls a Python function with the iteration that is to be composed. Exceptions of the function go through.
class PythonPolicy {
 public:
  explicit PythonPolicy(py::object function) : function_(std::move(function)) {}
  void operator()(serving::Scheduling& scheduling) const;

 private:
  py::object function_;
};

void bind_policy(py::module_&);

}  // namespace waferwatt::python
