# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def program():
    """The program under test: WAFERWATT_PROGRAM, or that of the installed package, or a build."""
    os.environ["WAFERWATT_MODELS"] = str(ROOT / "models")
    beside = pathlib.Path(sys.executable).with_name("waferwatt")
    for candidate in (os.environ.get("WAFERWATT_PROGRAM"), beside, ROOT / "build/ci/bin/waferwatt", ROOT / "build/release/bin/waferwatt"):
        if candidate and pathlib.Path(candidate).exists():
            return str(pathlib.Path(candidate).absolute())
    pytest.fail("there is no program to test: scripts/build release waferwatt")
