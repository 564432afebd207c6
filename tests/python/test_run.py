# SPDX-License-Identifier: Apache-2.0
import gc
import json
import pickle
import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import waferwatt as ww


def without_provenance(summary):
    return {key: value for key, value in summary.items() if key != "provenance"}


def test_a_file_and_its_resolved_dict_give_the_same_summary(scenario, result):
    assert without_provenance(ww.run(scenario).summary) == without_provenance(result.summary)


def test_the_same_seed_gives_the_same_summary_and_the_seed_can_be_replaced(scenario_file):
    first, second = (ww.run(scenario_file, seed=7) for _ in range(2))
    assert without_provenance(first.summary) == without_provenance(second.summary)
    assert first.summary["provenance"]["seed"] == 7


def test_a_result_has_an_answer_metrics_and_what_binds(result):
    assert result.headline
    assert {"name", "value", "unit", "low", "high"} <= set(result.metrics.columns)
    assert len(result.metrics) == len(result.summary["metrics"]) > 0
    assert np.isfinite(result.metrics["value"]).all()
    assert list(result.binds().columns) == ["resource", "scope", "share", "text"]


def test_one_metric_is_looked_up_by_name_and_dims(result):
    first = result.summary["metrics"][0]
    assert result.metric(first["name"], **first["dims"]) == first["value"]
    with pytest.raises(KeyError, match="metrics: "):
        result.metric("no_such_metric")


def test_tables_are_frames_over_the_columns_of_the_run(result):
    assert result.tables
    for name in result.tables:
        frame = result.table(name)
        assert isinstance(frame, pd.DataFrame) and len(frame.columns) > 0
    first, second = (result._run.table(result.tables[0]) for _ in range(2))
    numbers = [name for name, column in first.items() if column.dtype.kind in "if"]
    assert numbers and all(np.shares_memory(first[name], second[name]) for name in numbers), "one memory, however often it is asked for"
    frame = result.table(result.tables[0])
    assert all(np.shares_memory(frame[name].to_numpy(), first[name]) for name in numbers), "the frame has it too"


def test_a_frame_of_a_run_cannot_change_the_run(result):
    name = result.tables[0]
    column = next(n for n, values in result._run.table(name).items() if values.dtype.kind in "if")
    with pytest.raises(ValueError, match="read-only"):
        result._run.table(name)[column][0] = 0
    before = result.table(name)[column].sum()
    changed = result.table(name)
    changed[column] = 0
    assert result.table(name)[column].sum() == before and changed[column].sum() == 0


def test_arrays_live_longer_than_the_run_that_they_came_from(scenario_file):
    run = ww.run(scenario_file)
    column = next(values for values in run._run.table(run.tables[0]).values() if values.dtype.kind in "if")
    copy = column.copy()
    del run
    gc.collect()
    np.testing.assert_array_equal(column, copy)


def test_an_unknown_table_is_a_key_error_with_the_nearest_name(result):
    name = result.tables[0]
    with pytest.raises(KeyError, match=f'did you mean .*{name}'):
        result.table(name + "x")


def test_the_ledger_is_a_frame(result):
    assert isinstance(result.ledger, pd.DataFrame)


def test_all_problems_of_a_scenario_arrive_with_their_places(scenario):
    wrong = {**scenario, "sede": 3, "schema": "waferwatt.scenario/1", "seed": -1}
    with pytest.raises(ww.InputError) as caught:
        ww.run(wrong)
    paths = {diagnostic["path"] for diagnostic in caught.value.diagnostics}
    assert {"/sede", "/seed"} <= paths
    assert 'did you mean "seed"?' in str(caught.value)
    assert all(diagnostic["line"] >= 1 for diagnostic in caught.value.diagnostics)
    assert isinstance(caught.value, ValueError)


def test_errors_survive_pickling_so_that_process_pools_can_raise_them():
    error = pickle.loads(pickle.dumps(ww.InputError("x", [{"path": "/a"}])))
    assert str(error) == "x" and error.diagnostics == [{"path": "/a"}]


def test_overrides_by_dict_and_by_keyword_are_checked_like_the_file(scenario_file):
    assert ww.run(scenario_file, {"name": "other"}).name == "other"
    assert ww.run(scenario_file, name="other").name == "other"
    with pytest.raises(ww.InputError, match="--set: error at /no_such_key: unknown key"):
        ww.check(scenario_file, no_such_key=1)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(ww.InputError, match="no such file"):
        ww.run(tmp_path / "none.json")


def test_saving_writes_the_results_folder_and_never_overwrites_silently(result, tmp_path):
    folder = tmp_path / "out"
    result.save(folder)
    written = json.loads((folder / "summary.json").read_text())
    assert written == result.summary
    assert json.loads((folder / "resolved.json").read_text()) == result.resolved
    for name in result.tables:
        frame = pd.read_csv(folder / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])
        assert list(frame.columns) == list(result.table(name).columns)
        for column in result.table(name).select_dtypes("number"):
            np.testing.assert_array_equal(frame[column], result.table(name)[column])
    with pytest.raises(ww.InputError, match="--force|earlier run"):
        result.save(folder)
    result.save(folder, replace=True)


def test_the_report_loads_nothing_and_the_notebook_view_has_no_scripts(result):
    page = result.html()
    assert page.startswith("<!doctype html>") and "http-equiv" not in page
    assert not re.search(r'<(script|link|img|iframe)[^>]*\s(src|href)="(?!data:)', page)
    view = result._repr_html_()
    assert "<table" in view and "<script" not in view


def test_the_package_carries_the_program():
    program = Path(ww.__file__).parent / "bin" / "waferwatt"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert ww.__version__ in said


def test_the_program_in_the_package_finds_the_models(scenario_file, tmp_path):
    program = Path(ww.__file__).parent / "bin" / "waferwatt"
    done = subprocess.run([program, "check", scenario_file], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_stub_of_the_extension_names_what_it_has():
    stub = (Path(ww.__file__).parent / "_core.pyi").read_text()
    named = set(re.findall(r"^(?:def|class) (\w+)", stub, re.MULTILINE))
    assert named == {name for name in dir(ww._core) if not name.startswith("_")}
