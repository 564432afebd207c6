// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/runner_bytes.hpp"

#include "waferwatt/io/bytes.hpp"

namespace waferwatt::scenario {
namespace {

using Size = std::uint64_t;

template <class T, class F>
void put_list(io::ByteWriter& out, const T& values, F put) {
  out.number(static_cast<Size>(values.size()));
  for (const auto& value : values) put(value);
}

template <class F>
auto take_list(io::ByteReader& in, F take) {
  std::vector<decltype(take())> values;
  for (auto left = in.number<Size>(); left > 0; --left) values.push_back(take());
  return values;
}

void put(io::ByteWriter& out, const std::optional<double>& value) {
  out.number(value.has_value());
  out.number(value.value_or(0));
}

std::optional<double> take_optional(io::ByteReader& in) {
  const bool present = in.number<bool>();
  const double value = in.number<double>();
  return present ? std::optional{value} : std::nullopt;
}

void put(io::ByteWriter& out, const Table& table) {
  out.text(table.name());
  out.number(static_cast<Size>(table.n_columns()));
  for (std::size_t i = 0; i < table.n_columns(); ++i) {
    out.text(table.column_names()[i]);
    out.number(static_cast<std::uint8_t>(table.column(i).index()));
    std::visit(
        [&]<class T>(const std::vector<T>& column) {
          if constexpr (std::is_arithmetic_v<T>)
            out.numbers(column);
          else
            put_list(out, column, [&](const std::string& text) { out.text(text); });
        },
        table.column(i));
  }
}

Table take_table(io::ByteReader& in) {
  std::string name = in.text();
  std::vector<std::string> names;
  std::vector<Table::Column> columns;
  for (auto left = in.number<Size>(); left > 0; --left) {
    names.push_back(in.text());
    switch (in.number<std::uint8_t>()) {
      case 0:
        columns.emplace_back(in.numbers<double>());
        break;
      case 1:
        columns.emplace_back(in.numbers<std::int64_t>());
        break;
      default:
        columns.emplace_back(take_list(in, [&] { return in.text(); }));
    }
  }
  return Table::from_columns(std::move(name), std::move(names), std::move(columns));
}

void put(io::ByteWriter& out, const Metric& metric) {
  out.text(metric.name);
  put_list(out, metric.dims, [&](const auto& dim) {
    out.text(dim.first);
    out.text(dim.second);
  });
  out.number(metric.value);
  out.text(metric.unit);
  put(out, metric.low);
  put(out, metric.high);
}

Metric take_metric(io::ByteReader& in) {
  Metric metric{.name = in.text()};
  for (auto left = in.number<Size>(); left > 0; --left) {
    std::string key = in.text();
    metric.dims[std::move(key)] = in.text();
  }
  metric.value = in.number<double>();
  metric.unit = in.text();
  metric.low = take_optional(in);
  metric.high = take_optional(in);
  return metric;
}

void put(io::ByteWriter& out, const Binding& binding) {
  out.text(binding.resource);
  out.text(binding.scope);
  out.number(binding.share);
  out.text(binding.text);
}

Binding take_binding(io::ByteReader& in) {
  Binding binding{.resource = in.text()};
  binding.scope = in.text();
  binding.share = in.number<double>();
  binding.text = in.text();
  return binding;
}

}  // namespace

std::string to_bytes(const Result& result) {
  io::ByteWriter out;
  out.text(result.headline);
  out.text(result.infeasible);
  put_list(out, result.binds, [&](const Binding& binding) { put(out, binding); });
  put_list(out, result.metrics, [&](const Metric& metric) { put(out, metric); });
  put_list(out, result.tables, [&](const Table& table) { put(out, table); });
  put(out, result.ledger);
  return out.take();
}

Result result_from_bytes(std::string_view bytes) {
  io::ByteReader in(bytes);
  Result result;
  result.headline = in.text();
  result.infeasible = in.text();
  result.binds = take_list(in, [&] { return take_binding(in); });
  result.metrics = take_list(in, [&] { return take_metric(in); });
  result.tables = take_list(in, [&] { return take_table(in); });
  result.ledger = take_table(in);
  if (!in.at_end()) throw std::runtime_error("there are bytes after the result");
  return result;
}

std::string to_bytes(const std::vector<Diagnostic>& diagnostics) {
  io::ByteWriter out;
  put_list(out, diagnostics, [&](const Diagnostic& d) {
    out.text(d.file);
    out.number(d.line);
    out.number(d.column);
    out.text(d.path);
    out.text(d.message);
  });
  return out.take();
}

std::vector<Diagnostic> diagnostics_from_bytes(std::string_view bytes) {
  io::ByteReader in(bytes);
  return take_list(in, [&] {
    Diagnostic d{.file = in.text()};
    d.line = in.number<int>();
    d.column = in.number<int>();
    d.path = in.text();
    d.message = in.text();
    return d;
  });
}

}  // namespace waferwatt::scenario
