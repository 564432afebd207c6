# SPDX-License-Identifier: Apache-2.0
"""The ratio of plain fits carries times from one accelerator to another of its die: an H100's to an H200."""
import csv
import gzip
import json
import pathlib
import statistics
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT.parent / "shared/data/kernels"
sys.path.insert(0, str(ROOT / "tools"))
import fit_siblings  # noqa: E402


def rows(accelerator, operator):
    with gzip.open(KERNELS / f"{accelerator}_{operator}_{fit_siblings.VERSION}.csv.gz", "rt") as lines:
        return {tuple(v for c, v in row.items() if c != "us"): row for i, row in enumerate(csv.DictReader(lines)) if i % 7 == 0}


@pytest.mark.parametrize(("operator", "median"), [("gemm", 0.045), ("context_attention", 0.035), ("generation_attention", 0.05), ("moe", 0.06)])
def test_an_h200_is_met_from_an_h100(operator, median):
    if not KERNELS.exists():
        pytest.skip("no measured kernels beside the project")
    fits = json.loads((KERNELS / "fits.json").read_text())
    others, errors = rows("h100_sxm", operator), []
    for shape, row in rows("h200_sxm", operator).items():
        other = others.get(shape)
        if other is None or row.get("dtype", row.get("kv_dtype")) not in fit_siblings.NUMBER_BYTES:
            continue
        key, work, traffic = fit_siblings.FILES[operator](row)
        mine, from_other = (fit_siblings.plain_time(fits, a, key, work, traffic) for a in ("h200_sxm", "h100_sxm"))
        if mine and from_other:
            errors.append(float(other["us"]) * mine / from_other / float(row["us"]) - 1)
    assert len(errors) > 300
    assert statistics.median(map(abs, errors)) < median
    assert abs(statistics.median(errors)) < 0.03


def test_a_plain_time_is_launch_and_the_smooth_maximum():
    spec = {"P": 1e15, "P8": 2e15, "B": 4e12}
    fits = {"x": {"spec": spec, "fits": {"gemm_fp8": {"t0_us": 2.0, "eff_compute": 0.5, "eff_memory": 0.5, "p": 2.0}}}}
    # 3e9 operations take 3 us at half of 2e15 a second, 8e6 bytes 4 us at half of 4e12; 5 us together.
    assert fit_siblings.plain_time(fits, "x", "gemm_fp8", 3e9, 8e6) == pytest.approx(7.0)
    assert fit_siblings.plain_time(fits, "x", "gemm_nvfp4", 3e9, 8e6) is None
