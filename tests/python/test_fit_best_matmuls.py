# SPDX-License-Identifier: Apache-2.0
"""GEMM efficiencies from best matmuls, where typical ones are not published."""
import json
import pathlib
import shutil
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT.parent / "shared/data/kernels/published/mamf_ml-engineering_2026-08.csv"
sys.path.insert(0, str(ROOT / "tools"))
import fit_best_matmuls  # noqa: E402


def write_accelerator(folder, name, peaks, fits=()):
    (folder / "accelerators").mkdir(exist_ok=True)
    (folder / "calibrations").mkdir(exist_ok=True)
    (folder / "accelerators" / f"{name}.json").write_text(json.dumps({f"peak_{f}": {"value": f"{rate} TFLOP/s"} for f, rate in peaks.items()}))
    fit = {"operator": "gemm", "launch_time": "4 us", "memory_efficiency": 0.8, "exponent": 2, "serial_factor": 1}
    (folder / "calibrations" / f"{name}.json").write_text(json.dumps({"fits": [{**fit, "format": f, "compute_efficiency": ec} for f, ec in fits]}))


def test_typical_gemms_reach_a_share_of_the_best(tmp_path, monkeypatch):
    # A donor of 1,000 TFLOP/s whose best is 900 and whose typical GEMM reaches 0.81: 0.9 of the best; in fp8 typical is 0.6 of the peak.
    write_accelerator(tmp_path, "donor", {"bf16": 1000, "fp8": 2000}, [("bf16", 0.81), ("fp8", 0.6)])
    # The target's best is 0.5 of its 2,000: 0.5 x 0.9 = 0.45, in fp8 times 0.6 / 0.81.
    write_accelerator(tmp_path, "amd-target", {"bf16": 2000, "fp8": 4000})
    monkeypatch.setattr(fit_best_matmuls, "CALIBRATIONS", tmp_path / "calibrations")
    monkeypatch.setattr(fit_best_matmuls, "DONORS", {"Donor": "donor"})
    monkeypatch.setattr(fit_best_matmuls, "TARGETS", {"Target": "amd-target"})
    table = tmp_path / "best.csv"
    table.write_text("gpu,dtype,mamf_tflops\nDonor,bf16,900\nTarget,bf16,1000\nStranger,bf16,1\n")
    monkeypatch.setattr(sys, "argv", ["fit_best_matmuls.py", str(table)])
    fit_best_matmuls.main()
    written = json.loads((tmp_path / "calibrations/amd-target.json").read_text())
    assert written["quality"] == "guess"
    assert [f["format"] for f in written["fits"]] == ["bf16", "fp8"]
    assert [f["compute_efficiency"] for f in written["fits"]] == pytest.approx([0.45, 0.45 * 0.6 / 0.81], abs=1e-3)
    assert {f["memory_efficiency"] for f in written["fits"]} == {fit_best_matmuls.AMD_MEMORY_EFFICIENCY}


def test_shipped_files_are_what_the_tool_makes(tmp_path, monkeypatch):
    if not TABLE.exists():
        pytest.skip("no measured kernels beside the project")
    shutil.copytree(ROOT / "models/accelerators", tmp_path / "accelerators")
    shutil.copytree(ROOT / "models/calibrations", tmp_path / "calibrations")
    monkeypatch.setattr(fit_best_matmuls, "CALIBRATIONS", tmp_path / "calibrations")
    monkeypatch.setattr(sys, "argv", ["fit_best_matmuls.py", str(TABLE)])
    fit_best_matmuls.main()
    for name in fit_best_matmuls.TARGETS.values():
        assert (tmp_path / f"calibrations/{name}.json").read_text() == (ROOT / f"models/calibrations/{name}.json").read_text()
