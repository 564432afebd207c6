# SPDX-License-Identifier: Apache-2.0
"""trace.json is what the Perfetto viewer reads: Chrome's trace event format."""
import json
import os
from collections import defaultdict

import pytest


def traces(runs):
    return {name: json.loads((run.folder / "trace.json").read_text()) for name, run in runs.items() if (run.folder / "trace.json").exists()}


def test_training_has_a_trace(runs):
    assert {runs[name].summary["kind"] for name in traces(runs)} >= {"training"}


def test_events_are_complete_and_named(runs):
    for name, trace in traces(runs).items():
        spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
        named = {(e["pid"], e.get("tid")) for e in trace["traceEvents"] if e["ph"] == "M"}
        assert spans and {e["ph"] for e in trace["traceEvents"]} == {"X", "M"}, name
        for event in spans:
            assert {"name", "cat", "pid", "tid", "ts", "dur"} <= event.keys() and event["dur"] >= 0 and event["ts"] >= 0
            assert (event["pid"], None) in named and (event["pid"], event["tid"]) in named


def test_spans_of_a_thread_follow_or_nest(runs):
    for name, trace in traces(runs).items():
        threads = defaultdict(list)
        for event in trace["traceEvents"]:
            if event["ph"] == "X":
                threads[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
        for thread, spans in threads.items():
            open_ends = []
            for start, end in sorted(spans, key=lambda s: (s[0], -s[1])):
                while open_ends and open_ends[-1] <= start + 0.002:  # times are written to a nanosecond
                    open_ends.pop()
                assert not open_ends or end <= open_ends[-1] + 0.002, f"{name}: spans of {thread} cross"
                open_ends.append(end)


def test_the_trace_processor_loads_them(runs):
    """Perfetto's own reader, where its program lies on this machine (its Python package fetches it otherwise)."""
    shell = os.environ.get("PERFETTO_TRACE_PROCESSOR") or pytest.skip("PERFETTO_TRACE_PROCESSOR names no trace_processor_shell")
    api = pytest.importorskip("perfetto.trace_processor")
    for name, trace in traces(runs).items():
        config = api.TraceProcessorConfig(bin_path=shell)
        with api.TraceProcessor(trace=str(runs[name].folder / "trace.json"), config=config) as processor:
            n = next(iter(processor.query("select count(*) as n from slice"))).n
        assert n == sum(e["ph"] == "X" for e in trace["traceEvents"])
