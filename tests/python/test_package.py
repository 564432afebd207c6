# SPDX-License-Identifier: Apache-2.0
"""The package as somebody else gets it: a wheel, an environment without anything else, no sources beside it."""
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

WHEELS = Path(__file__).parents[2] / "build" / "wheel"
IMPORTED_WITHIN_S = 0.3


def used_by(words):
    """Processor seconds of a program, the fewest of several: other work on the machine counts little."""
    times = []
    for _ in range(5):
        before = os.times()
        subprocess.run(words, check=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(times)


def test_importing_is_quick_and_brings_nothing_heavy():
    nothing, imported = (used_by([sys.executable, "-c", code]) for code in ("pass", "import waferwatt"))
    assert imported - nothing < IMPORTED_WITHIN_S
    listed = subprocess.run([sys.executable, "-c", "import sys, waferwatt; print(*sys.modules)"], check=True, capture_output=True, text=True).stdout
    assert {"pandas", "matplotlib", "plotly", "pyarrow", "xarray", "tqdm", "distributed", "ray"}.isdisjoint(listed.split())


@pytest.fixture(scope="module")
def wheel():
    """The wheel that scripts/install-python made and installed."""
    found = sorted(WHEELS.glob("waferwatt-*.whl"), key=lambda file: file.stat().st_mtime)
    if not found and os.environ.get("CI"):
        pytest.fail("scripts/install-python leaves a wheel in build/wheel")
    return found[-1] if found else pytest.skip("no wheel in build/wheel: scripts/install-python makes one")


def test_a_wheel_carries_what_it_needs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"waferwatt/py.typed", "waferwatt/_core.pyi", "waferwatt/bin/waferwatt", "waferwatt/models/sources.json", "waferwatt/scenarios/compute-famine.json"} <= names
    assert not [name for name in names if "/tests/" in f"/{name}" or name.endswith((".cpp", ".hpp"))]


LIBRARIES = "import waferwatt; print(*{line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}, sep='\\n')"


@pytest.mark.parametrize("bundled", [False, True], ids=["as built", "with its libraries"])
def test_a_wheel_works_in_an_environment_of_its_own(bundled, wheel, tmp_path):
    """Installed with its dependencies and nothing else, away from the sources; PYTHONPATH and the folder of models are not set."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "WAFERWATT_MODELS", "WAFERWATT_PROGRAM", "VIRTUAL_ENV")}

    def told(*words):
        done = subprocess.run([str(word) for word in words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    if bundled:
        pytest.importorskip("auditwheel", reason="auditwheel is not installed: scripts/wheel installs it")
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        told(sys.executable, "-m", "auditwheel", "repair", "-w", tmp_path, wheel)
        (wheel,) = tmp_path.glob("*manylinux*.whl")
    told(sys.executable, "-m", "venv", "env")
    python, program = tmp_path / "env/bin/python", tmp_path / "env/bin/waferwatt"
    told(python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", wheel)
    assert "waferwatt" in told(program, "--version")
    code = "import waferwatt as ww; r = ww.run('supply-cowos-2024.json'); print(ww.__file__); print(r.headline); print(len(r.table('deliveries')))"
    file, headline, rows = told(python, "-c", code).splitlines()
    assert file.startswith(str(tmp_path)) and "delivered" in headline and int(rows) > 0
    shipped = Path(file).parent / "scenarios" / "train-llama3-70b-h100.json"
    told(program, "run", shipped, "-o", "out")
    assert (tmp_path / "out/report.html").exists()
    if bundled:
        loaded = told(python, "-c", LIBRARIES).split()
        ours = [path for path in loaded if "simgrid" in path or "libfmt" in path]
        assert len(ours) >= 2 and all(path.startswith(str(tmp_path)) for path in ours), ours
