# SPDX-License-Identifier: Apache-2.0
import pytest
from blocks import ROOT


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
    return tmp_path
