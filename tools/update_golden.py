#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the present results into tests/golden and prints what changed.

usage: update_golden.py [PROGRAM]     default: build/release/bin/waferwatt
"""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bin/waferwatt"
    sys.exit(subprocess.call([sys.executable, ROOT / "tests/golden/check.py", program, "--update"]))
