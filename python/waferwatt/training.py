# SPDX-License-Identifier: Apache-2.0
"""One training step: its time, where the time goes, and the memory it takes.

>>> step = ww.training.step("llama-3-70b", "nvidia-h100-sxm", data=8, tensor=8, pipeline=4, global_batch=1024, sequence_length=8192)
>>> step.iteration_time_s, step.mfu, step.breakdown

The whole run, with failures, energy and dollars, is the scenario kind "training".
"""
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from . import _core
from ._frames import frame
from ._models import Folder, Thing, as_json, folder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

# What a step does not depend on, and a training scenario has to name.
_ASIDE = {"grid": "us-average", "tokens": "1 token", "accelerator_hour_price": "0 USD/h"}


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a plan; energy is that of all accelerators, memory that of the fullest stage's accelerators."""

    iteration_time_s: float
    mfu: float
    hfu: float
    error: float
    energy_j: float
    model_work_flop: float
    tokens: float
    n_accelerators: int
    memory_byte: float
    usable_memory_byte: float
    way_to_fit: str
    breakdown: pd.DataFrame = dataclasses.field(repr=False)
    memory: pd.DataFrame = dataclasses.field(repr=False)

    @property
    def fits(self) -> bool:
        """Does the memory suffice? If not, ``way_to_fit`` says what would."""
        return self.memory_byte <= self.usable_memory_byte

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.iteration_time_s


def step(
    model: Thing,
    accelerator: Thing,
    *,
    global_batch: int,
    sequence_length: int,
    data: int = 1,
    tensor: int = 1,
    pipeline: int = 1,
    context: int = 1,
    expert: int = 1,
    expert_tensor: int = 0,
    placement: Sequence[str] = ("tensor", "context", "data", "pipeline"),
    micro_batch: int = 1,
    format: str = "bf16",
    software: str = "megatron-core",
    models: Folder = None,
    **plan: Any,
) -> Step:
    """The step of a plan on data x tensor x pipeline x context accelerators, whether it fits their memory or not.

    placement: the order in which the axes fill the accelerators, the innermost first; on nodes of eight ("tensor", "pipeline", "context",
    "data") with tensor=4 puts two stages in a node.
    plan: further members of a training scenario: recompute="full", zero_stage=3, schedule="interleaved", interleave=2, fabric=...
    Raises InputError with every rule that the plan breaks.
    """
    degrees = {"data": data, "tensor": tensor, "pipeline": pipeline, "context": context, "expert": expert, "expert_tensor": expert_tensor,
               "placement": list(placement)}  # fmt: skip
    n: Any = 1
    for degree in (data, tensor, pipeline, context):
        n = n * degree
    arguments = {**_ASIDE, "model": model, "accelerator": accelerator, "n_accelerators": n, "parallel": degrees, "global_batch": global_batch,
                 "sequence_length": sequence_length, "micro_batch": micro_batch, "format": format, "software": software, **plan}  # fmt: skip
    found = _core.training_step(folder_of(models), as_json("ww.training.step", arguments))
    return Step(**{**found, "breakdown": frame(found["breakdown"]), "memory": frame(found["memory"])})
