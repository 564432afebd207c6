# SPDX-License-Identifier: Apache-2.0
import json

import pytest

import waferwatt as ww


def small_scenarios():
    """Every scenario of the package's folder small/, or all of them where there is no such folder."""
    folder = ww.scenarios_folder
    return sorted((folder / "small").glob("*.json")) or sorted(folder.glob("*.json"))


@pytest.fixture(scope="session")
def scenario_file():
    files = small_scenarios()
    if not files:
        pytest.skip("the package carries no scenarios")
    return files[0]


@pytest.fixture(scope="session")
def scenario(scenario_file):
    """The same as a dict, complete."""
    return ww.run(scenario_file).resolved


@pytest.fixture(scope="session")
def result(scenario_file):
    return ww.run(scenario_file)


@pytest.fixture
def scenario_text(scenario):
    return json.dumps(scenario)
