// SPDX-License-Identifier: Apache-2.0
"use strict";
// The page: sections of a run, made from the data block.

function node(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return made;
}

function section(id, title, ...children) {
  return node("section", {id, "aria-labelledby": id + "-title"}, node("h2", {id: id + "-title"}, title), ...children);
}

function download(name, text, type) {
  const link = node("a", {href: URL.createObjectURL(new Blob([text], {type: type || "text/csv"})), download: name});
  document.body.append(link);
  link.click();
  link.remove();
}

function htmlTable(titles, rows, caption) {
  const isNumber = titles.map((_, i) => rows.some((r) => typeof r[i] === "number") && !rows.some((r) => typeof r[i] === "string" && r[i] !== ""));
  const cell = (value, i) => {
    const isLong = typeof value === "string" && value.length > 60;
    return node(i === 0 && !isNumber[0] ? "th" : "td", {class: isNumber[i] ? "n" : isLong ? "long" : typeof value === "string" && value.length < 12 ? "short" : undefined, scope: i === 0 && !isNumber[0] ? "row" : undefined},
      value instanceof Node ? value : typeof value === "number" ? (/^(year|quarter|first_switch)$/.test(titles[i]) ? String(value) : precise(value)) : value === null || value === undefined ? "" : String(value));
  };
  return node("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption + ", table"},
    node("table", {}, node("caption", {class: "unseen"}, caption), node("thead", {}, node("tr", {}, ...titles.map((t, i) => node("th", {scope: "col", class: isNumber[i] ? "n" : undefined}, t)))),
      node("tbody", {}, ...rows.map((row) => node("tr", {}, ...titles.map((_, i) => cell(row[i], i)))))));
}

/** A folded part whose content is made when it is first opened. */
function folded(title, make) {
  const box = node("details", {}, node("summary", {}, ...title));
  box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) box.append(...make()); });
  return box;
}

const MOST_ROWS = 200;

function tableFold(table) {
  const held = table.every > 1 ? `${table.total} rows, one of ${table.every} held here; all in the results folder` : `${table.total} rows`;
  return folded([node("b", {}, table.name), ` ${held}`], () => {
    const rows = [...table.rows()].map((i) => table.names.map((n) => table.at(n, i)));
    const shown = rows.slice(0, MOST_ROWS);
    return [node("button", {type: "button", onclick: () => download(table.name + ".csv", csvOf(table.names, rows))}, "Download CSV"),
      shown.length < rows.length ? node("span", {class: "note"}, ` the first ${shown.length} rows are shown`) : null, htmlTable(table.names, shown, `Table ${table.name}`)].filter(Boolean);
  });
}

const DRAWERS = {lines: drawLines, bars: drawBars, waterfall: drawWaterfall, tornado: drawTornado, histogram: drawHistogram, points: drawPoints, sankey: drawSankey, spans: drawSpans, heat: drawHeat, map: drawMap};

/** One chart with its choices, its text and its table; drawn again when the theme or the width changes. */
class ChartFigure {
  constructor(spec, table) {
    this.spec = spec;
    this.table = table;
    this.chosen = {};
    this.plot = node("div", {class: "plot"});
    this.below = node("div", {});
    this.element = node("figure", {id: "chart-" + spec.id, class: spec.wide ? "wide" : undefined, "aria-label": spec.title}, node("h3", {}, spec.title), node("p", {class: "says"}, spec.says || ""), this.controls(), this.plot, this.below);
  }
  controls() {
    const columns = this.spec.choose === undefined ? [] : [].concat(this.spec.choose);
    const selects = columns.flatMap((column) => {
      const values = [...new Set(selected(this.table, this.spec).map((i) => this.table.at(column, i)))];
      this.chosen[column] = typeof values[0] === "number" ? Math.max(...values) : values[0];
      if (values.length < 2) return [];
      const select = node("select", {onchange: (event) => { this.chosen[column] = event.target.value; this.draw(); }}, ...values.map((v) => node("option", {value: v, selected: String(v) === String(this.chosen[column])}, words(String(v)))));
      return [node("label", {}, words(column) + " ", select)];
    });
    return selects.length ? node("div", {class: "controls"}, ...selects) : null;
  }
  /** Draws the first choice that has something to show. */
  drawFirst() {
    this.draw();
    for (const select of this.element.querySelectorAll("select"))
      for (let i = 1; this.missing && i < select.options.length; ++i) {
        select.selectedIndex = i;
        select.dispatchEvent(new Event("change"));
      }
  }
  draw() {
    if (this.chart) this.chart.destroy();
    this.plot.replaceChildren();
    this.plot.className = "plot";
    this.plot.style.height = "";
    const drawn = DRAWERS[this.spec.type](this.plot, this.spec, this.table, this.spec.choose === undefined ? undefined : this.chosen);
    this.missing = drawn.missing;
    this.chart = drawn.chart;
    this.n = drawn.n || 0;
    this.element.dataset.points = this.n;
    if (drawn.missing) {
      this.plot.classList.add("drawn");
      this.plot.append(node("p", {class: "note"}, `Nothing to draw: ${drawn.missing}.`));
      this.below.replaceChildren();
      return;
    }
    const {titles, rows} = drawn.numbers;
    const isOpen = this.below.querySelector("details") && this.below.querySelector("details").open;
    const fold = folded(["Table of these numbers"], () => [
      node("button", {type: "button", onclick: () => download(this.spec.id + ".csv", csvOf(titles, rows))}, "Download CSV"), htmlTable(titles, rows.slice(0, MOST_ROWS), this.spec.title)]);
    this.below.replaceChildren(...[drawn.note ? node("p", {class: "note"}, drawn.note) : null, drawn.left > 0 ? node("p", {class: "note"}, `${drawn.left} smaller ones are in the table "${this.spec.table}".`) : null, fold].filter(Boolean));
    fold.open = isOpen;
  }
}

