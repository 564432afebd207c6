#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mistakes with units that must not compile, and a control that must.

usage: check.py COMPILER INCLUDE_FOLDER
"""
import subprocess
import sys

PREAMBLE = """
#include "waferwatt/core/quantity.hpp"
using namespace waferwatt;
Time transfer_time(DataSize size, Bandwidth bandwidth) { return size / bandwidth; }
"""

# name -> (statements, words that the compiler's message has to hold; none: it has to compile)
SNIPPETS = {
    "control": ("Time t = 2 * second + (7 * byte) / (3.5 * byte / second); double x = t / second; (void)x;", []),
    "energy plus time": ("auto x = 3 * joule + 2 * second; (void)x;", ["operator+"]),
    "a number as a time": ("Time t = 3.0; (void)t;", ["conversion from"]),
    "a time as a number": ("double x = 3 * second; (void)x;", ["cannot convert"]),
    "a FLOP rate as a bandwidth": ("transfer_time(80 * byte, 989 * tera * flop / second);", ["could not convert"]),
    "power as energy": ("Energy e = 700 * watt; (void)e;", ["conversion from"]),
    "wafers as packages": ("auto x = 3 * wafer + 2 * package; (void)x;", ["operator+"]),
    "comparing area with length": ("bool x = 3 * metre < 9 * metre * metre; (void)x;", ["operator<"]),
    "time in watts": ("double x = (3 * second).in(watt); (void)x;", ["cannot convert"]),
}


def compile_snippet(compiler, include, statements):
    code = f"{PREAMBLE}\nvoid snippet() {{ using namespace waferwatt::core; {statements} }}\n"
    command = [compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", f"-I{include}", "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})


def main():
    compiler, include = sys.argv[1:3]
    problems = []
    for name, (statements, words) in SNIPPETS.items():
        done = compile_snippet(compiler, include, statements)
        if not words and done.returncode != 0:
            problems.append(f"{name}: does not compile, but should\n{done.stderr}")
        if words and done.returncode == 0:
            problems.append(f"{name}: compiles, but should not: {statements}")
        missing = [word for word in words if done.returncode != 0 and word not in done.stderr]
        if missing:
            problems.append(f"{name}: fails for another reason, without {missing}\n{done.stderr}")
    print("\n".join(problems) if problems else f"{len(SNIPPETS)} snippets as expected")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
