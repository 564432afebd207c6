# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest
from results import ROOT, SCENARIOS, Run


@pytest.fixture(scope="session")
def runs(program, tmp_path_factory):
    """The results folder of each scenario, by name."""
    folder = tmp_path_factory.mktemp("results")
    found = {}
    for name, settings in SCENARIOS.items():
        done = subprocess.run([program, "run", f"scenarios/{name}.json", "-o", folder / name, *settings], cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found[name] = Run(name, folder / name)
    return found
