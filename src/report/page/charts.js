// SPDX-License-Identifier: Apache-2.0
"use strict";
// Charts that the charting library draws. A drawer puts a picture of table rows into a box and gives back the numbers
// that it shows, {titles, rows}, or {missing: why}.

function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** The same thing has the same colour in all charts, as far as colours last. */
const colourOf = (() => {
  const known = new Map();
  const N = 7;  // the eighth is for the rest
  return (names) => {
    const taken = new Set(), place = new Map(), own = names.filter((name) => name !== REST), isFew = own.length <= N;
    const take = (name, c) => { place.set(name, c); taken.add(c); };
    for (const name of own) if (known.has(name) && !(isFew && taken.has(known.get(name)))) take(name, known.get(name));
    for (const name of own.filter((n) => !place.has(n))) {
      const free = [...Array(N).keys()].map((i) => (known.size + i) % N).find((i) => !taken.has(i));
      take(name, free === undefined ? known.size % N : free);
      if (!known.has(name)) known.set(name, place.get(name));
    }
    return names.map((name) => themeColour(name === REST ? "c7" : "c" + place.get(name)));
  };
})();

/** A colour "#rrggbb" of the theme that lets what is behind it through. */
function faint(colour, share) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${share})`;
}

function canvasIn(box, label) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  canvas.tabIndex = 0;
  box.append(canvas);
  return canvas;
}

/** Arrow keys walk over the points of a chart; what is there is shown and told. */
function withKeys(canvas, chart) {
  let at = -1;
  canvas.addEventListener("keydown", (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1}[event.key];
    const n = (chart.data.labels || []).length || chart.data.datasets[0].data.length;
    if (!step || n === 0) return;
    event.preventDefault();
    at = (at + step + n) % n;
    const active = chart.data.datasets.flatMap((d, datasetIndex) => (chart.isDatasetVisible(datasetIndex) && !d.isBand ? [{datasetIndex, index: at}] : []));
    chart.setActiveElements(active);
    chart.tooltip.setActiveElements(active, {x: 0, y: 0});
    chart.update();
    const lines = chart.tooltip.body ? chart.tooltip.body.flatMap((b) => b.lines) : [];
    document.getElementById("told").textContent = [...(chart.tooltip.title || []), ...lines].join("; ");
  });
}

/** Of a logarithmic axis: powers of ten, or 1, 2 and 5 times them where there are fewer than three. */
function roundTicks(scale) {
  const mantissa = (t) => Number((t.value / 10 ** Math.floor(Math.log10(t.value) + 1e-9)).toPrecision(3));
  const tens = scale.ticks.filter((t) => mantissa(t) === 1);
  scale.ticks = tens.length > 2 ? tens : scale.ticks.filter((t) => [1, 2, 5].includes(mantissa(t)));
}

/** An axis of numbers up to `most`, each with its unit where that is short. */
function axis(title, unit, extra, most) {
  const grid = {color: themeColour("line"), drawBorder: false}, isShort = unit === "share" || unit === "s" || PREFIXED.test(unit || "");
  const ticks = {color: themeColour("dim"), callback: (v) => quantity(v, isShort ? unit : "1"), maxTicksLimit: 8};
  if (unit === "s" && most > 0 && extra.type !== "logarithmic") {
    const [, scale] = TIMES.find(([least]) => most >= least), step = niceTicks(0, most / scale, 6)[1];
    ticks.stepSize = (step || 1) * scale;
  }
  const shown = unit && unit !== "1" && !isShort ? `${title ? title + ", " : ""}${unit}` : title;
  return {grid, ticks, title: {display: Boolean(shown), text: shown, color: themeColour("dim")}, ...(extra.type === "logarithmic" ? {afterBuildTicks: roundTicks} : {}), ...extra};
}

function largest(lists) {
  return Math.max(0, ...lists.map((list) => list.reduce((most, v) => Math.max(most, v || 0), 0)));
}

/** A label in lines of about `n` letters, at most three of them. */
function lined(text, n) {
  const lines = [];
  for (const word of String(text).split(" "))
    if (lines.length > 0 && (lines[lines.length - 1] + " " + word).length <= n) lines[lines.length - 1] += " " + word;
    else lines.push(word);
  const kept = lines.slice(0, 3).map((line) => (line.length > n + 6 ? line.slice(0, n + 5) + "…" : line));
  if (lines.length > 3) kept[2] += " …";
  return kept;
}

/** Names beside lying bars, in lines where the box is narrow, and the height that so many rows of bars need. */
function lyingNames(box, labels, barsEach, extra) {
  const n = box.clientWidth < 420 ? 15 : 34, lines = labels.map((label) => lined(label, n)), most = Math.max(...lines.map((l) => l.length));
  box.style.height = Math.max(150, 70 + labels.length * Math.max(8 + 13 * most, barsEach === 1 ? 24 : 8 + 13 * barsEach)) + "px";
  return {...names(extra), ticks: {color: themeColour("text"), autoSkip: false, callback: (_, i) => lines[i]}};
}

function names(extra) {
  return {grid: {display: false}, ticks: {color: themeColour("dim"), autoSkip: true, maxRotation: 50}, ...extra};
}

function options(spec, over) {
  return {
    responsive: true, maintainAspectRatio: false, animation: false, normalized: true,
    interaction: {mode: "index", intersect: false, axis: over.indexAxis || "x"},
    ...over,
    plugins: {
      legend: {display: false, position: "bottom", labels: {color: themeColour("text"), boxWidth: 12, filter: (item, data) => !data.datasets[item.datasetIndex].isBand}, ...(over.legend || {})},
      tooltip: {filter: (item) => !item.dataset.isBand && item.raw !== null, callbacks: {label: (item) => `${item.dataset.label}: ${quantity(item.raw !== null && typeof item.raw === "object" && !Array.isArray(item.raw) ? item.raw.y : item.raw, spec.unit)}`, ...(over.tip || {})}},
    },
  };
}

function chartIn(box, label, config) {
  const canvas = canvasIn(box, label);
  const chart = new Chart(canvas, config);
  withKeys(canvas, chart);
  return chart;
}

function numbersOf(data, spec) {
  const titles = [words(Array.isArray(spec.x) ? spec.x.join(" ") : spec.x)], rows = data.labels.map((label) => [label]);
  for (const s of data.series) {
    titles.push(s.name);
    s.values.forEach((v, i) => rows[i].push(v));
    if (s.low && s.low.some((v) => v !== null)) {
      titles.push(s.name + ", low", s.name + ", high");
      s.low.forEach((v, i) => rows[i].push(v, s.high[i]));
    }
  }
  return {titles, rows};
}

/** On an axis: the day where there are many, else day and hour; the whole text is in the tip. */
function shortHours(labels) {
  const from = labels.length > 96 ? [5, 10] : [5, 16];
  return (_, i) => (labels[i] || "").slice(...from);
}

function drawLines(box, spec, table, chosen) {
  const data = pivot(table, {sort: spec.x_kind === "hour" || ["year", "quarter"].includes(spec.x) || Array.isArray(spec.x) ? "x" : undefined, ...spec}, chosen);
  if (data.missing) return data;
  if (data.labels.length === 1) return drawBars(box, {...spec, stack: undefined}, table, chosen);
  const colours = data.series.length === 1 && !spec.series ? [themeColour("c0")] : colourOf(data.series.map((s) => s.name)), datasets = [];
  const isLong = data.labels.length > 40;
  data.series.forEach((s, i) => {
    const hasBand = s.low && s.low.some((v) => v !== null);
    datasets.push({label: s.name, data: s.values, borderColor: colours[i], backgroundColor: spec.stack ? faint(colours[i], 0.55) : colours[i], fill: Boolean(spec.stack) && (i === 0 ? "origin" : "-1"),
      borderWidth: 2, pointRadius: isLong ? 0 : 3, pointHitRadius: 8, stepped: spec.stepped, borderDash: i >= 8 ? [5, 3] : []});
    if (hasBand) {
      const band = {isBand: true, borderWidth: 0, pointRadius: 0, label: s.name + " band", backgroundColor: faint(colours[i], 0.18)};
      datasets.push({...band, data: s.low, fill: false}, {...band, data: s.high, fill: "-1"});
    }
  });
  const y = axis(spec.y_title, spec.unit, {type: spec.log ? "logarithmic" : "linear", stacked: Boolean(spec.stack), beginAtZero: !spec.log && !spec.free}, largest(data.series.map((s) => s.values)));
  const isLinear = spec.x_unit !== undefined;
  const xs = isLinear ? data.labels.map(Number) : data.labels;
  const x = isLinear ? axis(spec.x_title, spec.x_unit, {type: spec.log_x ? "logarithmic" : "linear", bounds: "data", min: spec.log_x ? undefined : Math.min(...xs)}, Math.max(...xs))
    : names({title: {display: Boolean(spec.x_title), text: spec.x_title, color: themeColour("dim")}, ticks: {color: themeColour("dim"), autoSkip: true, maxTicksLimit: box.clientWidth < 420 ? 4 : 8, maxRotation: 0, ...(spec.x_kind === "hour" ? {callback: shortHours(data.labels)} : {})}});
  const chart = chartIn(box, aria(spec, data), {type: "line", data: {labels: xs, datasets},
    options: options(spec, {scales: {x, y}, legend: {display: data.series.length > 1 || spec.series !== undefined}, tip: isLinear ? {title: (items) => (items.length ? quantity(items[0].parsed.x, spec.x_unit) : "")} : {}})});
  return {chart, numbers: numbersOf(data, spec), n: data.labels.length * data.series.length};
}

function drawBars(box, spec, table, chosen) {
  const data = pivot(table, spec, chosen);
  if (data.missing) return data;
  if (spec.share) toShares(data);
  const lying = Boolean(spec.lying), unit = spec.share ? "share" : spec.unit;
  const colours = colourOf(data.series.map((s) => s.name));
  const own = data.series.length === 1 && !spec.series ? themeColour("c0") : null;
  const datasets = data.series.map((s, i) => ({label: s.name, data: s.values, backgroundColor: own || colours[i], stack: spec.stack || spec.share ? "all" : undefined, maxBarThickness: 34}));
  const value = axis(spec.y_title, unit, {stacked: Boolean(spec.stack || spec.share), type: spec.log ? "logarithmic" : "linear", max: spec.share ? 1 : undefined}, largest(data.series.map((s) => s.values))), isStacked = {stacked: Boolean(spec.stack || spec.share)};
  const category = lying ? lyingNames(box, data.labels, isStacked.stacked ? 1 : data.series.length, isStacked) : names(isStacked);
  const chart = chartIn(box, aria(spec, data), {type: "bar", data: {labels: data.labels, datasets},
    options: options({...spec, unit}, {indexAxis: lying ? "y" : "x", scales: lying ? {x: value, y: category} : {x: category, y: value}, legend: {display: data.series.length > 1 || spec.series !== undefined}})});
  return {chart, numbers: numbersOf(data, spec), n: data.labels.length * data.series.length, left: data.left};
}

function toShares(data) {
  data.labels.forEach((_, i) => {
    const sum = data.series.reduce((total, s) => total + (s.values[i] || 0), 0);
    for (const s of data.series) s.values[i] = sum > 0 ? (s.values[i] || 0) / sum : null;
  });
}

/** Bars that start where the one before ends; the last one is the sum. Rows may take away: then they have another colour. With
 * `falls` the first bar is the whole, and the rows, all positive, take from it. */
function drawWaterfall(box, spec, table, chosen) {
  const data = pivot(table, spec, chosen);
  if (data.missing) return data;
  const values = data.series[0].values.map((v) => v || 0);
  const keep = values.map((v, i) => i).filter((i) => values[i] !== 0);
  const sum = values.reduce((a, b) => a + b, 0), total = Math.max(sum, values[0]), takes = values.some((v) => v < 0);
  let at = spec.falls ? total : 0;
  const labels = [], spans = [], kinds = [];
  if (spec.falls) { labels.push(spec.whole || "all"); spans.push([0, total]); kinds.push("whole"); }
  for (const i of keep) {
    const isRest = spec.falls && data.labels[i] === spec.rest;
    if (isRest) continue;
    const next = spec.falls ? at - values[i] : at + values[i];
    labels.push(data.labels[i]); spans.push([at, next]); kinds.push(takes && next > at ? (kinds.length === 0 ? "whole" : "adds") : "part");
    at = next;
  }
  labels.push(spec.falls ? spec.rest || "left" : spec.whole || "all"); spans.push([0, at]); kinds.push("whole");
  const colours = kinds.map((k) => themeColour({whole: "c0", adds: "c2", part: "c3"}[k])), lying = lyingNames(box, labels, 1, {});
  const chart = chartIn(box, aria(spec, {labels, series: [{name: spec.title}]}), {type: "bar", data: {labels, datasets: [{label: spec.y_name || "value", data: spans, backgroundColor: colours, maxBarThickness: 26}]},
    options: options(spec, {indexAxis: "y", scales: {x: axis(spec.y_title, spec.unit, {}, total), y: lying},
      tip: {label: (item) => `${quantity(Math.abs(item.raw[1] - item.raw[0]), spec.unit)} (${quantity(Math.abs(item.raw[1] - item.raw[0]) / total, "share")})`}})});
  return {chart, numbers: {titles: [words(Array.isArray(spec.x) ? spec.x.join(" ") : spec.x), spec.y_name || "value", "share"], rows: labels.map((l, i) => [l, Math.abs(spans[i][1] - spans[i][0]), Math.abs(spans[i][1] - spans[i][0]) / total])}, n: labels.length, note: kinds.includes("adds") ? "Green adds, orange takes away." : undefined};
}

/** Bars from low to high, the widest first. */
function drawTornado(box, spec, table, chosen) {
  const width = (i) => Math.abs(table.at(spec.high, i) - table.at(spec.low, i));
  const rows = selected(table, spec, chosen).sort((a, b) => width(b) - width(a)).slice(0, spec.most || 15).filter((i) => width(i) > 0);
  if (rows.length === 0) return {missing: "no input changes the result"};
  const labels = rows.map((i) => keyText(table, spec.x, i)), data = rows.map((i) => [table.at(spec.low, i), table.at(spec.high, i)]);
  const category = lyingNames(box, labels, 1, {});
  const chart = chartIn(box, aria(spec, {labels, series: [{name: spec.title}]}), {type: "bar",
    data: {labels, datasets: [{label: words(spec.low), data, backgroundColor: data.map(([a, b]) => themeColour(b >= a ? "c0" : "c3")), maxBarThickness: 20}]},
    options: options(spec, {indexAxis: "y", scales: {x: axis(spec.y_title, spec.unit, {beginAtZero: false}), y: category},
      tip: {label: (item) => `${quantity(item.raw[0], spec.unit)} at low, ${quantity(item.raw[1], spec.unit)} at high`}})});
  return {chart, numbers: {titles: [words(spec.x), "at low", "at high"], rows: rows.map((i, j) => [labels[j], ...data[j]])}, n: rows.length, left: table.length - rows.length};
}

function drawHistogram(box, spec, table, chosen) {
  const values = selected(table, spec, chosen).map((i) => table.at(spec.y, i)).filter((v) => typeof v === "number").sort((a, b) => a - b);
  if (values.length < 2) return {missing: `${table.name} has fewer than two values`};
  const n = Math.min(30, Math.max(6, Math.ceil(Math.sqrt(values.length)))), low = values[0], high = values[values.length - 1], step = (high - low) / n || 1;
  const counts = Array(n).fill(0);
  for (const v of values) counts[Math.min(n - 1, Math.floor((v - low) / step))] += 1;
  const labels = counts.map((_, i) => compact(low + (i + 0.5) * step));
  const chart = chartIn(box, aria(spec, {labels, series: [{name: spec.title}]}), {type: "bar",
    data: {labels, datasets: [{label: "runs", data: counts, backgroundColor: themeColour("c0"), categoryPercentage: 1, barPercentage: 0.94}]},
    options: options({}, {scales: {x: names({title: {display: Boolean(spec.unit), text: spec.unit, color: themeColour("dim")}, ticks: {color: themeColour("dim"), maxTicksLimit: 7, maxRotation: 0}}), y: axis("runs", "1", {})}})});
  return {chart, numbers: {titles: ["from", "to", "runs"], rows: counts.map((c, i) => [low + i * step, low + (i + 1) * step, c])}, n};
}

/** A cloud of points; with `front`, the points that nothing beats on both axes are joined (small is good). */
function drawPoints(box, spec, table, chosen) {
  const rows = selected(table, spec, chosen).filter((i) => typeof table.at(spec.x, i) === "number" && typeof table.at(spec.y, i) === "number");
  if (rows.length === 0) return {missing: `${table.name} has no points`};
  const scale = {x: spec.x_scale || 1, y: spec.scale || 1};
  const groups = new Map();
  for (const i of rows) {
    const name = spec.series ? keyText(table, spec.series, i) : spec.title;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push({x: table.at(spec.x, i) * scale.x, y: table.at(spec.y, i) * scale.y, label: spec.label ? keyText(table, spec.label, i) : ""});
  }
  const colours = groups.size === 1 ? [themeColour("c0")] : colourOf([...groups.keys()]);
  const datasets = [...groups].map(([label, data], i) => ({label, data, backgroundColor: faint(colours[i], 0.75), pointRadius: rows.length > 400 ? 1.5 : 4, pointStyle: ["circle", "triangle", "rect", "rectRot"][i % 4]}));
  if (spec.front) {
    const all = [...groups.values()].flat().sort((a, b) => a.x - b.x || a.y - b.y);
    let best = Infinity;
    const front = all.filter((p) => p.y < best && ((best = p.y), true));
    datasets.push({label: "best", data: front, showLine: true, borderColor: themeColour("dim"), borderDash: [4, 3], borderWidth: 1.5, pointRadius: 0, isBand: true});
  }
  const xs = rows.map((i) => table.at(spec.x, i) * scale.x);
  const x = axis(spec.x_title || words(spec.x), spec.x_unit, spec.log_x ? {type: "logarithmic", min: 0.9 * Math.min(...xs), max: 1.1 * Math.max(...xs)} : {type: "linear"}), y = axis(spec.y_title || words(spec.y), spec.unit, {type: spec.log ? "logarithmic" : "linear", beginAtZero: !spec.free && !spec.log}, largest([...groups.values()].map((g) => g.map((p) => p.y))));
  const chart = chartIn(box, aria(spec, {labels: rows, series: [...groups.keys()].map((name) => ({name}))}), {type: "scatter", data: {datasets},
    options: {...options(spec, {scales: {x, y}, legend: {display: groups.size > 1 || spec.series !== undefined}, tip: {label: (item) => `${item.raw.label ? item.raw.label + ": " : ""}${quantity(item.raw.x, spec.x_unit)}, ${quantity(item.raw.y, spec.unit)}`}}), interaction: {mode: "nearest", intersect: false}}});
  const titles = [...(spec.label ? [words(Array.isArray(spec.label) ? spec.label.join(" ") : spec.label)] : []), words(spec.x), words(spec.y)];
  return {chart, numbers: {titles, rows: [...groups.values()].flat().map((p) => (spec.label ? [p.label, p.x, p.y] : [p.x, p.y]))}, n: rows.length};
}

/** What a screen reader says of a picture; the numbers are in the table beneath. */
function aria(spec, data) {
  const n = data.labels.length, series = data.series.map((s) => s.name);
  return `${spec.title}. ${n} ${n === 1 ? "value" : "values"}${series.length > 1 ? ` each of ${series.slice(0, 8).join(", ")}` : ""}. Arrow keys walk over them; the table beneath has all numbers.`;
}
