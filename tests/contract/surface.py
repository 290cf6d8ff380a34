"""The tables of what is captured, in docs/surface.md and the README.

`python tests/contract/surface.py` writes them, from the hooks and from what the scripts under tests/scripts
say that they cover. surface.txt lists every way to save or load weights that we know of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from running import ROOT, Script, scripts

from autolog import hooks

__all__ = ["rows", "tables"]

SURFACE = ROOT / "docs" / "surface.md"
README = ROOT / "README.md"
_MARKS = "<!-- frameworks -->", "<!-- /frameworks -->"


def rows() -> dict[str, tuple[str, bool]]:
    """row -> (framework's section, whether it must not become a model)."""
    found: dict[str, tuple[str, bool]] = {}
    section = ""
    for line in Path(__file__).with_name("surface.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            found[line.removeprefix("! ")] = section, line.startswith("! ")
    return found


def tables() -> dict[Path, str]:
    """Every generated text, by its file."""
    readme = README.read_text(encoding="utf-8")
    begin, end = _MARKS
    supported = "\n".join((begin, *_support(), end))
    return {
        SURFACE: "\n".join(_surface()) + "\n",
        README: re.sub(f"{begin}.*?{end}", lambda _: supported, readme, flags=re.DOTALL),
    }


def _support() -> Iterator[str]:
    yield "| framework | filter key | supported | functions |"
    yield "|---|---|---|---|"
    for hook in hooks.discover():
        note = " (only where `frameworks=` names it)" if hook.opt_in else ""
        roles = [point.role for point in hook.points]
        count = f"{roles.count('save')} that save, {roles.count('load')} that load"
        yield f"| {hook.framework} | `{hook.key}`{note} | `{hook.supports}` | {count} |"


def _surface() -> Iterator[str]:
    yield "# What is captured"
    yield ""
    yield "Made by `python tests/contract/surface.py` from the hooks in `src/autolog/hooks` and the scripts"
    yield "in `tests/scripts`. The contract test runs every script and fails where a function of a hook is"
    yield "called by none, or where a row of this table is neither covered by a script nor left by a hook."
    covering: dict[str, list[Script]] = {}
    for script in scripts():
        for row in script.expected.get("covers", []):
            covering.setdefault(row, []).append(script)
    left = {each.function: each.because for hook in hooks.discover() for each in hook.left}
    section = ""
    for row, (of, is_control) in rows().items():
        if of != section:
            section = of
            yield ""
            yield f"## {section}"
            yield "| way to save or load | captured | tested by, or left because |"
            yield "|---|---|---|"
        named = ", ".join(f"`{each.key}/{each.name}.py`" for each in covering.get(row, []))
        verdict = "left" if row in left else "not a model: skipped" if is_control else "yes"
        yield f"| {row.replace('|', '&#124;')} | {verdict} | {left.get(row) or named} |"
    yield ""
    yield "## Functions hooked"
    yield "| framework | function | role |"
    yield "|---|---|---|"
    for hook in hooks.discover():
        for point in hook.points:
            role = f"{point.role}: {point.rule}" if point.rule else point.role
            yield f"| {hook.framework} | `{point.target}` | {role} |"


if __name__ == "__main__":
    for path, text in tables().items():
        path.write_text(text, encoding="utf-8")
