# SPDX-License-Identifier: Apache-2.0
"""The pictures that src/report/page/charts describes fit the tables that runs write."""
import json

import pytest
from results import ROOT

CHARTS = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "src/report/page/charts").glob("*.json"))}
COLUMN_KEYS = ("x", "y", "series", "low", "high", "layers", "row", "choose", "by", "label", "from", "duration", "category", "value", "cell")

# Written by searches.
ELSEWHERE = {"pareto", "pareto-energy", "deployments"}


def columns_of(chart):
    listed = lambda v: v if isinstance(v, list) else [v]
    found = {c for key in COLUMN_KEYS if key in chart for c in listed(chart[key])} | set(chart.get("where", {}))
    return found | {part[end] for part in chart.get("parts", []) for end in ("from", "to")}


def of_kind(kind):
    return [c for c in CHARTS.get(kind, {}).get("charts", [])] + CHARTS["any"]["charts"]


def test_every_picture_can_be_drawn_by_a_shipped_scenario(runs):
    tables = {name: (run.summary["kind"], run.columns()) for name, run in runs.items()}
    problems = []
    for kind, description in CHARTS.items():
        for chart in description["charts"]:
            having = [t[chart["table"]] for k, t in tables.values() if kind in ("any", k) and chart["table"] in t]
            if not any(columns_of(chart) <= columns for columns in having):
                lacking = columns_of(chart) - set().union(*having) if having else f"the table {chart['table']}"
                problems.append(f"charts/{kind}.json: {chart['id']}: no scenario has {lacking}")
    assert [p for p in problems if not any(f": {chart}: " in p for chart in ELSEWHERE)] == []


def test_descriptions_are_complete(runs):
    kinds = {run.summary["kind"] for run in runs.values()}
    assert kinds <= set(CHARTS), "a kind has no pictures"
    for kind, description in CHARTS.items():
        ids = [c["id"] for c in description["charts"]]
        assert len(ids) == len(set(ids))
        for chart in description["charts"]:
            assert chart["says"].endswith("."), chart["id"]
        if kind != "any":
            assert description["accuracy"]["page"].startswith("docs/models/")
            assert (ROOT / description["accuracy"]["page"]).exists()


@pytest.mark.parametrize("kind", [k for k in CHARTS if k != "any"])
def test_headline_numbers_are_metrics_of_the_kind(kind, runs):
    metrics = [m for run in runs.values() if run.summary["kind"] == kind for m in run.summary["metrics"]]
    known = {(m["name"], tuple(sorted(m["dims"]))) for m in metrics}
    wanted = [(h["metric"], tuple(sorted(h.get("dims", {})))) for h in CHARTS[kind].get("headline", [])]
    assert not wanted or any(w in known for w in wanted)


def test_every_metric_is_defined(runs):
    defined = (ROOT / "docs/reference/metrics.md").read_text()
    unknown = sorted({f"{m['name']} ({run.summary['kind']})" for run in runs.values() for m in run.summary["metrics"] if f"`{m['name']}`" not in defined})
    assert unknown == [], "define them in docs/reference/metrics.md"
