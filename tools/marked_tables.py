# SPDX-License-Identifier: Apache-2.0
"""Tables of a page that a program writes: they stand between a line that names the tool and END."""
import sys

END = "<!-- end -->\n"


def replaced(text, begin, table):
    """The text with what stands between the line `begin` and the END after it replaced by `table`."""
    if text.count(begin) != 1:
        sys.exit(f"the line {begin.strip()} stands {text.count(begin)} times in the page, not once")
    before, rest = text.split(begin)
    return before + begin + table + END + rest.split(END, 1)[1]


def update(page, tables, is_check, hint):
    """Writes the tables, by their first lines, into the page; with `is_check` exits with `hint` where the page holds others."""
    text = updated = page.read_text()
    for begin, table in tables.items():
        updated = replaced(updated, begin, table)
    if updated == text:
        return
    if is_check:
        sys.exit(f"{page}: {hint}")
    page.write_text(updated)
