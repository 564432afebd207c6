// SPDX-License-Identifier: Apache-2.0
"use strict";
// Tables of the run: columns by name, and the pivots that charts are drawn from.

class DataTable {
  /** @param json {name, rows, every, columns: [{name, values} or {name, texts, at}]} */
  constructor(json) {
    this.name = json.name;
    this.total = json.rows;         // rows of the run
    this.every = json.every || 1;   // the page holds every so manieth of them
    this.columns = new Map();
    for (const c of json.columns) this.columns.set(c.name, c.texts ? c.at.map((i) => c.texts[i]) : c.values);
    this.texts = new Set(json.columns.filter((c) => c.texts).map((c) => c.name));
    this.length = json.columns.length ? this.columns.get(json.columns[0].name).length : 0;
  }
  static fromRows(name, titles, rows) {
    const columns = titles.map((title, i) => {
      const values = rows.map((row) => row[i]);
      const isText = values.some((v) => typeof v === "string");
      return isText ? {name: title, texts: values, at: values.map((_, j) => j)} : {name: title, values};
    });
    return new DataTable({name, rows: rows.length, columns});
  }
  get names() { return [...this.columns.keys()]; }
  has(name) { return this.columns.has(name); }
  isText(name) { return this.texts.has(name); }
  at(name, row) { return this.columns.get(name)[row]; }
  *rows() { for (let i = 0; i < this.length; ++i) yield i; }
}

/** The run's own words as tables, so that charts can be drawn from them: metrics and binds. */
function wordTables(summary) {
  const dims = [...new Set(summary.metrics.flatMap((m) => Object.keys(m.dims)))];
  const of = (m, without) => Object.entries(m.dims).filter(([k]) => k !== without).map(([, v]) => v).join(", ");
  return [
    DataTable.fromRows("metrics", ["name", "value", "unit", "low", "high", "of", ...dims],
      summary.metrics.map((m) => [m.name, m.value, m.unit, m.low, m.high, of(m, "year"), ...dims.map((d) => m.dims[d] || "")])),
    DataTable.fromRows("binds", ["resource", "scope", "share"], summary.binds.map((b) => [b.resource, b.scope || "whole run", b.share])),
  ];
}

/** Tables and columns that a chart needs. */
function neededColumns(spec) {
  const list = (v) => (v === undefined ? [] : Array.isArray(v) ? v : [v]);
  return [...new Set([...list(spec.x), ...list(spec.y), ...list(spec.series), ...list(spec.low), ...list(spec.high), ...list(spec.layers), ...list(spec.row),
    ...list(spec.choose), ...list(spec.by), ...list(spec.label), ...list(spec.from), ...list(spec.duration), ...list(spec.category), ...list(spec.value),
    ...list(spec.cell), ...Object.keys(spec.where || {}), ...(spec.parts || []).flatMap((p) => [p.from, p.to])])];
}

/** Rows that a chart shows: `where` holds exact values, lists of them, or "not:VALUE". */
function selected(table, spec, chosen) {
  const tests = Object.entries({...(spec.where || {}), ...(chosen || {})});
  return [...table.rows()].filter((i) => tests.every(([column, wanted]) => {
    const value = table.at(column, i);
    if (Array.isArray(wanted)) return wanted.includes(value);
    return typeof wanted === "string" && wanted.startsWith("not:") ? String(value) !== wanted.slice(4) : String(value) === String(wanted);
  }));
}

function keyText(table, columns, row, kind) {
  const list = Array.isArray(columns) ? columns : [columns];
  if (kind === "hour") return hourText(table.at(list[0], row));
  if (list.length === 2 && list[0] === "year" && list[1] === "quarter") return table.at("year", row) + " Q" + table.at("quarter", row);
  return list.map((c) => table.at(c, row)).filter((v) => v !== "").map((v) => (typeof v === "number" && !Number.isInteger(v) ? threeDigits(v) : typeof v === "string" ? words(v) : v)).join(", ") || "all";
}

