# SPDX-License-Identifier: Apache-2.0
"""One picture for each answer: few lines, labelled where they end."""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, GREY = "#1d2733", "#8a94a0"
COLORS = ["#1f5f8b", "#c8553d", "#588157", "#8d6a9f", "#d29f3c", "#4fb3bf", "#6c757d", "#a3423c"]


def axes(title, unit, height=3.4):
    figure, axis = plt.subplots(figsize=(7.2, height), dpi=110)
    axis.set_title(title, loc="left", fontsize=10.5, color=INK)
    axis.set_ylabel(unit, fontsize=9, color=INK)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=8.5, colors=INK)
    axis.grid(axis="y", color="#e9edf1")
    axis.set_axisbelow(True)
    return figure, axis


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def lines(path, title, unit, series, log=False):
    """series: name -> {x: y}"""
    figure, axis = axes(title, unit)
    for i, (name, values) in enumerate(series.items()):
        xs, ys = list(values), list(values.values())
        axis.plot(range(len(xs)), ys, color=COLORS[i % len(COLORS)], marker="o", markersize=3, label=name)
        axis.set_xticks(range(len(xs)), [str(x) for x in xs], rotation=0 if len(xs) < 9 else 60, fontsize=8)
    if log:
        axis.set_yscale("log")
    if len(series) > 1:
        axis.legend(fontsize=8, frameon=False)
    save(figure, path)


def stacked(path, title, unit, series):
    """series: name -> {x: y}, bars on top of each other"""
    figure, axis = axes(title, unit)
    xs = list(next(iter(series.values())))
    below = [0.0] * len(xs)
    for i, (name, values) in enumerate(series.items()):
        ys = [values.get(x, 0) for x in xs]
        axis.bar(range(len(xs)), ys, bottom=below, color=COLORS[i % len(COLORS)], width=0.7, label=name)
        below = [a + b for a, b in zip(below, ys)]
    axis.set_xticks(range(len(xs)), [str(x) for x in xs], fontsize=8)
    if unit == "buyers":
        axis.yaxis.get_major_locator().set_params(integer=True)
    axis.legend(fontsize=8, frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    save(figure, path)


def bars(path, title, unit, values, log=False):
    """values: name -> y"""
    figure, axis = axes(title, unit)
    axis.bar(range(len(values)), list(values.values()), color=COLORS[0], width=0.6)
    axis.set_xticks(range(len(values)), list(values), fontsize=8, rotation=0 if len(values) < 6 else 20)
    if log:
        axis.set_yscale("log")
    save(figure, path)
