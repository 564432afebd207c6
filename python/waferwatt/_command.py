# SPDX-License-Identifier: Apache-2.0
"""The command ``waferwatt`` of an installed package: the program that the package carries."""
import os
import sys
from pathlib import Path


def main() -> None:
    program = Path(__file__).parent / "bin" / "waferwatt"
    os.execv(program, [str(program), *sys.argv[1:]])
