# SPDX-License-Identifier: Apache-2.0
"""What the Python package costs, as a ratio to each goal (below 1 is within it).

    .venv/bin/python tests/bench/bench_python.py

Processor time (user and system, children's included) rather than the clock, the best of several, so that a busy machine counts little;
the scaling of a sweep needs two idle cores and goes by the clock.
"""
import argparse
import resource
import subprocess
import sys
import time

SMALL = "train-llama3-70b-h100.json"
PLAIN = {
    "schema": "waferwatt.scenario/1", "kind": "serving", "name": "rows", "question": "How long do rows take?", "model": "llama-3-1-8b",
    "accelerator": "nvidia-h100-sxm", "n_replicas": 4, "workload": {"preset": "azure-2023-code", "rate": "200 1/s", "n_requests": 20_000},
}  # fmt: skip


def used() -> float:
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def best(function, n: int) -> float:
    times = []
    for _ in range(n):
        before = used()
        function()
        times.append(used() - before)
    return min(times)


def beyond_the_run(ww) -> float:
    """Seconds of ww.run by the clock less those that its own provenance has."""
    start = time.monotonic()
    result = ww.run(SMALL)
    took = time.monotonic() - start
    return took - result.summary["provenance"]["wall_time_s"]


def show(what: str, measured: float, goal: float, unit: str, least: bool = False) -> None:
    print(f"{what:58} {measured:10.4g} {unit:9} goal {'>=' if least else '<'} {goal:g}: {goal / measured if least else measured / goal:.2f}")


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scaling", action="store_true", help="1,000 points on one and two workers, by the clock")
    scaling = parser.parse_args().scaling

    show("import", best(lambda: python("import waferwatt"), 5) - best(lambda: python("pass"), 5), 0.3, "s")
    import waferwatt as ww

    ww.run(SMALL)  # the catalog is read once for a process
    show("run: beyond what the run says it took", min(beyond_the_run(ww) for _ in range(25)), 0.005, "s")

    rows = ww.serving.simulate(PLAIN)
    n = len(rows.table("requests"))
    show(f"requests to a DataFrame, for a million rows (from {n:,})", best(lambda: rows.table("requests"), 5) * 1e6 / n, 0.05, "s")

    before = used()
    ww.serving.simulate({**PLAIN, "router": "round-robin"})
    engine = used() - before
    before, turn = used(), iter(range(10**9))
    ww.serving.simulate(PLAIN, router=lambda request, replicas: next(turn) % len(replicas))
    print(f"{'a router in Python, for a request':58} {1e6 * (used() - before - engine) / n:10.4g} us")
    before = used()
    ww.serving.simulate(PLAIN, requests=((0.005 * i, 1000, 20) for i in range(n)))
    print(f"{'requests from a generator and all else, for a request':58} {1e6 * (used() - before) / n:10.4g} us")

    if scaling:
        times = []
        for workers in (1, 2):
            with ww.executors.processes(workers) as pool:
                ww.sweep(SMALL, {"global_batch": [1024, 2048]}, executor=pool)  # workers are up
                start = time.monotonic()
                ww.sweep(SMALL, {"pue": [1.1 + 0.0001 * i for i in range(1000)]}, executor=pool)
                times.append(time.monotonic() - start)
        show("1,000 points on two workers against one", times[0] / times[1], 1.8, "times", least=True)


if __name__ == "__main__":
    main()
