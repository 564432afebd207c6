// SPDX-License-Identifier: Apache-2.0
"use strict";
// The page of a comparison: what changed in the inputs, what changed in the results, and where the difference was charged.

function changeText(first, value) {
  if (first === null || value === null || first === undefined || value === undefined || first === 0) return "";
  const change = value / first - 1;
  return node("span", {class: change > 0 ? "up" : change < 0 ? "down" : undefined}, `${change > 0 ? "+" : ""}${(change * 100).toFixed(Math.abs(change) < 0.1 ? 2 : 1)} %`);
}

/** Titles and cells: a value for each run, and the change from the first after all but it. */
function sideBySide(letters, titles, rows, show) {
  return {titles: [...titles, ...letters.flatMap((l, i) => (i === 0 ? [l] : [l, "change"]))],
    rows: rows.map(({words: cells, values}) => [...cells, ...values.flatMap((v, i) => (i === 0 ? [show(v)] : [show(v), changeText(values[0], v)]))])};
}

function changedCharts(c, letters) {
  const rows = c.metrics.filter((m) => m.differs && m.values[0]).flatMap((m) => letters.slice(1).map((l, i) => [m.name + (m.of ? ` (${m.of})` : ""), l, m.values[i + 1] === null ? null : m.values[i + 1] / m.values[0] - 1]))
    .filter((r) => r[2] !== null && Math.abs(r[2]) < 10);
  const tables = new Map([["changes", DataTable.fromRows("changes", ["metric", "run", "change"], rows)],
    ["shares", DataTable.fromRows("shares", ["resource", "run", "share"], c.binds.flatMap((b) => letters.map((l, i) => [b.resource, l, b.shares[i]])))]]);
  return makeCharts([
    {id: "changes", type: "bars", table: "changes", title: "The largest changes", says: "Of each metric, relative to run A.", x: "metric", series: "run", y: "change", unit: "share", lying: true, most: 14, wide: true},
    {id: "shares", type: "bars", table: "shares", title: "What binds in each run", says: "Shares of everything charged.", x: "run", series: "resource", y: "share", share: true, lying: true, wide: true},
  ], tables);
}

function comparePage(data) {
  const c = data.comparison, letters = c.folders.map((_, i) => String.fromCharCode(65 + i));
  const runs = htmlTable(["run", "folder", "answer"], c.folders.map((f, i) => [letters[i], f, c.headlines[i]]), "The runs");
  const inputs = htmlTable(["input", ...letters], c.inputs.map((r) => [r.path, ...r.values]), "Inputs that differ");
  const metrics = sideBySide(letters, ["metric", "of", "unit"], c.metrics.filter((m) => m.differs).map((m) => ({words: [m.name, m.of, m.unit === "1" ? "" : m.unit], values: m.values})), (v) => (v === null ? "–" : v));
  const charges = sideBySide(letters, ["charged to", "unit"], c.charges.map((r) => ({words: [r.account, r.unit], values: r.values})), (v) => (v === null ? "–" : v));
  const {figures} = changedCharts(c, letters);
  const parts = [section("runs", "Runs", runs),
    section("inputs_changed", "What changed in the inputs", c.inputs.length ? inputs : node("p", {}, "Nothing: the resolved scenarios and the catalog's values are the same.")),
    section("results_changed", "What changed in the results", node("p", {class: "note"}, `${c.metrics.length - c.metrics.filter((m) => m.differs).length} of ${c.metrics.length} metrics are equal.`), htmlTable(metrics.titles, metrics.rows, "Metrics that differ")),
    section("charges_changed", "Why: where the difference is charged", node("p", {class: "note"}, "The ledger of each run, added up by account; the largest differences first."), htmlTable(charges.titles, charges.rows, "Accounts that differ")),
    section("charts", "Pictures", node("div", {class: "charts"}, ...figures.map((f) => f.element)))];
  document.getElementById("page").append(...parts);
  contents(parts);
  return figures;
}

start();
