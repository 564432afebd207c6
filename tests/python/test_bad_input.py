# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong is a Python exception that says what and where, and what was finished is not lost."""
import errno
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

import waferwatt as ww

TRAINING = "train-llama3-70b-h100.json"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ww.run(42), "scenario: expected a path, a name or a dict, got 42"),
        (lambda: ww.run(TRAINING, ["global_batch"]), "overrides: expected a dict"),
        (lambda: ww.run(TRAINING, {"global_batch": object()}), "global_batch: <object .* is no value of JSON"),
        (lambda: ww.run(TRAINING, {"pue": float("nan")}), "pue: "),
        (lambda: ww.run({"kind": "training", "tokens": {1, 2}}), "scenario: {1, 2} is no value of JSON"),
        (lambda: ww.run(TRAINING, {"global_batch": "many"}), "/global_batch: expected"),
        (lambda: ww.run(TRAINING, {"accelerator_hour_price": 2}), "/accelerator_hour_price: expected money per time.*got the number 2; a quantity is a text with its unit"),
        (lambda: ww.run(TRAINING, {"tokens": "15"}), "/tokens: .*15"),
        (lambda: ww.run(TRAINING, {"tokens": "15 GB"}), "/tokens: .*data size"),
        (lambda: ww.run(TRAINING, {"globl_batch": 1}), "/globl_batch: unknown key"),
        (lambda: ww.sweep(TRAINING, 5), "axes: expected a dict of lists"),
        (lambda: ww.sweep(TRAINING, {"global_batch": 5}), "axes: global_batch needs a list of values, got 5"),
        (lambda: ww.sweep(TRAINING, {"accelerator": "nvidia-h100-sxm"}), "axes: accelerator needs a list of values"),
    ],
)
def test_wrong_types_unknown_keys_and_missing_units_are_named(call, message):
    with pytest.raises(ww.InputError, match=message):
        call()


def test_numbers_of_numpy_are_numbers():
    numpy = pytest.importorskip("numpy")
    assert ww.run({**{"extends": str(ww.scenarios_folder / TRAINING)}, "pue": numpy.float64(1.3)}).resolved["pue"] == 1.3


def test_a_full_disk_ends_a_sweep_and_its_points_are_in_the_error(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with ThreadPoolExecutor(1) as executor, pytest.raises(ww.RunError, match="store .*study cannot be written .*No space left.*2 of 2 points") as caught:
        ww.sweep(TRAINING, {"global_batch": [1024, 2048]}, executor=executor, store=tmp_path / "study")
    assert list(caught.value.finished.points["status"]) == ["ok", "ok"]
    assert not list((tmp_path / "study").iterdir()), "no half of a file is left"


def test_a_store_that_cannot_be_made_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ww.InputError, match="store: .*file.* cannot be made"):
        ww.sweep(TRAINING, {"global_batch": [1024]}, store=tmp_path / "file")


def test_results_that_do_not_fit_the_disk_are_an_error_with_the_file(tmp_path):
    """A limit on the size of files stands for a full disk."""
    code = textwrap.dedent(f"""
        import resource, signal, waferwatt as ww
        result = ww.run({TRAINING!r})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
        try:
            result.save({str(tmp_path / "out")!r})
        except (ww.Error, OSError) as error:
            print(type(error).__name__, error)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert str(tmp_path / "out") in done.stdout, done.stdout + done.stderr
