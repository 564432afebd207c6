#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/models/kernels-*.png: predicted against measured times, a panel for each operator.

usage: plot_kernels.py WAFERWATT KERNELS      KERNELS: the folder of measured tables that docs/models/cost.md names
"""
import csv
import pathlib
import subprocess
import sys
import tempfile
from collections import defaultdict

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs/models"
TITLES = {
    "gemm": "GEMM",
    "grouped_gemm": "Grouped GEMM",
    "attention_prefill": "Attention, prefill",
    "attention_backward": "Attention, backward",
    "attention_decode": "Attention, decode",
    "moe": "Experts",
    "row": "Norms",
    "quantise": "Quantise",
}
# Picture, title, tables. Points of the first are those that the calibration was fitted to.
PICTURES = [
    ("kernels-h200.png", "H200, TensorRT-LLM: fitted", ["h200_sxm_*trtllm*.csv.gz", "all_quantize_*.csv.gz"]),
    ("kernels-libraries.png", "Tables of libraries: GEMM and grouped GEMM of DeepGEMM on H800 and best matmuls of 11 accelerators; attention and norms of cuDNN on H200 and of FlashAttention-3's paper on H100",
     ["published/deepgemm*.csv", "published/mamf*.csv", "published/fa3*.csv", "cudnn-h200/*.csv"]),
]
FEW = 500  # points that are drawn one by one
INK, GREY, BAND = "#1d2733", "#8a94a0", "#e9edf1"
COLORS = matplotlib.colors.LinearSegmentedColormap.from_list("points", ["#cfe3ee", "#5b9cbf", "#1f5f8b", "#0b2545"])


def read_points(files):
    """Operator -> two rows, measured and predicted, in microseconds. Of the quantisation of all accelerators the H200's."""
    points = defaultdict(list)
    for name in files:
        with open(name, newline="") as file:
            for row in csv.DictReader(file):
                if row["group"].split(" ")[1] == "quantise" and not row["group"].startswith("nvidia-h200"):
                    continue
                points[row["group"].split(" ")[1]].append((float(row["measured_us"]), float(row["predicted_us"])))
    return {operator: np.array(pairs).T for operator, pairs in points.items()}


def style(axis):
    axis.tick_params(which="both", colors=INK, labelsize=8, length=3)
    axis.minorticks_off()
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(GREY)


def draw_times(axis, measured, predicted, title):
    low, high = min(measured.min(), predicted.min()) / 1.5, max(measured.max(), predicted.max()) * 1.5
    line = np.array([low, high])
    axis.fill_between(line, line / 1.25, line * 1.25, color=BAND, linewidth=0, zorder=0)
    if measured.size < FEW:
        axis.scatter(measured, predicted, s=9, color="#1f5f8b", linewidths=0, alpha=0.8)
        axis.set(xscale="log", yscale="log")
    else:
        axis.hexbin(measured, predicted, xscale="log", yscale="log", gridsize=75, bins="log", mincnt=1, cmap=COLORS, linewidths=0.1)
    axis.plot(line, line, color=INK, linewidth=0.7)
    axis.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axis.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=8)
    axis.set_xlabel("measured, µs", fontsize=8.5, color=INK)
    style(axis)


def draw_errors(axis, ratio):
    error = np.abs(ratio - 1)
    off = np.clip(100 * (ratio - 1), -60, 60)
    axis.axvspan(-25, 25, color=BAND, linewidth=0, zorder=0)
    axis.hist(off, bins=np.arange(-60, 62, 2), color="#1f5f8b", weights=np.full(off.size, 100 / off.size))
    axis.axvline(0, color=INK, linewidth=0.7)
    axis.set(xlim=(-60, 60), xticks=[-50, -25, 0, 25, 50])
    axis.set_xlabel("predicted over measured − 1, %", fontsize=8.5, color=INK)
    axis.text(0.98, 0.95, f"median {100 * np.median(error):.1f} %\n90th pct {100 * np.quantile(error, 0.9):.1f} %\n{ratio.size:,} kernels",
              transform=axis.transAxes, ha="right", va="top", fontsize=8, color=INK, linespacing=1.4,
              bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1})
    style(axis)


def draw(points, out, title):
    operators = [name for name in TITLES if name in points]
    figure, axes = plt.subplots(2, len(operators), figsize=(3.3 * len(operators), 6.2), height_ratios=[2.3, 1], squeeze=False)
    for column, operator in enumerate(operators):
        measured, predicted = points[operator]
        draw_times(axes[0][column], measured, predicted, TITLES[operator])
        draw_errors(axes[1][column], predicted / measured)
    axes[0][0].set_ylabel("predicted, µs", fontsize=8.5, color=INK)
    axes[1][0].set_ylabel("share of kernels, %", fontsize=8.5, color=INK)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10, color=GREY)
    figure.text(0.99, 0.012, "grey: within 25 %; darker: more kernels", ha="right", fontsize=8, color=GREY)
    figure.tight_layout(h_pad=3, rect=(0, 0.03, 1, 0.98))
    figure.savefig(out, dpi=110)
    plt.close(figure)
    Image.open(out).convert("RGB").quantize(64).save(out, optimize=True)


def predicted_points(program, tables):
    """Operator -> points of all tables, as read_points()."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, table in enumerate(tables):
            file = f"{folder}/{number}.csv"
            subprocess.run([program, "validate", "kernels", "--cases", table, "--points", file], check=True, stdout=subprocess.DEVNULL)
            files.append(file)
        return read_points(files)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, kernels = sys.argv[1], pathlib.Path(sys.argv[2])
    for name, title, patterns in PICTURES:
        tables = sorted(str(table) for pattern in patterns for table in kernels.glob(pattern))
        if not tables:
            sys.exit(f"{kernels} has none of {', '.join(patterns)}")
        draw(predicted_points(program, tables), DOCS / name, title)
        print(DOCS / name)


if __name__ == "__main__":
    main()
