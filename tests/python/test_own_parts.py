# SPDX-License-Identifier: Apache-2.0
"""Requests and routers written in Python, through the serving engine's own interfaces."""
import gc
import random

import pytest

import waferwatt as ww

SERVING = {
    "schema": "waferwatt.scenario/1",
    "kind": "serving",
    "name": "two replicas",
    "question": "How well do two replicas answer?",
    "model": "llama-3-1-8b",
    "accelerator": "nvidia-h100-sxm",
    "n_replicas": 2,
    "router": "round-robin",
    "workload": {"preset": "azure-2023-conversation", "rate": "20 1/s", "n_requests": 300},
}


def poisson(n, rate, seed=1):
    draw, now = random.Random(seed), 0.0
    for _ in range(n):
        now += draw.expovariate(rate)
        yield now, draw.randint(100, 2000), draw.randint(10, 400)


def numbers(result):
    return {key: value for key, value in result.summary.items() if key != "provenance"}


def test_without_parts_of_ones_own_the_numbers_are_those_of_run():
    assert numbers(ww.serving.simulate(SERVING)) == numbers(ww.run(SERVING))


def test_round_robin_in_python_is_round_robin():
    calls = []

    def router(request, replicas):
        calls.append(request.number)
        return (len(calls) - 1) % len(replicas)

    assert numbers(ww.serving.simulate(SERVING, router=router)) == numbers(ww.run(SERVING))
    assert calls == list(range(300))


def test_least_outstanding_in_python_is_least_outstanding():
    own = ww.serving.simulate(SERVING, router=lambda request, replicas: min(replicas, key=lambda r: r.n_outstanding))
    assert numbers(own)["metrics"] == numbers(ww.run(SERVING, router="least-outstanding"))["metrics"]


def test_a_router_can_be_bad_and_the_result_says_so():
    balanced, piled = (ww.serving.simulate(SERVING, requests=poisson(400, 60), router=r) for r in (None, lambda request, replicas: replicas[0]))
    assert set(piled.table("requests")["replica"]) == {0}
    assert piled.table("requests")["e2e_s"].mean() > balanced.table("requests")["e2e_s"].mean()


def test_requests_of_a_generator_are_the_requests_that_run():
    wanted = list(poisson(100, 10))
    rows = ww.serving.simulate(SERVING, requests=poisson(100, 10)).table("requests")
    assert list(zip(rows["arrival_s"], rows["input_tokens"], rows["output_tokens"])) == wanted
    as_dicts = [{"arrival_s": a, "input_tokens": i, "output_tokens": o} for a, i, o in wanted]
    assert ww.serving.simulate(SERVING, requests=as_dicts).table("requests").equals(rows)


def test_an_answer_can_bring_the_next_request():
    """Four users of three turns each, who think for a second: 12 requests, each after the one before it has been answered."""
    turns = {}

    def follow_up(done, now_s):
        user = done.session
        turns[user] = turns.get(user, 1) + 1
        if turns[user] > 3:
            return None
        return {"arrival_s": now_s + 1, "input_tokens": done.input_tokens + done.output_tokens + 50, "output_tokens": 100, "session": user}

    first = [{"arrival_s": 0.1 * user, "input_tokens": 200, "output_tokens": 100, "session": user} for user in range(4)]
    rows = ww.serving.simulate(SERVING, requests=first, follow_up=follow_up).table("requests")
    assert len(rows) == 12 and sorted(rows["input_tokens"].unique()) == [200, 350, 500]


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([(0.0, 10, 10), 5], r"requests: item 1: expected \(arrival_s, input_tokens, output_tokens\).*got 5"),
        ([(1.0, 10, 10), (0.5, 10, 10)], "requests: item 1 arrives at 0.5 s, before the one ahead of it at 1 s"),
        ([(0.0, 0, 10)], "requests: item 0: .*at least 1, got 0, 0 and 10"),
        ([{"arrival_s": 0.0, "input_tokens": 5}], 'requests: item 0: missing key "output_tokens"'),
        ([{"arrival_s": 0.0, "input_token": 5}], 'requests: item 0: unknown key "input_token".*"input_tokens"'),
        ([(float("nan"), 1, 1)], "requests: item 0: arrival_s"),
        (7, "requests: expected an iterable, got 7"),
    ],
)
def test_wrong_requests_are_refused_with_their_place(requests, message):
    with pytest.raises(ww.InputError, match=message):
        ww.serving.simulate(SERVING, requests=requests)


def test_wrong_routers_are_refused():
    with pytest.raises(ww.InputError, match="the router chose replica 2 of 2 for request 0"):
        ww.serving.simulate(SERVING, router=lambda request, replicas: 2)
    with pytest.raises(ww.InputError, match="must return one of the replicas or an index, got None"):
        ww.serving.simulate(SERVING, router=lambda request, replicas: None)
    with pytest.raises(ww.InputError, match="router: expected a function"):
        ww.serving.simulate(SERVING, router="round-robin")
    with pytest.raises(ww.InputError, match='go with kind "serving", not "supply"'):
        ww.serving.simulate("supply-cowos-2024.json")


def test_an_exception_of_ones_own_arrives_as_it_is():
    def router(request, replicas):
        raise ZeroDivisionError("of mine")

    def requests():
        yield 0.0, 10, 10
        raise LookupError("no more of them")

    with pytest.raises(ZeroDivisionError, match="of mine"):
        ww.serving.simulate(SERVING, router=router)
    with pytest.raises(LookupError, match="no more of them"):
        ww.serving.simulate(SERVING, requests=requests())


def test_a_replica_kept_after_the_run_says_that_it_is_over():
    kept = []
    ww.serving.simulate(SERVING, router=lambda request, replicas: kept.append(replicas[0]) or 0)
    gc.collect()
    with pytest.raises(RuntimeError, match="is over"):
        kept[0].n_outstanding
