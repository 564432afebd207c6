#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes look down only: checks the sources and CMakeLists.txt against the table of src/README.md.

usage: check_layers.py [ROOT]
"""
import re
import sys
from dataclasses import dataclass
from pathlib import Path

# First part of an include path -> the name that the table uses.
LIBRARIES = {"simgrid": "simgrid", "boost": "boost", "nlohmann": "nlohmann", "pybind11": "pybind11", "catch2": "catch2"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


@dataclass
class Module:
    layer: int
    libraries: set[str]
    depends: set[str]  # as CMake says, not transitive


def read_table(readme: Path) -> dict[str, Module]:
    modules = {}
    for line in readme.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].isdigit():
            libraries = {name.strip() for name in cells[3].split(",") if name.strip()}
            modules[cells[1].strip("`")] = Module(int(cells[0]), libraries, set())
    return modules


def read_cmake(cmake: Path, modules: dict[str, Module]) -> list[str]:
    """Fills in what each module depends on; complains where CMake and the table disagree."""
    problems = []
    named = set()
    for number, line in enumerate(cmake.read_text().splitlines(), 1):
        found = re.match(r"\s*waferwatt_module\((\w+)(.*)\)", line)
        if not found:
            continue
        name, rest = found.groups()
        named.add(name)
        if name not in modules:
            problems.append(f"{cmake}:{number}: module {name} is not in the table of src/README.md")
            continue
        depends = re.search(r"DEPENDS ([\w ]+?)(?= LINK|$)", rest)
        modules[name].depends = set(depends.group(1).split()) if depends else set()
        for other in sorted(modules[name].depends):
            if other not in modules or modules[other].layer >= modules[name].layer:
                problems.append(f"{cmake}:{number}: {name} may not depend on {other}: it is not in a lower layer")
    for name in sorted(set(modules) - named - {"python"}):
        problems.append(f"{cmake}: module {name} of the table has no waferwatt_module({name} ...)")
    return problems


def reachable(name: str, modules: dict[str, Module]) -> set[str]:
    """The modules that a module may include: itself and all that it depends on."""
    seen, left = set(), [name]
    while left:
        at = left.pop()
        if at in seen or at not in modules:
            continue
        seen.add(at)
        left.extend(modules[at].depends)
    return seen


def files_of(root: Path, name: str) -> list[Path]:
    folders = [root / "python"] if name == "python" else [root / "include/waferwatt" / name, root / "src" / name]
    return sorted(file for folder in folders for ending in ("*.hpp", "*.cpp") for file in folder.rglob(ending))


def check_file(file: Path, name: str, allowed: set[str], modules: dict[str, Module]) -> list[str]:
    problems = []
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        parts = found.group(1).split("/")
        if parts[0] == "waferwatt" and len(parts) > 2 and parts[1] not in allowed:
            where = "a lower layer that CMakeLists.txt lets it depend on" if parts[1] in modules else "a module"
            problems.append(f"{file}:{number}: {name} may not include {found.group(1)}: {parts[1]} is not {where}")
        library = LIBRARIES.get(parts[0])
        if library and library not in modules[name].libraries:
            problems.append(f"{file}:{number}: {name} may not include {found.group(1)}: src/README.md does not list {library} for it")
    return problems


def check(root: Path) -> tuple[list[str], int]:
    modules = read_table(root / "src/README.md")
    if not modules:
        return [f"{root}/src/README.md: no table of modules"], 0
    problems = read_cmake(root / "CMakeLists.txt", modules)
    n_files = 0
    for name in modules:
        # The extension is built by python/CMakeLists.txt and stands on everything below it.
        allowed = set(modules) if name == "python" else reachable(name, modules)
        for file in files_of(root, name):
            problems += check_file(file, name, allowed, modules)
            n_files += 1
    known = set(modules)
    for folder in sorted([*(root / "src").iterdir(), *(root / "include/waferwatt").iterdir()]):
        if folder.is_dir() and folder.name not in known and any(folder.rglob("*.?pp")):
            problems.append(f"{folder}: not a module of the table of src/README.md")
    return problems, n_files


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems, n_files = check(root)
    print("\n".join(problems) if problems else f"{n_files} files look down only")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
