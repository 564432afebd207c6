// SPDX-License-Identifier: Apache-2.0
#pragma once
// The kinds of scenarios. A kind is a record with two functions beside it, `check` and `run`,
// and one row in the table of kinds.cpp.
#include <memory>
#include <span>
#include <string_view>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/scenario/result.hpp"

namespace waferwatt::scenario {

/// A scenario's own part, read and checked, its type forgotten.
class Model {
 public:
  virtual ~Model() = default;
  /// All values, defaults filled in.
  virtual io::Value resolved() const = 0;
  virtual Result run_with(const catalog::Catalog& catalog, const RunContext& context) const = 0;
};

struct Kind {
  std::string_view name;
  const io::RecordBase& (*record)();
  /// Reads and checks; problems go to `diagnostics`, and with any of them the model is of no use.
  std::unique_ptr<const Model> (*read)(const io::Value&, const catalog::Catalog&, Diagnostics& diagnostics);
  bool has_draws = false;  ///< honours "monte_carlo"
};

template <class X>
class ModelOf final : public Model {
 public:
  explicit ModelOf(X record) : record_(std::move(record)) {}
  io::Value resolved() const override { return X::record().write(record_); }
  Result run_with(const catalog::Catalog& catalog, const RunContext& context) const override {
    return run(record_, catalog, context);
  }

 private:
  X record_;
};

/// The row of a kind whose record is X, with `check(const X&, const Catalog&, Diagnostics&)` and
/// `run(const X&, const Catalog&, const RunContext&)` beside it.
template <class X>
Kind kind_of(std::string_view name, bool has_draws = false) {
  return {name, []() -> const io::RecordBase& { return X::record(); },
          [](const io::Value& value, const catalog::Catalog& catalog,
             Diagnostics& diagnostics) -> std::unique_ptr<const Model> {
            io::ReadContext context{diagnostics};
            const std::size_t n_before = diagnostics.found().size();
            X record;
            X::record().read(value, "", context, record);
            if (diagnostics.found().size() == n_before) check(record, catalog, diagnostics);
            return std::make_unique<ModelOf<X>>(std::move(record));
          },
          has_draws};
}

/// All kinds of this version.
std::span<const Kind> kinds();

/// JSON Schema of a scenario file of one kind.
io::Value json_schema(const Kind& kind);

}  // namespace waferwatt::scenario
