# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
import textwrap

import pytest

import waferwatt as ww


@pytest.fixture(scope="module")
def world():
    return ww.run(ww.scenarios_folder / "compute-famine.json")


def test_pictures_have_what_the_result_has(world):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = world.plot.binds()
    years = {label.get_text() for label in ax.get_xticklabels()}
    assert {"2023", "2028"} <= years
    heights = {}
    for patch in ax.patches:
        heights[round(patch.get_x(), 3)] = heights.get(round(patch.get_x(), 3), 0) + patch.get_height()
    assert all(height == pytest.approx(100, abs=1.5) for height in heights.values()), "shares of a year add up"
    lines = world.plot.metric("accelerators_delivered", x="year", color="vendor").get_lines()
    assert len(lines) == world.metrics.query("name == 'accelerators_delivered'")["vendor"].nunique()
    assert world.plot.ledger().patches
    with pytest.raises(KeyError, match="accelerators_delivered"):
        world.plot.metric("nothing")


def test_plotly_figures_on_request(world):
    pytest.importorskip("plotly")
    assert len(world.plot.binds(backend="plotly").data) > 1
    assert world.plot.metric("cost_per_mtoken", backend="plotly").data


def test_a_result_goes_to_parquet_and_back(world, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    world.to_parquet(tmp_path / "world")
    assert pandas.read_parquet(tmp_path / "world" / "metrics.parquet").equals(world.metrics)
    assert {f"table-{name}.parquet" for name in world.tables} <= {f.name for f in (tmp_path / "world").iterdir()}


def test_the_catalog_is_looked_up_by_kind_and_id():
    assert "accelerators" in ww.catalog.kinds
    chip = ww.catalog["nvidia-h100-sxm"]
    assert chip["memory_bandwidth"]["source"]
    frame = ww.catalog.frame("accelerators")
    assert frame.loc["nvidia-h100-sxm", "memory_bandwidth"] == chip["memory_bandwidth"]["value"]
    assert chip["memory_bandwidth"]["source"] in ww.catalog.sources().index
    assert ww.catalog.schema("training")["properties"]["kind"]["const"] == "training"
    with pytest.raises(KeyError, match="did you mean"):
        ww.catalog["nvidia-h100-sxn"]
    with pytest.raises(ww.InputError, match="did you mean"):
        ww.catalog.ids("accelerator")


def test_progress_is_told_and_can_stop_nothing(scenario_file):
    told = []
    ww.run(ww.scenarios_folder / "compute-famine.json", progress=lambda fraction, text: told.append(fraction))
    assert told and all(0 <= fraction <= 1 for fraction in told)


@pytest.mark.parametrize("after_s", [0.001, 1.0])
def test_ctrl_c_ends_a_run_as_a_keyboard_interrupt(after_s):
    """While the catalog is read, and while the child runs."""
    code = textwrap.dedent(f"""
        import os, signal, threading, waferwatt as ww
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests started in the background inherit that it is ignored
        try:
            threading.Timer({after_s}, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            ww.run("supply-cowos-2024.json", {{"monte_carlo": {{"runs": 1000000}}}})
        except KeyboardInterrupt:
            print("stopped")
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "stopped", done.stderr


def test_importing_the_package_imports_no_heavy_one():
    code = "import sys, waferwatt; print([m for m in ('numpy', 'pandas', 'matplotlib', 'pyarrow', 'dask') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_types_of_the_package_are_consistent(tmp_path):
    pytest.importorskip("mypy")
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--cache-dir", "/dev/null", "-p", "waferwatt"],
                          capture_output=True, text=True, timeout=300, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
