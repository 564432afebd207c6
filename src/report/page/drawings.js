// SPDX-License-Identifier: Apache-2.0
"use strict";
// Pictures that the charting library does not have: flows, time lines, heat maps and maps, as SVG in the width of their box.

const SVG = "http://www.w3.org/2000/svg";

function svgNode(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function svgIn(box, label, width, height) {
  box.classList.add("drawn");
  const svg = svgNode("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label});
  box.append(svg);
  return svg;
}

function svgText(x, y, text, attributes) {
  return svgNode("text", {x, y, ...attributes}, text);
}

/** Text cut in its middle to what fits in a width; 12 px letters are about 6.6 px wide. */
function fitting(text, width) {
  const n = Math.max(5, Math.floor(width / 6.6)), tail = Math.floor(n / 3);
  return text.length > n ? text.slice(0, n - tail - 1) + "…" + text.slice(text.length - tail) : text;
}

function legendOf(box, entries) {
  const list = document.createElement("ul");
  list.className = "legend";
  for (const [name, colour] of entries) {
    const item = document.createElement("li"), mark = document.createElement("i");
    mark.style.background = colour;
    item.append(mark, name);
    list.append(item);
  }
  box.append(list);
}

/** Shows a text beside the pointer while `find(x, y)` (in the picture's own units) gives one. */
function withTip(box, svg, find) {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  box.append(tip);
  svg.addEventListener("pointermove", (event) => {
    const frame = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / frame.width;
    const text = find((event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale);
    tip.hidden = !text;
    tip.textContent = text || "";
    tip.style.left = Math.min(event.clientX - frame.left + 12, Math.max(0, frame.width - 180)) + "px";
    tip.style.top = event.clientY - frame.top + 16 + "px";
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
}

/** Sums of a value along `layers` (columns of one tidy table): a band from each thing to the next layer's. */
function drawSankey(box, spec, table, chosen) {
  if (table.every > 1) return {missing: `the page holds one of ${table.every} rows of ${table.name}, which cannot be added up`};
  const rows = selected(table, spec, chosen).filter((i) => table.at(spec.value, i) > 0);
  if (rows.length === 0) return {missing: `${table.name} has no amounts`};
  const layers = spec.layers.map((column) => {
    const sums = new Map();
    for (const i of rows) sums.set(String(table.at(column, i)) || "–", (sums.get(String(table.at(column, i)) || "–") || 0) + table.at(spec.value, i));
    const sorted = [...sums].sort((a, b) => b[1] - a[1]), kept = sorted.slice(0, spec.top || 10), rest = sorted.slice(spec.top || 10);
    const nodes = kept.map(([name, value]) => ({name, value}));
    if (rest.length) nodes.push({name: REST, value: rest.reduce((sum, [, v]) => sum + v, 0)});
    return {column, nodes, of: (i) => { const name = String(table.at(column, i)) || "–"; return nodes.find((n) => n.name === name) || nodes[nodes.length - 1]; }};
  });
  const links = [];
  for (let l = 0; l + 1 < layers.length; ++l) {
    const found = new Map();
    for (const i of rows) {
      const from = layers[l].of(i), to = layers[l + 1].of(i), key = from.name + "\n" + to.name;
      if (!found.has(key)) found.set(key, {from, to, value: 0});
      found.get(key).value += table.at(spec.value, i);
    }
    links.push(...found.values());
  }
  const total = layers[0].nodes.reduce((sum, n) => sum + n.value, 0);
  const width = Math.max(190 * layers.length, box.clientWidth), most = Math.max(...layers.map((l) => l.nodes.length)), height = Math.max(260, 40 * most), bar = 12, gap = 8, top = 24;
  const scale = (height - top - gap * (most - 1)) / total;
  const base = Math.max(0, spec.layers.indexOf(spec.colour)), colours = colourOf(layers[base].nodes.map((n) => n.name));
  layers[base].nodes.forEach((n, i) => { n.colour = colours[i]; });
  layers.forEach((layer, l) => {
    const used = layer.nodes.reduce((sum, n) => sum + n.value * scale, 0) + gap * (layer.nodes.length - 1);
    let y = top + (height - top - used) / 2;
    for (const node of layer.nodes) {
      Object.assign(node, {x: (l * (width - bar)) / (layers.length - 1), y, h: Math.max(1, node.value * scale), out: y, in: y});
      if (!node.colour) node.colour = themeColour("c7");
      y += node.h + gap;
    }
  });
  for (const link of links) {  // layer by layer: beyond the base a thing has the colour of what gives it most; the last layer is grey
    const at = layers.findIndex((layer) => layer.nodes.includes(link.from));
    link.colour = () => (at < base ? link.to.colour : link.from.colour);
    if (at < base || at + 2 === layers.length || link.to.strongest > link.value) continue;
    Object.assign(link.to, {strongest: link.value, colour: link.from.colour});
  }
  const svg = svgIn(box, aria(spec, {labels: links, series: []}), width, height + 4);
  if (width > box.clientWidth) {  // a narrow screen moves over it
    svg.style.width = width + "px";
    box.classList.add("sideways");
    box.tabIndex = 0;
  }
  const shapes = svgNode("g", {"fill-opacity": 0.32}), marks = svgNode("g", {});
  for (const link of [...links].sort((a, b) => a.from.y - b.from.y || a.to.y - b.to.y)) {
    const h = link.value * scale, x0 = link.from.x + bar, x1 = link.to.x, y0 = link.from.out, y1 = link.to.in, mid = (x0 + x1) / 2;
    link.from.out += h; link.to.in += h;
    const path = svgNode("path", {d: `M${x0} ${y0}C${mid} ${y0} ${mid} ${y1} ${x1} ${y1}v${h}C${mid} ${y1 + h} ${mid} ${y0 + h} ${x0} ${y0 + h}Z`, fill: link.colour()},
      svgNode("title", {}, `${link.from.name} → ${link.to.name}: ${quantity(link.value, spec.unit)}`));
    shapes.append(path);
  }
  // The labels of the last two layers share the space between them; where it is narrow, numbers are left to the table.
  const room = (width - bar * layers.length) / (layers.length - 1) - 12, isNarrow = room < 200;
  const roomOf = (l) => (isNarrow && l >= layers.length - 2 && layers.length > 1 ? room / 2 - 4 : room);
  layers.forEach((layer, l) => {
    const isLast = l === layers.length - 1, side = isLast ? -6 : bar + 6;
    marks.append(svgText(layer.nodes[0].x + (isLast ? bar : 0), 12, (spec.layer_names || spec.layers.map(words))[l], {class: "dim", "text-anchor": isLast ? "end" : "start"}));
    for (const node of layer.nodes) {
      marks.append(svgNode("rect", {x: node.x, y: node.y, width: bar, height: node.h, fill: node.colour}, svgNode("title", {}, `${node.name}: ${quantity(node.value, spec.unit)}`)));
      if (node.h + gap >= 13) marks.append(svgText(node.x + side, node.y + node.h / 2 + 4, fitting(isNarrow ? node.name : `${node.name} ${compact(node.value)}`, roomOf(l)), {"text-anchor": isLast ? "end" : "start"}));
    }
  });
  svg.append(shapes, marks);
  return {numbers: {titles: ["from", "to", spec.unit || "amount"], rows: links.map((k) => [k.from.name, k.to.name, k.value])}, n: links.length};
}

function niceTicks(low, high, n) {
  const raw = (high - low) / n || 1, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const ticks = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-6; t += step) ticks.push(t);
  return ticks;
}

/** Letters of the words in which all of several names end: "replica 0 nvidia-h200" and "replica 1 nvidia-h200" share 13. */
function sharedEnd(names) {
  const words = names.map((name) => name.split(" "));
  let n = 0;
  while (names.length > 1 && words.every((w) => w.length > n + 1 && w[w.length - 1 - n] === words[0][words[0].length - 1 - n])) n += 1;
  return n === 0 ? 0 : words[0].slice(-n).join(" ").length + 1;
}

/** The bars of a time line: {row, from, to, kind}. `parts` are intervals of one row of the table, else each row is one. */
function spansOf(table, spec, rows) {
  const spans = [];
  for (const i of rows) {
    const row = keyText(table, spec.row, i);
    if (spec.parts) {
      for (const part of spec.parts) {
        const from = table.at(part.from, i), to = table.at(part.to, i);
        if (typeof from === "number") spans.push({row, from, to: typeof to === "number" ? to : null, kind: part.label});
      }
    } else {
      const from = table.at(spec.from, i);
      spans.push({row, from, to: from + table.at(spec.duration, i), kind: spec.category ? table.at(spec.category, i) : row, name: spec.label ? keyText(table, spec.label, i) : ""});
    }
  }
  const end = spans.reduce((last, s) => Math.max(last, s.to === null ? s.from : s.to), 0);
  for (const s of spans) if (s.to === null) s.to = end;
  return spans.filter((s) => s.to > s.from);
}

function drawSpans(box, spec, table, chosen) {
  let rows = selected(table, spec, chosen);
  const all = rows.length;
  if (spec.most && rows.length > spec.most) rows = [...rows].sort((a, b) => table.at(spec.by, b) - table.at(spec.by, a)).slice(0, spec.most);
  const spans = spansOf(table, spec, rows);
  if (spans.length === 0) return {missing: `${table.name} has no intervals`};
  const names = [...new Set(spans.map((s) => s.row))];
  if (spec.sort === "x") names.sort(); else if (spec.parts) names.sort((a, b) => Math.min(...spans.filter((s) => s.row === a).map((s) => s.from)) - Math.min(...spans.filter((s) => s.row === b).map((s) => s.from)));
  const start = Math.min(...spans.map((s) => s.from)), end = spans.reduce((last, s) => Math.max(last, s.to), start), kinds = [...new Set(spans.map((s) => s.kind))];
  const colours = new Map(kinds.map((k, i) => [k, colourOf(kinds)[i]]));
  const shared = sharedEnd(names), longest = Math.max(...names.map((n) => n.length)) - shared;
  const width = Math.max(320, box.clientWidth), side = Math.min(130, width * 0.27, 16 + 6.6 * longest), row = names.length > 24 ? 14 : 20, height = names.length * row + 26;
  const x = (t) => side + ((t - start) / (end - start)) * (width - side - 4), place = new Map(names.map((n, i) => [n, i]));
  const svg = svgIn(box, aria(spec, {labels: spans, series: []}), width, height);
  const [, unit] = TIMES.find(([least]) => end - start >= least);
  for (const t of niceTicks(0, (end - start) / unit, width < 500 ? 3 : 7).map((k) => start + k * unit)) {
    svg.append(svgNode("line", {x1: x(t), x2: x(t), y1: 0, y2: height - 22, stroke: themeColour("line")}), svgText(x(t), height - 7, quantity(t - (spec.absolute ? 0 : start), "s"), {class: "dim", "text-anchor": x(t) > width - 40 ? "end" : "middle"}));
  }
  names.forEach((name, i) => svg.append(svgText(0, (i + 0.5) * row + 4, fitting(name.slice(0, name.length - shared), side - 6), {"font-size": row > 14 ? 12 : 10.5})));
  for (const kind of kinds) {
    const d = spans.filter((s) => s.kind === kind).map((s) => `M${x(s.from).toFixed(2)} ${(place.get(s.row) * row + 2).toFixed(1)}h${Math.max(0.4, x(s.to) - x(s.from) - 0.3).toFixed(2)}v${row - 4}h${-Math.max(0.4, x(s.to) - x(s.from) - 0.3).toFixed(2)}Z`).join("");
    svg.append(svgNode("path", {d, fill: colours.get(kind)}));
  }
  withTip(box, svg, (px, py) => {
    const name = names[Math.floor(py / row)], t = start + ((px - side) / (width - side - 4)) * (end - start);
    const span = spans.find((s) => s.row === name && s.from <= t && t <= s.to);
    return span ? `${name}: ${span.name || span.kind}, ${quantity(span.to - span.from, "s")} from ${quantity(span.from - start, "s")}` : "";
  });
  legendOf(box, kinds.map((k) => [k, colours.get(k)]));
  return {numbers: {titles: ["row", "kind", "from (s)", "to (s)"], rows: spans.map((s) => [s.row, s.kind, s.from, s.to])}, n: spans.length, left: all - rows.length};
}

/** A row for each value of `row`, a cell for each of its rows in the table, as strong as its value (0 to 1, or to the largest). */
function drawHeat(box, spec, table, chosen) {
  const rows = selected(table, spec, chosen), groups = new Map();
  for (const i of rows) {
    const name = keyText(table, spec.row, i);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push({label: keyText(table, spec.cell, i), value: table.at(spec.value, i)});
  }
  if (groups.size === 0) return {missing: `${table.name} is empty`};
  const most = spec.largest || Math.max(...rows.map((i) => table.at(spec.value, i))) || 1;
  const width = Math.max(320, box.clientWidth), side = Math.min(150, width * 0.32), right = 66, row = 30, names = [...groups.keys()], colour = themeColour("c3");
  const svg = svgIn(box, aria(spec, {labels: rows, series: []}), width, names.length * row + 4);
  names.forEach((name, r) => {
    const cells = groups.get(name), w = (width - side - right) / cells.length;
    svg.append(svgText(0, r * row + 19, fitting(name, side - 6)), svgNode("rect", {x: side, y: r * row + 3, width: width - side - right, height: row - 6, fill: themeColour("panel")}));
    cells.forEach((cell, i) => svg.append(svgNode("rect", {x: (side + i * w).toFixed(2), y: r * row + 3, width: Math.max(0.5, w - (w > 4 ? 1 : 0)).toFixed(2), height: row - 6, fill: colour, opacity: Math.min(1, Math.max(0, cell.value / most)).toFixed(3)})));
    svg.append(svgText(width - right + 6, r * row + 19, quantity(Math.max(...cells.map((c) => c.value)), spec.unit)));
  });
  withTip(box, svg, (px, py) => {
    const cells = groups.get(names[Math.floor(py / row)]);
    const cell = cells && cells[Math.floor(((px - side) / (width - side - right)) * cells.length)];
    return cell ? `${names[Math.floor(py / row)]}, ${words(spec.cell)} ${cell.label}: ${quantity(cell.value, spec.unit)}` : "";
  });
  return {numbers: {titles: [words(spec.row), words(spec.cell), words(spec.value)], rows: names.flatMap((n) => groups.get(n).map((c) => [n, c.label, c.value]))}, n: rows.length};
}

/** Texts beside marks, the largest marks first; those that would cover another text or mark are left out, their numbers are in the tip
 * and the table. */
function labelsOf(marks, width, height, textOf) {
  const taken = [], texts = [];
  marks.forEach((mark, i) => {
    const text = textOf(i), w = 6.2 * text.length, places = [[mark.x + mark.r + 4, mark.y + 4], [mark.x - mark.r - 4 - w, mark.y + 4], [mark.x - w / 2, mark.y - mark.r - 5], [mark.x - w / 2, mark.y + mark.r + 13]];
    for (const [x, y] of places) {
      const box = [x, y - 11, x + w, y + 3];
      const isFree = box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height && taken.every((t) => box[2] < t[0] || t[2] < box[0] || box[3] < t[1] || t[3] < box[1])
        && marks.every((m) => m === mark || Math.max(box[0] - m.x, m.x - box[2], 0) ** 2 + Math.max(box[1] - m.y, m.y - box[3], 0) ** 2 > m.r ** 2);
      if (!isFree) continue;
      taken.push(box);
      texts.push(svgText(x, y, text, {"font-size": 11}));
      return;
    }
  });
  return texts;
}

/** The land that touches a window of longitudes and latitudes, as one path. Rings are `[longitude, latitude, ...]` in tenths of a degree. */
function landPath(rings, [west, east], [south, north], x, y) {
  const isSeen = (ring) => {
    const lon = ring.filter((_, i) => i % 2 === 0), lat = ring.filter((_, i) => i % 2 === 1);
    return Math.max(...lon) > 10 * west && Math.min(...lon) < 10 * east && Math.max(...lat) > 10 * south && Math.min(...lat) < 10 * north;
  };
  const d = rings.filter(isSeen).map((ring) => {
    const points = [];
    for (let i = 0; i < ring.length; i += 2) points.push(`${x(ring[i] / 10).toFixed(1)} ${y(ring[i + 1] / 10).toFixed(1)}`);
    return `M${points.join("L")}Z`;
  });
  return svgNode("path", {class: "land", "fill-rule": "evenodd", d: d.join("")});
}

/** Places on land and a grid of longitude and latitude, as large as their value. A degree of longitude is as wide as it is in the middle of the picture. */
function drawMap(box, spec, table, chosen) {
  const rows = selected(table, spec, chosen).filter((i) => typeof table.at(spec.x, i) === "number" && typeof table.at(spec.y, i) === "number" && table.at(spec.value, i) > 0);
  if (rows.length === 0) return {missing: `${table.name} has no places`};
  const span = (column, margin) => [Math.min(...rows.map((i) => table.at(column, i))) - margin, Math.max(...rows.map((i) => table.at(column, i))) + margin];
  let [west, east] = span(spec.x, 8), [south, north] = span(spec.y, 5);
  const middle = Math.cos(((north + south) / 2) * (Math.PI / 180)), marks = [];
  const width = Math.max(320, box.clientWidth), wanted = (width * (north - south)) / ((east - west) * middle), height = Math.min(460, Math.max(240, wanted));
  const more = wanted > height ? ((east - west) * (wanted / height - 1)) / 2 : 0, higher = wanted < height ? ((north - south) * (height / wanted - 1)) / 2 : 0;
  west -= more; east += more; south -= higher; north += higher;
  const x = (lon) => ((lon - west) / (east - west)) * width, y = (lat) => ((north - lat) / (north - south)) * height;
  const svg = svgIn(box, aria(spec, {labels: rows, series: []}), width, height), largest = Math.max(...rows.map((i) => table.at(spec.value, i)));
  svg.append(landPath(spec.land.tenths_of_a_degree, [west, east], [south, north], x, y));
  for (const lon of niceTicks(west, east, 6)) svg.append(svgNode("line", {x1: x(lon), x2: x(lon), y1: 0, y2: height, stroke: themeColour("line")}), svgText(x(lon) + 3, height - 4, `${Math.abs(lon)}° ${lon < 0 ? "W" : "E"}`, {class: "dim", "font-size": 10}));
  for (const lat of niceTicks(south, north, 5)) svg.append(svgNode("line", {x1: 0, x2: width, y1: y(lat), y2: y(lat), stroke: themeColour("line")}), svgText(2, y(lat) - 3, `${Math.abs(lat)}° ${lat < 0 ? "S" : "N"}`, {class: "dim", "font-size": 10}));
  const kinds = [...new Set(rows.map((i) => keyText(table, spec.series, i)))], colours = colourOf(kinds);
  for (const i of [...rows].sort((a, b) => table.at(spec.value, b) - table.at(spec.value, a))) {
    const r = 3 + 20 * Math.sqrt(table.at(spec.value, i) / largest);
    const at = {x: x(table.at(spec.x, i)), y: y(table.at(spec.y, i)), text: `${keyText(table, spec.label, i)}: ${quantity(table.at(spec.value, i), spec.unit)}`, r};
    svg.append(svgNode("circle", {cx: at.x, cy: at.y, r, fill: colours[kinds.indexOf(keyText(table, spec.series, i))], "fill-opacity": 0.55, stroke: themeColour("back")}, svgNode("title", {}, at.text)));
    marks.push(at);
  }
  svg.append(...labelsOf(marks, width, height, (i) => marks[i].text.replace(/ \([^)]*\)/, "")));
  legendOf(box, kinds.map((k, i) => [k, colours[i]]));
  return {numbers: {titles: [words(spec.label), "longitude", "latitude", words(spec.value)], rows: rows.map((i) => [keyText(table, spec.label, i), table.at(spec.x, i), table.at(spec.y, i), table.at(spec.value, i)])}, n: rows.length, note: `Land: ${spec.land.source}.`};
}
