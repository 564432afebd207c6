# SPDX-License-Identifier: Apache-2.0
"""Requests, routers and schedulers' policies written in Python, through the serving engine's own interfaces."""
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
    with pytest.raises(ww.InputError, match='policies of your own go with kind "serving", not "supply"'):
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


def chunked(iteration):
    """What the built-in policy "unified" calls."""
    iteration.decode()
    iteration.continue_prompts()
    iteration.admit_chunks()


def test_a_policy_in_python_that_calls_what_a_built_in_one_calls_does_what_that_does():
    scenario = {**SERVING, "engine": {"scheduler": {"policy": "unified"}}}
    assert numbers(ww.serving.simulate(scenario, policy=chunked)) == numbers(ww.run(scenario))


def test_shortest_prompt_first_is_faster_for_short_prompts_and_slower_for_long_ones():
    """One replica that is offered a long prompt for every nine short ones, more than it can take for ten seconds."""
    requests = [(0.02 * i, 8000 if i % 10 == 0 else 200, 50) for i in range(500)]

    def shortest_first(iteration):
        iteration.decode()
        iteration.continue_prompts()
        for request in sorted(iteration.waiting(), key=lambda r: (r.tokens_to_compute, r.number)):
            if not iteration.admit_one(request):
                break

    alone = {**SERVING, "n_replicas": 1}
    mine, plain = (ww.serving.simulate(alone, requests=requests, policy=p).table("requests") for p in (shortest_first, None))
    short = mine["input_tokens"] == 200
    assert mine["ttft_s"][short].mean() < plain["ttft_s"][short].mean()
    assert mine["ttft_s"][~short].mean() > plain["ttft_s"][~short].mean()


def test_a_policy_sees_what_there_is():
    seen = []

    def policy(iteration):
        waiting = iteration.waiting()
        assert len(waiting) == iteration.n_waiting and len(iteration.decoding()) == iteration.n_decoding
        assert 0 <= iteration.n_free_blocks <= iteration.n_blocks and iteration.block_tokens > 0
        seen.extend((r.number, r.arrival_s, r.input_tokens, r.output_tokens, r.priority) for r in waiting)
        chunked(iteration)
        assert iteration.has_prompts or not waiting

    ww.serving.simulate(SERVING, requests=[(0.0, 100, 10), {"arrival_s": 0.5, "input_tokens": 300, "output_tokens": 20, "priority": 2}], policy=policy)
    assert {(0, 0.0, 100, 10, 0), (1, 0.5, 300, 20, 2)} <= set(seen)


def test_what_a_policy_may_not_do_is_said():
    kept = []
    with pytest.raises(ww.InputError, match="slot 77, which holds no waiting request"):
        ww.serving.simulate(SERVING, policy=lambda iteration: iteration.admit_one(77))
    with pytest.raises(ww.InputError, match="must name a request of this iteration, got 'first'"):
        ww.serving.simulate(SERVING, policy=lambda iteration: iteration.preempt("first"))
    with pytest.raises(ww.InputError, match="leaves 1 requests? on idle replicas|leaves .* on idle replicas"):
        ww.serving.simulate(SERVING, requests=[(0.0, 10, 10)], policy=lambda iteration: None)
    with pytest.raises(ww.InputError, match="policy: expected a function"):
        ww.serving.simulate(SERVING, policy="unified")
    with pytest.raises(ZeroDivisionError):
        ww.serving.simulate(SERVING, policy=lambda iteration: 1 / 0)
    ww.serving.simulate(SERVING, requests=[(0.0, 10, 10)], policy=lambda iteration: kept.append(iteration) or chunked(iteration))
    with pytest.raises(RuntimeError, match="may not keep it"):
        kept[0].budget
