# SPDX-License-Identifier: Apache-2.0
"""One replica and its iterations; what an accelerator can serve; requests and routers written in Python.

>>> replica = ww.serving.Replica("llama-3-70b", "nvidia-h200-sxm", tensor_parallel=4)
>>> replica.iterations(n_decode=[1, 8, 64, 256], context=2048)
>>> ww.serving.capability("llama-3-70b", "nvidia-h200-sxm")
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Sequence

from . import _core
from ._errors import InputError
from ._frames import frame
from ._models import Folder, Thing, as_json, check_functions, folder_of
from ._quantities import Amount, amount, columns
from ._result import Result
from ._run import Scenario, read_source

if TYPE_CHECKING:
    import pandas as pd

Request = _core.Request
ReplicaState = _core.Replica
Arrival = tuple[float, int, int] | Mapping[str, Any]
Router = Callable[[Request, Sequence[ReplicaState]], ReplicaState | int]
Iteration = _core.Iteration
Policy = Callable[[Iteration], object]
FollowUp = Callable[[Request, float], Arrival | None]

# What a replica alone does not depend on, and a serving scenario has to name.
_ASIDE = {"workload": {"preset": "azure-2023-conversation", "concurrency": 1, "n_requests": 1}}


class Replica:
    """A model on the accelerators of one replica. InfeasibleError with the numbers where it does not fit.

    settings: members of a serving scenario: tensor_parallel=4, kv_format="fp8", engine={"max_sequences": 128}, ...
    """

    def __init__(self, model: Thing, accelerator: Thing, *, models: Folder = None, **settings: Any) -> None:
        arguments = as_json("ww.serving.Replica", {**_ASIDE, "model": model, "accelerator": accelerator, **settings})
        self._replica = _core.ServingReplica(folder_of(models), arguments)

    @property
    def n_accelerators(self) -> int:
        return self._replica.n_accelerators()

    @property
    def memory(self) -> dict[str, float]:
        """Of one accelerator: capacity, weights, space for KV cache; and the tokens that the replica's cache holds."""
        return self._replica.memory()

    def iterations(self, *, n_decode: Any = 0, context: Any = 0, prefill_tokens: Any = 0, cached_tokens: Any = 0) -> pd.DataFrame:
        """A row for each iteration: time_s by what it waits for, and the energy of all accelerators.

        n_decode: sequences that decode, with ``context`` tokens each in their caches
        prefill_tokens: of a prompt computed in the same iteration, after ``cached_tokens``
        """
        table = columns(integers=True, n_decode=(n_decode, None), context=(context, None), prefill_tokens=(prefill_tokens, None),
                        cached_tokens=(cached_tokens, None))  # fmt: skip
        for name, column in table.items():
            if len(column) and column.min() < 0:
                raise InputError(f"{name}: must be at least 0, got {column.min()}")
        if ((table["n_decode"] == 0) & (table["prefill_tokens"] == 0)).any():
            raise InputError("n_decode, prefill_tokens: an iteration needs some of either")
        return frame({**table, **self._replica.iterations(*table.values())})


def capability(
    model: Thing,
    accelerator: Thing,
    *,
    input_tokens: int = 1024,
    output_tokens: int = 256,
    time_per_output_token_s: Amount = 0.05,
    kv_format: str = "bf16",
    models: Folder = None,
) -> dict[str, Any]:
    """What an accelerator serves when it is saturated: tokens a second, power, latencies, by what it is bound.

    time_per_output_token_s: the slowest mean that still counts. InfeasibleError where the model does not fit.
    """
    latency = amount("time_per_output_token_s", time_per_output_token_s, "s")
    return _core.serving_capability(folder_of(models), as_json("model", model), as_json("accelerator", accelerator), input_tokens, output_tokens,
                                    latency, kv_format)  # fmt: skip


def simulate(
    scenario: Scenario,
    overrides: Mapping[str, Any] | None = None,
    *,
    requests: Iterable[Arrival] | None = None,
    router: Router | None = None,
    policy: Policy | None = None,
    follow_up: FollowUp | None = None,
    prefix_tokens: int = 0,
    seed: int | None = None,
    models: str | os.PathLike[str] | None = None,
    **keywords: Any,
) -> Result:
    """Runs a serving scenario with requests, a router and a scheduler's policy of your own, in this process.

    requests: in order of arrival, (arrival_s, input_tokens, output_tokens) each, or dicts that may also have priority, session,
        adapter and prefix_hashes; a generator is asked for one request at a time. Absent: the scenario's workload.
    router: function of (request, replicas) that returns one of the replicas or its index in the list. Absent: the scenario's.
    policy: function of an Iteration, which composes each iteration of each replica: it looks at .waiting(), .prompts(), .decoding(),
        .budget, .places and .n_free_blocks, and calls .decode(), .continue_prompts(), .admit_chunks(), .admit_whole_prompts(),
        .admit_one(request, tokens), .continue_one(request, tokens) and .preempt(request) in the order in which budget and KV blocks
        shall go. The engine's limits hold whatever it calls. Absent: the scenario's.
    follow_up: function of (request, now_s) called as a request ends; returns a request that follows it, or None
    prefix_tokens: tokens that one prefix hash stands for

    An exception of your functions ends the run and arrives here. Without functions of your own ``ww.run`` gives the same numbers
    in a child process.
    """
    check_functions(router=router, policy=policy, follow_up=follow_up)
    if requests is not None and not hasattr(requests, "__iter__"):
        raise InputError(f"requests: expected an iterable, got {requests!r}")
    if follow_up is not None and requests is None:
        raise InputError("follow_up: goes with requests of your own; give requests too")
    read = read_source(scenario, overrides, keywords, seed, models)
    return Result(_core.simulate(read, requests, follow_up, prefix_tokens, router, policy))
