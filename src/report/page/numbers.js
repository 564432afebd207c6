// SPDX-License-Identifier: Apache-2.0
"use strict";
// Numbers as people read them.

const PREFIXES = [[1e18, "E"], [1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

function threeDigits(value) {
  const text = value.toPrecision(3);
  return text.includes("e") ? text : String(Number(text));
}

/** "4.72 M", "0.112", "1.05e+21" */
function compact(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e21 || size < 1e-4) return value.toExponential(2);
  if (size >= 999.5 && size < 9999.5) return String(Math.round(value));
  const [scale, prefix] = PREFIXES.find(([least]) => size >= least * 0.9995) || [1, ""];
  return threeDigits(value / scale) + (prefix ? " " + prefix : "");
}

/** Units that take a prefix of their own: 3,629 MWh is 3.63 GWh. */
const PREFIXED = /^([kMGT]?)(Wh|W|B|B\/s|J|FLOP|FLOP\/s|tCO2e)$/;
const SCALES = {"": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12};

const TIMES = [[86400 * 3, 86400, "d"], [7200, 3600, "h"], [180, 60, "min"], [1, 1, "s"], [1e-3, 1e-3, "ms"], [1e-6, 1e-6, "µs"], [0, 1e-9, "ns"]];

/** A value with its unit: "19.4 ms", "32.6 GB", "37.7 %", "7.39 M USD". */
function quantity(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (unit === "s" && value !== 0) {
    const [, scale, name] = TIMES.find(([least]) => Math.abs(value) >= least);
    return threeDigits(value / scale) + " " + name;
  }
  if (unit === "share") return threeDigits(value * 100) + " %";
  if (!unit || unit === "1") return compact(value);
  const prefixed = PREFIXED.exec(unit);
  if (!prefixed) return compact(value) + " " + unit;
  const whole = value * SCALES[prefixed[1]], [scale, prefix] = PREFIXES.find(([least]) => Math.abs(whole) >= least * 0.9995) || [1, ""];
  if (Math.abs(whole) >= 1e21) return `${compact(whole)} ${prefixed[2]}`;
  return `${threeDigits(whole / scale)} ${prefix}${prefixed[2]}`;
}

/** All digits that a table needs: 4.9491e6 is "4,949,100". */
function precise(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(3);
  return size >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(5)));
}

/** Hours since 1970 as "2025-07-01 05:00". */
function hourText(hours) {
  return new Date(hours * 3600e3).toISOString().slice(0, 16).replace("T", " ");
}

function words(name) {
  return name.replace(/_/g, " ");
}

/** The name of a metric, with abbreviations as people write them. */
function metricWords(name) {
  return words(name).replace(/\b(mfu|hfu|kv|pue|hbm|h100)\b/g, (m) => m.toUpperCase()).replace(/\bmtoken\b/, "Mtoken").replace(/\bco2\b/, "CO2");
}