/** The charts of the page: which can be drawn, and why others cannot. */
function makeCharts(specs, tables) {
  // A sweep and a search have tables of their own in the place of a run's.
  const figures = [], absent = [], isTold = (spec) => !spec.optional && !["points", "plans", "deployments"].some((name) => tables.has(name));
  for (const spec of specs) {
    const table = tables.get(spec.table);
    if (!table || table.length === 0) { if (isTold(spec)) absent.push(`${spec.title} (no table "${spec.table}")`); continue; }
    const lacking = neededColumns(spec).filter((c) => !table.has(c));
    if (lacking.length > 0) { if (isTold(spec)) absent.push(`${spec.title} (the table "${spec.table}" has no ${lacking.join(", ")})`); continue; }
    if (selected(table, spec).length === 0) { if (isTold(spec)) absent.push(`${spec.title} (no rows)`); continue; }
    figures.push(new ChartFigure(spec, table));
  }
  return {figures, absent};
}

function chartsSection(figures, absent) {
  const absentNote = absent.length > 0 ? node("p", {class: "note", id: "absent"}, "Not drawn, as this run does not have the data: " + absent.join("; ") + ".") : null;
  return section("charts", "Pictures", node("div", {class: "charts"}, ...figures.map((f) => f.element)), absentNote);
}

/** Metrics that come first: those that the kind names, else the first without dims, else the first. In `dims` "last" is the largest
 * value, "each" every one. */
function headlineMetrics(data) {
  const metrics = data.summary.metrics, found = [];
  for (const {metric, dims = {}} of data.charts.headline || []) {
    const fits = metrics.filter((m) => m.name === metric && Object.keys(m.dims).length === Object.keys(dims).length && Object.entries(dims).every(([k, v]) => (v === "last" || v === "each" ? k in m.dims : m.dims[k] === v)));
    const last = Object.keys(dims).find((k) => dims[k] === "last");
    if (last && fits.length > 0) found.push(fits.reduce((a, b) => (b.dims[last] > a.dims[last] ? b : a)));
    else found.push(...(Object.values(dims).includes("each") ? fits.slice(0, 8) : fits.slice(0, 1)));
  }
  if (found.length > 0) return found;
  const alone = metrics.filter((m) => Object.keys(m.dims).length === 0);
  return (alone.length > 0 ? alone : metrics).slice(0, 8);
}

const SHARES = new Set(["mfu", "hfu", "goodput", "utilisation", "inference_share", "service_level_attainment", "busy_fraction", "kv_occupancy_mean", "kv_occupancy_peak", "prefix_cache_share", "work_fraction"]);

function metricText(metric, value) {
  return quantity(value, metric.unit === "1" && SHARES.has(metric.name) ? "share" : metric.unit);
}

function definitionLink(metric) {
  return node("a", {href: "#def-" + metric.name, title: "What this is"}, metricWords(metric.name));
}

/** "1.3 M to 1.84 M accelerator": the unit once. */
function bandText(low, high) {
  const unit = / [^\d ]\S*$/.exec(high);
  return (unit && low.endsWith(unit[0]) ? low.slice(0, -unit[0].length) : low) + " to " + high;
}

