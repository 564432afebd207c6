# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def program():
    """The program under test: WAFERWATT_PROGRAM, or that of the installed package, or the release build."""
    beside = pathlib.Path(sys.executable).with_name("waferwatt")
    for candidate in (os.environ.get("WAFERWATT_PROGRAM"), beside, ROOT / "build/ci/bin/waferwatt", ROOT / "build/release/bin/waferwatt"):
        if candidate and pathlib.Path(candidate).exists():
            return pathlib.Path(candidate).absolute()
    pytest.fail("there is no program to test: scripts/build release waferwatt")


@pytest.fixture
def workplace(tmp_path, program):
    """A folder that looks like a clone, in which commands of the documentation may run and leave results."""
    for name in ("scenarios", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    for place in ("build/release/bin/waferwatt", "bin/waferwatt"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).symlink_to(program)
    run = tmp_path / "scripts/run"  # what scripts/run does after it has set up and built
    run.parent.mkdir()
    run.write_text('#!/bin/sh\nexec waferwatt run "$@"\n')
    run.chmod(0o755)
    os.environ["WAFERWATT_MODELS"] = str(ROOT / "models")
    return tmp_path
