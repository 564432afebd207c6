# SPDX-License-Identifier: Apache-2.0
"""What the Python package costs, as a ratio to each goal (below 1 is within it).

    .venv/bin/python tests/bench/bench_python.py

Processor time (user and system, children's included) rather than the clock, the best of several, so that a busy machine counts little;
the scaling of a sweep needs two idle cores and goes by the clock.
"""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

N_CALLS = 20_000
SMALL = "train-llama3-70b-h100.json"
SUPPLY = "supply-cowos-2024.json"
PLAIN = {
    "schema": "waferwatt.scenario/1", "kind": "serving", "name": "rows", "question": "How long do rows take?", "model": "llama-3-1-8b",
    "accelerator": "nvidia-h100-sxm", "n_replicas": 4, "workload": {"preset": "azure-2023-code", "rate": "200 1/s", "n_requests": 200_000},
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
    """Seconds of ww.run by the clock less those that its child says it took: reading, forking, the pipe, the summary."""
    start = time.monotonic()
    result = ww.run(SMALL)
    took = time.monotonic() - start
    return took - result.summary["provenance"]["wall_time_s"]


def in_this_process(function) -> float:
    before = time.process_time()
    function()
    return time.process_time() - before


def of_the_command(ww, folder: str) -> float:
    """Processor time of `waferwatt run` on the same scenario: it reads the catalog each time and writes the report."""
    program = str(pathlib.Path(ww.__file__).parent / "bin" / "waferwatt")
    return best(lambda: subprocess.run([program, "run", str(ww.scenarios_folder / SMALL), "-o", folder, "--force"], check=True, capture_output=True), 5)


def show(what: str, measured: float, goal: float, unit: str, least: bool = False) -> None:
    print(f"{what:58} {measured:10.4g} {unit:9} goal {'>=' if least else '<'} {goal:g}: {goal / measured if least else measured / goal:.2f}")


def show_call(what: str, seconds: float, n: int = N_CALLS) -> None:
    print(f"{what + ' in Python, a call':58} {1e6 * seconds / n:10.3g} us   ({n:,} calls)")


class Calls:
    """A function that counts how often it is called."""

    def __init__(self, function) -> None:
        self.n, self._function = 0, function

    def __call__(self, *arguments):
        self.n += 1
        return self._function(*arguments)


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scaling", action="store_true", help="1,000 points on one and two workers, by the clock")
    scaling = parser.parse_args().scaling

    show("import", best(lambda: python("import waferwatt"), 5) - best(lambda: python("pass"), 5), 0.3, "s")
    import waferwatt as ww

    ww.run(SMALL)  # the catalog is read once for a process
    show("run: beyond what its child says it took, by the clock", min(beyond_the_run(ww) for _ in range(50)), 0.005, "s")
    with tempfile.TemporaryDirectory() as folder:
        own, command = best(lambda: ww.run(SMALL), 10), of_the_command(ww, f"{folder}/out")
        here = min(in_this_process(lambda: ww.run(SMALL)) for _ in range(25))
    show("run: processor time of this process", here, 0.005, "s")
    print(f"{'processor time of ww.run with its child, of the command':58} {own:10.4g} s and {command:.4g} s")

    rows = ww.serving.simulate(PLAIN)  # as many as a run keeps in memory; more are streamed to a file
    n = len(rows.table("requests"))
    rows.table("requests")  # pandas is imported
    show(f"requests to a DataFrame, for a million rows (from {n:,})", best(lambda: rows.table("requests"), 5) * 1e6 / n, 0.05, "s")

    few = {**PLAIN, "router": "round-robin", "workload": {**PLAIN["workload"], "n_requests": N_CALLS}}
    engine, turn = best(lambda: ww.serving.simulate(few), 3), iter(range(10**9))
    routed = best(lambda: ww.serving.simulate(few, router=lambda request, replicas: next(turn) % len(replicas)), 3)
    show_call("a router", routed - engine)
    given = [(0.005 * i, 1000, 20) for i in range(N_CALLS)]
    listed = best(lambda: ww.serving.simulate(few, requests=given), 3)
    show_call("a follow-up", best(lambda: ww.serving.simulate(few, requests=given, follow_up=lambda request, now_s: None), 3) - listed)

    def in_turn(iteration) -> None:
        iteration.decode()
        iteration.continue_prompts()
        iteration.admit_chunks()

    calls = Calls(in_turn)
    composed = best(lambda: ww.serving.simulate(few, policy=calls), 3)
    show_call("a scheduler's policy", composed - engine, calls.n // 3)
    shared = Calls(lambda case: [order.wanted / max(case.supply, sum(o.wanted for o in case.orders)) for order in case.orders])
    chain, ruled = (best(lambda: ww.supply.simulate(SUPPLY, allocation=rule), 3) for rule in (None, shared))
    show_call("an allocation rule", ruled - chain, shared.n // 3)
    wants = Calls(lambda prices, date: [1e6 / price for price in prices])
    world = {"extends": str(ww.scenarios_folder / "compute-famine.json"), "schema": "waferwatt.scenario/1", "end": "2024-07", "marginal_step": 0}
    plain, curved = (best(lambda: ww.world.simulate(world, demand=curve), 3) for curve in (None, wants))
    show_call("a demand curve", curved - plain, wants.n // 3)

    if scaling:
        times = []
        for workers in (1, 2):
            with ww.executors.processes(workers) as pool:
                ww.sweep(SMALL, {"global_batch": [1024, 2048]}, executor=pool)  # workers are up
                start = time.monotonic()
                ww.sweep(SMALL, {"pue": [1.1 + 0.0001 * i for i in range(1000)]}, executor=pool)
                times.append(time.monotonic() - start)
        show("1,000 points on two workers against one", times[0] / times[1], 1.8, "times", least=True)
        others = os.getloadavg()[0]
        print(f"({times[0]:.1f} s and {times[1]:.1f} s; load {others:.1f} on {os.cpu_count()} cores at the end: above that number the machine was not idle)")


if __name__ == "__main__":
    main()
