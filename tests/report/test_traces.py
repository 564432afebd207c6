# SPDX-License-Identifier: Apache-2.0
"""trace.json is what the Perfetto viewer reads: Chrome's trace event format."""
import json
from collections import defaultdict


def traces(runs):
    return {name: json.loads((run.folder / "trace.json").read_text()) for name, run in runs.items() if (run.folder / "trace.json").exists()}


def test_training_has_a_trace(runs):
    assert {runs[name].summary["kind"] for name in traces(runs)} >= {"training", "serving", "fleet"}


def test_events_are_complete_and_named(runs):
    for name, trace in traces(runs).items():
        spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
        named = {(e["pid"], e.get("tid")) for e in trace["traceEvents"] if e["ph"] == "M"}
        assert spans and {e["ph"] for e in trace["traceEvents"]} - {"C"} == {"X", "M"}, name
        for event in spans:
            assert {"name", "cat", "pid", "tid", "ts", "dur"} <= event.keys() and event["dur"] >= 0 and event["ts"] >= 0
            assert (event["pid"], None) in named and (event["pid"], event["tid"]) in named


def test_serving_iterations_say_what_they_held_and_what_is_left_out(runs):
    trace = traces(runs)["serve-llama3-70b-azure-like"]["traceEvents"]
    spans = [e for e in trace if e["ph"] == "X"]
    assert 100 < len(spans) <= 4001
    assert {e["cat"] for e in spans} >= {"decodes", "prompts and decodes", "left out"}
    processes = {e["pid"]: e["args"]["name"] for e in trace if e["ph"] == "M" and e["name"] == "process_name"}
    counters = [e for e in trace if e["ph"] == "C"]
    assert {e["name"] for e in counters} == {"requests waiting", "sequences in the batch", "KV blocks in use"}
    assert all(processes[e["pid"]].startswith("replica ") and e["args"]["value"] >= 0 for e in counters)
    # Counters are those of the replica when one of its iterations ended.
    ends = {(e["pid"], e["ts"] + e["dur"]) for e in spans}
    assert sum((e["pid"], e["ts"]) in ends for e in counters) > 0.99 * len(counters)


def nanoseconds(microseconds):
    """A time as Perfetto's reader of JSON takes it: a product of doubles, cut to an integer."""
    return int(microseconds * 1000.0)


def dropped_spans(trace):
    """Spans that Perfetto's trace processor would drop. It keeps a stack for each thread, in the order of starts and of the file: it
    takes away what has ended, and refuses a span that begins within another one and ends after it."""
    stacks, dropped = defaultdict(list), []
    spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    for event in sorted(spans, key=lambda e: nanoseconds(e["ts"])):
        start, stack = nanoseconds(event["ts"]), stacks[event["pid"], event["tid"]]
        end = start + nanoseconds(event["dur"])
        while stack and stack[-1] <= start:
            stack.pop()
        if stack and end > stack[-1]:
            dropped.append(event)
        else:
            stack.append(end)
    return dropped


def test_the_rules_of_the_trace_processor_drop_nothing(runs):
    """Whole nanoseconds, positive durations, a number for each process and thread, spans of a thread that nest. test_perfetto.py
    tries these rules on the processor itself."""
    for name, trace in traces(runs).items():
        assert dropped_spans(trace) == [], name
        for event in trace["traceEvents"]:
            assert isinstance(event["pid"], int) and 0 <= event["pid"] < 2**32
            if event["ph"] == "X":
                assert isinstance(event["ts"], int) and isinstance(event["dur"], int), "whole microseconds: nothing is lost in its arithmetic"
                assert 0 <= event["tid"] < 2**32


def test_the_rules_do_drop_spans_that_cross():
    span = lambda ts, dur: {"ph": "X", "pid": 1, "tid": 1, "ts": ts, "dur": dur}
    assert dropped_spans({"traceEvents": [span(0, 10), span(2, 3), span(5, 5), span(10, 4)]}) == []
    assert dropped_spans({"traceEvents": [span(0, 10), span(5, 6)]}) == [span(5, 6)]
    assert dropped_spans({"traceEvents": [span(0.5, 0.501), span(1.001, 1)]}), "a nanosecond that is lost in doubles"