/** The number large, its unit small. */
function valueOf(text) {
  const [, number, unit] = /^(\S+)\s*(.*)$/.exec(text);
  return node("span", {class: "value"}, number, unit ? node("small", {}, " " + unit) : null);
}

function cards(data) {
  return node("ul", {class: "cards"}, ...headlineMetrics(data).map((m) => node("li", {},
    definitionLink(m), node("span", {class: "of"}, Object.entries(m.dims).map(([k, v]) => (k === "year" ? v : `${words(k)} ${v}`)).join(", ")), valueOf(metricText(m, m.value)),
    m.low !== null && m.low !== undefined ? node("span", {class: "band"}, bandText(metricText(m, m.low), metricText(m, m.high))) : null)));
}

function bindsSection(data) {
  const binds = data.summary.binds.filter((b) => b.text && b.share >= 0.005);
  if (binds.length === 0) return null;
  const whole = binds.filter((b) => !b.scope), list = whole.length > 0 ? whole : binds;
  const row = (b) => [words(b.resource), ...(whole.length > 0 ? [] : [b.scope]), quantity(b.share, "share"), words(b.text)];
  return section("binds", "What binds", htmlTable(["charged to", ...(whole.length > 0 ? [] : ["where"]), "share", "in words"], list.map(row), "What binds"));
}

/** Units at the end of a column's name, the longest first. */
const UNITS_OF_COLUMNS = [["_usd_per_mtoken", "USD/Mtoken"], ["_usd_per_h", "USD/h"], ["_j_per_token", "J/token"], ["_byte", "B"], ["_usd", "USD"], ["_s", "s"], ["_j", "J"], ["_w", "W"]];

/** What a search found, the best first. */
function rankedSection(tables) {
  const table = tables.get("plans") || tables.get("deployments");
  if (!table || !table.has("rank")) return null;
  const columns = table.names.map((name) => { const [end, unit] = UNITS_OF_COLUMNS.find(([e]) => name.endsWith(e)) || ["", name === "attainment" ? "share" : ""]; return {name, title: words(name.slice(0, name.length - end.length)), unit}; });
  const rows = [...table.rows()].slice(0, MOST_ROWS).map((i) => columns.map((c) => (c.unit && typeof table.at(c.name, i) === "number" ? quantity(table.at(c.name, i), c.unit) : table.at(c.name, i))));
  return section("ranked", "Ranked", node("p", {class: "note"}, "The best first, and why the others are behind it."), htmlTable(columns.map((c) => c.title), rows, "What was found, ranked"));
}

function numbersSection(data) {
  const rows = data.summary.metrics.map((m) => [definitionLink(m), Object.entries(m.dims).map(([k, v]) => `${words(k)} ${v}`).join(", "), m.value, m.unit === "1" ? "" : m.unit, m.low, m.high]);
  const csv = () => download("metrics.csv", csvOf(["name", "of", "value", "unit", "low", "high"], data.summary.metrics.map((m) => [m.name, Object.entries(m.dims).map((d) => d.join(" ")).join("; "), m.value, m.unit, m.low, m.high])));
  return section("numbers", "Numbers", node("p", {class: "note"}, "Each name leads to its definition. Low and high are the 10 % and 90 % quantiles of a Monte Carlo run, or the band of the model's error; empty where there is none."),
    node("div", {class: "controls"}, node("button", {type: "button", onclick: csv}, "Download CSV")), htmlTable(["metric", "of", "value", "unit", "low", "high"], rows, "All metrics of the run"));
}

/** Text with `code` between backquotes. */
function withCode(text) {
  return text.split("`").map((part, i) => (i % 2 ? node("code", {}, part) : part));
}

function definitionsSection(data) {
  const known = new Map(), own = (d) => d.kinds.includes(data.summary.kind);
  for (const d of data.definitions) if (!known.has(d.name) || (own(d) && !own(known.get(d.name)))) known.set(d.name, d);
  const names = [...new Set(data.summary.metrics.map((m) => m.name))];
  return section("definitions", "Definitions", node("dl", {}, ...names.flatMap((name) => {
    const d = known.get(name);
    return [node("dt", {id: "def-" + name}, name), node("dd", {}, ...withCode(d ? d.meaning : "not defined yet"))];
  })));
}

