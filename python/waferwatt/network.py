# SPDX-License-Identifier: Apache-2.0
"""Collectives on an idle cluster, as training and serving count them: measured where there are measurements, else in closed form.

Contention, failed links and other topologies are the scenario kind "fabric".

>>> ww.network.collectives("nvidia-h100-sxm", "all-reduce", n_ranks=8, size_byte=["1 MB", "1 GB"])
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._frames import frame
from ._models import Folder, Thing, as_json, folder_of
from ._quantities import columns, whole

if TYPE_CHECKING:
    import pandas as pd


def collectives(
    accelerator: Thing,
    collective: str,
    *,
    n_ranks: Any,
    size_byte: Any,
    stride: int = 1,
    fabric: Thing | None = None,
    system: Thing | None = None,
    library: str = "nccl",
    models: Folder = None,
) -> pd.DataFrame:
    """A row for each number of ranks and size: time_s, bus_bandwidth_byte_per_s (NCCL's convention), and what it is based on.

    collective: "all-reduce", "all-gather", "reduce-scatter", "all-to-all" or "send"
    n_ranks, size_byte: numbers or lists of one length; sizes may be texts ("1 GiB")
    stride: accelerators from one rank to the next; fabric: the network beyond the scale-up domain (absent: the accelerator's NIC)
    """
    table = columns(n_ranks=(n_ranks, None), size_byte=(size_byte, "B"))
    ranks = whole("n_ranks", table["n_ranks"])
    cluster = {"accelerator": accelerator, "system": system, "fabric": fabric}
    arguments = as_json("cluster", {key: value for key, value in cluster.items() if value is not None})
    return frame(_core.collective_times(folder_of(models), arguments, collective, ranks, table["size_byte"], stride, library))
