# SPDX-License-Identifier: Apache-2.0
import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import threading

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


@pytest.fixture(scope="session")
def served():
    """Serves a folder on this machine's own address while a `with` lasts, and gives the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    @contextlib.contextmanager
    def serve(folder):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()

    return serve


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not os.environ.get("CI"):  # .ci/run installs both: there they may not be absent
        pytest.importorskip("playwright", reason="playwright is not installed: pip install .[browser]")
        if not chromium:
            pytest.skip("Chromium is not installed: scripts/setup --browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
