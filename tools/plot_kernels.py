#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Predicted against measured times, one panel per operator.

usage: waferwatt validate kernels --cases FILE --points points.csv
       plot_kernels.py points.csv... OUT.png
"""
import csv
import sys
from collections import defaultdict

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TITLES = {"gemm": "GEMM", "attention_prefill": "prefill attention", "attention_decode": "decode attention", "moe": "experts"}
MOST_POINTS = 4000


def read_points(files):
    """Operator -> number format -> list of (measured, predicted) in microseconds."""
    points = defaultdict(lambda: defaultdict(list))
    for name in files:
        with open(name, newline="") as file:
            for row in csv.DictReader(file):
                _, operator, number_format = row["group"].split(" ", 2)
                points[operator][number_format].append((float(row["measured_us"]), float(row["predicted_us"])))
    return points


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    points = read_points(sys.argv[1:-1])
    operators = [name for name in TITLES if name in points]
    figure, axes = plt.subplots(1, len(operators), figsize=(4.2 * len(operators), 4.4), squeeze=False)
    for axis, operator in zip(axes[0], operators):
        lowest, highest = float("inf"), 0
        for number_format, pairs in sorted(points[operator].items()):
            pairs = pairs[:: max(1, len(pairs) // MOST_POINTS)]
            measured, predicted = zip(*pairs)
            axis.plot(measured, predicted, ".", markersize=1.5, alpha=0.35, label=number_format, rasterized=True)
            lowest, highest = min(lowest, *measured), max(highest, *measured)
        axis.plot([lowest, highest], [lowest, highest], color="black", linewidth=0.8)
        axis.plot([lowest, highest], [1.25 * lowest, 1.25 * highest], color="black", linewidth=0.5, linestyle=":")
        axis.plot([lowest, highest], [lowest / 1.25, highest / 1.25], color="black", linewidth=0.5, linestyle=":")
        axis.set(xscale="log", yscale="log", title=TITLES[operator], xlabel="measured (µs)")
        axis.legend(markerscale=6, fontsize=7, frameon=False)
    axes[0][0].set_ylabel("predicted (µs)")
    figure.suptitle("Dotted: 25 % off")
    figure.tight_layout()
    figure.savefig(sys.argv[-1], dpi=110)


if __name__ == "__main__":
    main()