const REST = "all others";

/** Keeps the `top` largest series and adds up the rest. */
function withRest(series, top) {
  if (!top || series.length <= top) return series;
  const size = (s) => s.values.reduce((sum, v) => sum + Math.abs(v || 0), 0);
  const sorted = [...series].sort((a, b) => size(b) - size(a));
  const rest = sorted.slice(top);
  const sum = rest[0].values.map((_, i) => rest.reduce((total, s) => total + (s.values[i] || 0), 0));
  return [...sorted.slice(0, top), {name: REST, values: sum}];
}

/** Sums of y over x and series: {labels, series: [{name, values, low, high}]}, or {missing: why}. */
function pivot(table, spec, chosen) {
  if (table.every > 1 && !spec.sampled) return {missing: `the page holds one of ${table.every} rows of ${table.name}, which cannot be added up`};
  const rows = selected(table, spec, chosen);
  const ys = Array.isArray(spec.y) ? spec.y : [spec.y];
  const labels = new Map(), series = new Map(), scale = spec.scale || 1;
  for (const i of rows) {
    const x = keyText(table, spec.x, i, spec.x_kind);
    if (!labels.has(x)) labels.set(x, {at: labels.size, order: table.at(Array.isArray(spec.x) ? spec.x[0] : spec.x, i)});
  }
  const order = [...labels.keys()];
  if (spec.sort === "x") order.sort((a, b) => (a < b ? -1 : 1));
  const place = new Map(order.map((label, i) => [label, i]));
  for (const y of ys) {
    for (const i of rows) {
      const name = ys.length > 1 ? (spec.names || {})[y] || words(y) : spec.series ? keyText(table, spec.series, i) : spec.y_name || words(y);
      if (!series.has(name)) series.set(name, {name, values: order.map(() => null), low: order.map(() => null), high: order.map(() => null)});
      const s = series.get(name), at = place.get(keyText(table, spec.x, i, spec.x_kind));
      const value = table.at(y, i);
      if (value === null || value === "") continue;
      s.values[at] = (s.values[at] || 0) + value * scale;
      if (spec.low && typeof table.at(spec.low, i) === "number") s.low[at] = table.at(spec.low, i) * scale;
      if (spec.high && typeof table.at(spec.high, i) === "number") s.high[at] = table.at(spec.high, i) * scale;
    }
  }
  const rounding = 1e-9 * Math.max(...[...series.values()].flatMap((s) => s.values.map((v) => Math.abs(v || 0))));
  for (const s of series.values()) s.values = s.values.map((v) => (v !== null && Math.abs(v) <= rounding ? 0 : v));
  const list = withRest([...series.values()], spec.top).filter((s) => s.values.some((v) => v !== null && v !== 0));
  if (list.length === 0) return {missing: `all values of ${table.name} are zero or absent`};
  return ranked({labels: order, series: list}, spec);
}

/** Categories by size, and the smallest ones added up, where the chart asks for that. */
function ranked(data, spec) {
  if (!spec.most && spec.sort !== "size") return data;
  const size = data.labels.map((_, i) => data.series.reduce((sum, s) => sum + Math.abs(s.values[i] || 0), 0));
  const order = data.labels.map((_, i) => i).filter((i) => size[i] > 0).sort((a, b) => size[b] - size[a]);
  const kept = spec.most ? order.slice(0, spec.most) : order;
  const pick = (list) => (list ? kept.map((i) => list[i]) : list);
  const left = order.length - kept.length;
  return {labels: pick(data.labels), left, series: data.series.map((s) => ({...s, values: pick(s.values), low: pick(s.low), high: pick(s.high)}))};
}

/** RFC 4180. */
function csvOf(titles, rows) {
  const cell = (v) => (v === null || v === undefined ? "" : /[",\n]/.test(String(v)) ? `"${String(v).replace(/"/g, '""')}"` : String(v));
  return [titles, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}