function accuracySection(data) {
  const a = data.charts.accuracy;
  if (!a) return null;
  const measured = (data.accuracy || []).filter((row) => a.sets.includes(row.set));
  return section("accuracy", "How far to trust it", node("p", {}, a.says),
    measured.length > 0 ? htmlTable(["checked on", "quantity", "cases", "median error, %", "mean error, %", "bias, %"], measured.map((r) => [r.set, r.what || words(r.metric), r.n, r.median, r.mean, r.bias]), "Errors on measured cases") : null,
    node("p", {class: "note"}, "Repeat it: ", ...a.sets.flatMap((s, i) => [i > 0 ? ", " : "", node("code", {}, "waferwatt validate " + s)]), ". What the model leaves out: ", node("code", {}, a.page), " of the documentation."));
}

function inputsSection(data) {
  const table = new DataTable(data.inputs), rows = [...table.rows()].map((i) => table.names.map((n) => table.at(n, i)));
  return section("inputs", "Inputs", node("div", {class: "tables"},
    rows.length ? folded([node("b", {}, "Values from the catalog"), ` ${rows.length} values, each with its source`], () => [
      node("button", {type: "button", onclick: () => download("inputs.csv", csvOf(table.names, rows))}, "Download CSV"), htmlTable(table.names.map(words), rows, "Values and their sources")]) : null,
    folded([node("b", {}, "Resolved scenario"), " every default and override"], () => [node("button", {type: "button", onclick: () => download("resolved.json", JSON.stringify(data.resolved, null, 2), "application/json")}, "Download JSON"),
      node("pre", {tabindex: 0}, JSON.stringify(data.resolved, null, 2))])));
}

function footer(data) {
  const p = data.summary.provenance;
  return node("footer", {}, `Scenario ${data.summary.name} (${data.summary.kind}), seed ${p.seed}. Waferwatt ${p.version}, revision ${p.revision}; ${quantity(p.wall_time_s, "s")}, ${quantity(p.peak_memory_bytes, "B")}.`);
}

function contents(parts) {
  const names = {binds: "What binds", ranked: "Ranked", charts: "Pictures", numbers: "Numbers", tables: "Tables", inputs: "Inputs", definitions: "Definitions", accuracy: "Accuracy", inputs_changed: "Inputs changed", results_changed: "Results changed", charges_changed: "Why"};
  document.getElementById("contents").append(...parts.filter(Boolean).filter((p) => names[p.id]).map((p) => node("a", {href: "#" + p.id}, names[p.id])));
}

/** Light or dark: what the machine asks for, until the button says otherwise; paper is light. */
function themed(redraw) {
  const button = document.getElementById("theme"), wish = matchMedia("(prefers-color-scheme: dark)");
  const set = (dark) => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
  };
  const isDark = () => document.documentElement.dataset.theme === "dark";
  set(wish.matches);
  button.addEventListener("click", () => { set(!isDark()); redraw(); });
  wish.addEventListener("change", (event) => { set(event.matches); redraw(); });
  let before = false;
  addEventListener("beforeprint", () => { before = isDark(); set(false); redraw(); });
  addEventListener("afterprint", () => { set(before); redraw(); });
}

function runPage(data) {
  const tables = new Map([...wordTables(data.summary), ...data.tables.map((t) => new DataTable(t))].map((t) => [t.name, t]));
  const specs = [...(data.charts.charts || []), ...(data.any.charts || [])].map((spec) => (spec.type === "map" ? {...spec, land: data.land} : spec));
  const {figures, absent} = makeCharts(specs, tables);
  const own = data.tables.map((t) => tables.get(t.name));
  const parts = [cards(data), data.charts.accuracy ? node("p", {class: "note"}, node("a", {href: "#accuracy"}, "How accurate is it?"), " ", data.charts.accuracy.says) : null, bindsSection(data), rankedSection(tables), chartsSection(figures, absent), numbersSection(data),
    section("tables", "Tables", node("div", {class: "tables"}, ...own.map(tableFold))), inputsSection(data), accuracySection(data), definitionsSection(data), footer(data)];
  document.getElementById("page").append(...parts.filter(Boolean));
  contents(parts);
  return figures;
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  let figures = [];
  const redraw = () => figures.forEach((f) => f.draw());
  themed(redraw);
  figures = data.comparison ? comparePage(data) : runPage(data);
  figures.forEach((f) => f.drawFirst());
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; figures.filter((f) => !f.chart).forEach((f) => f.draw()); } });
  document.documentElement.dataset.ready = "yes";
}
