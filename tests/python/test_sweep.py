# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import waferwatt as ww
from waferwatt._sweep_points import run_point

TRAINING = ww.scenarios_folder / "train-llama3-70b-h100.json"
AXES = {"global_batch": [1024, 2048], "sequence_length": [4096, 8192]}


@pytest.fixture(scope="module")
def swept():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        return ww.sweep(TRAINING, AXES, executor=executor)


def test_every_combination_is_a_point_with_its_metrics(swept):
    assert len(swept) == 4 and swept.axes == ["global_batch", "sequence_length"]
    points = swept.points
    assert list(points["global_batch"]) == [1024, 1024, 2048, 2048]
    assert (points["status"] == "ok").all()
    alone = ww.run(TRAINING, global_batch=2048, sequence_length=4096).metric("iteration_time")
    assert points["iteration_time_s"][2] == alone == swept.metric("iteration_time")[2]
    tidy = swept.metrics
    assert set(tidy.columns) >= {"global_batch", "sequence_length", "name", "value", "unit"}


def test_metrics_are_a_grid_for_xarray(swept):
    pytest.importorskip("xarray")
    grid = swept.to_xarray()
    assert grid["iteration_time_s"].sel(global_batch=1024, sequence_length=8192) == swept.metric("iteration_time")[1]


def test_an_unknown_metric_names_the_known_ones(swept):
    with pytest.raises(KeyError, match="iteration_time"):
        swept.metric("iteration_tim")


def test_a_refused_point_keeps_its_error_and_leaves_the_others_alone():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        swept = ww.sweep(TRAINING, {"parallel.tensor": [8, 7]}, executor=executor)
    assert list(swept.points["status"]) == ["ok", "refused"]
    assert "parallel" in swept.failed["error"].iloc[0]


def test_points_of_a_frame_and_zipped_axes_are_taken_as_they_are():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        framed = ww.sweep(TRAINING, pd.DataFrame({"global_batch": np.array([1024, 2048])}), executor=executor)
        zipped = ww.sweep(TRAINING, {"global_batch": [1024, 2048], "sequence_length": [8192, 8192]}, mode="zipped", executor=executor)
    assert list(framed.metric("iteration_time")) == list(zipped.metric("iteration_time"))
    with pytest.raises(ValueError, match="equally many"):
        ww.sweep(TRAINING, {"a": [1], "b": [1, 2]}, mode="zipped")
    with pytest.raises(ValueError, match="cartesian"):
        ww.sweep(TRAINING, {"a": [1]}, mode="random")


def test_a_plain_script_needs_no_guard(tmp_path):
    """Workers do not read the program's main file again, which would start the sweep in each of them."""
    (tmp_path / "study.py").write_text(f"""import waferwatt as ww
points = ww.sweep({str(TRAINING)!r}, {{"global_batch": [1024, 2048]}}).points
print(list(points["status"]), __file__)
""")
    for command in (["study.py"], ["-m", "study"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.stdout.startswith("['ok', 'ok']") and "study.py" in done.stdout, done.stderr


def test_a_store_keeps_points_and_only_new_ones_run(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        first = ww.sweep(TRAINING, {"global_batch": [1024, 2048]}, executor=executor, store=tmp_path / "study")
        calls = []
        real = ww._core.run
        monkeypatch.setattr(ww._core, "run", lambda *args: calls.append(args) or real(*args))
        second = ww.sweep(TRAINING, {"global_batch": [1024, 2048, 4096]}, executor=executor, store=tmp_path / "study")
    assert len(calls) == 1
    assert list(second.metric("cost")[:2]) == list(first.metric("cost"))


def _die_at_the_third(source, is_text, overrides, *others):
    """A worker that the machine kills in the middle of a sweep."""
    if any("4096" in text for text in overrides):
        os.kill(os.getpid(), signal.SIGKILL)
    return run_point(source, is_text, overrides, *others)


def test_an_executor_that_dies_in_the_middle_is_an_error_and_what_was_finished_is_kept(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    axes, store = {"global_batch": [1024, 2048, 4096, 8192]}, tmp_path / "study"
    monkeypatch.setattr("waferwatt._sweep.run_point", _die_at_the_third)
    with concurrent.futures.ProcessPoolExecutor(1) as executor, pytest.raises(ww.RunError, match="the executor died .*2 of 4 points are finished and kept") as caught:
        ww.sweep(TRAINING, axes, executor=executor, store=store)
    assert list(caught.value.finished.points["global_batch"]) == [1024, 2048]
    monkeypatch.undo()
    ran = []
    real = ww._core.run
    monkeypatch.setattr(ww._core, "run", lambda *args: ran.append(args) or real(*args))
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        again = ww.sweep(TRAINING, axes, executor=executor, store=store)
    assert len(ran) == 2 and (again.points["status"] == "ok").all()


def test_the_processes_of_this_machine_give_the_same_numbers(swept):
    assert swept.points.equals(ww.sweep(TRAINING, AXES).points)


def test_dask_workers_give_the_same_numbers(swept):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        assert swept.points.equals(ww.sweep(TRAINING, AXES, executor=client.get_executor()).points)


def test_ray_workers_give_the_same_numbers(swept):
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        with ww.executors.RayExecutor(num_cpus=1) as executor:
            assert swept.points.equals(ww.sweep(TRAINING, AXES, executor=executor).points)
    finally:
        ray.shutdown()


def test_a_sensitivity_study_with_salib():
    """Energy is proportional to PUE and knows nothing of the second factor: total indices 1 and 0."""
    sobol_sample = pytest.importorskip("SALib.sample.sobol")
    sobol = pytest.importorskip("SALib.analyze.sobol")
    problem = {"num_vars": 2, "names": ["pue", "nothing"], "bounds": [[1.05, 1.5], [0, 1]]}
    samples = sobol_sample.sample(problem, 16, calc_second_order=False, seed=1)
    points = [{"pue": float(pue)} for pue, _ in samples]
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        energy = ww.sweep(TRAINING, points, executor=executor).metric("energy").to_numpy()
    indices = sobol.analyze(problem, energy, calc_second_order=False, seed=1)
    assert indices["ST"][0] == pytest.approx(1, abs=0.25) and abs(indices["ST"][1]) < 1e-9
