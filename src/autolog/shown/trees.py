"""Designs as trees beside each other: what is called the same stands in one place, however it is laid out.

A design may be JSON (Keras, boosters), a module of PyTorch or an estimator as it prints itself, or lines of
`name: value`. It is text that somebody else wrote: it is read, and nothing of it is run.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Branch", "Entry", "Node", "flat", "grown", "merged"]

#: What is read of one design; what lies deeper than that is told as text.
_MOST_NODES, _DEEPEST, _LONGEST = 20_000, 40, 2_000_000
_EXPRESSION = 200_000
_MODULE_LINE = re.compile(r"(\s*)\(([^()\s]+)\): (.*)")
_NAMED_LINE = re.compile(r"(\s*)([^\s:=][^:=]{0,199}?)\s*[:=]\s*(.*)")


@dataclass
class Node:
    """A part of a design: its value as text, and its parts by name, in order."""

    value: str = ""
    parts: dict[str, Node] = field(default_factory=dict)

    def add(self, name: str, part: Node) -> None:
        """Another part; one of a name that there is already gets a number behind its own."""
        number, free = 2, name
        while free in self.parts:
            # Of very many of one name the number is found at once.
            number = max(number, len(self.parts) + 1) if number > 9 else number
            free, number = f"{name} #{number}", number + 1
        self.parts[free] = part


@dataclass
class Branch:
    """A part of several designs: its value in each, None where there is none; the base's is the first.

    `size` is how many parts are within it, `differences` in how many of these and itself the designs differ.
    """

    name: str
    values: tuple[str | None, ...]
    parts: list[Branch] = field(default_factory=list)
    size: int = 0
    differences: int = 0

    @property
    def is_same(self) -> bool:
        """Whether all designs have the same here, leaving its parts aside."""
        return all(each == self.values[0] for each in self.values)

    def kind(self, number: int) -> str:
        """What became of it in a design: `same`, `changed`, `added`, `removed`, or `missing` in both."""
        old, new = self.values[0], self.values[number]
        if old is None:
            return "missing" if new is None else "added"
        return "removed" if new is None else "same" if old == new else "changed"


class Entry(NamedTuple):
    """A branch by its path, for a table."""

    path: str
    branch: Branch


# -- reading ----------------------------------------------------------------------------------------------


def grown(design: str | None) -> Node | None:
    """The tree of a design, as far as it is read; None for no design."""
    text = (design or "")[:_LONGEST]
    if not text.strip():
        return None
    left = [_MOST_NODES]
    for read in (_of_json, _of_expression):
        found = read(text, left)
        if found is not None:
            return found
    return _of_lines(text, left)


def _of_json(text: str, left: list[int]) -> Node | None:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return _plain(json.loads(text), left)
    except (ValueError, RecursionError):
        return None


def _plain(value: Any, left: list[int], depth: int = 0) -> Node:
    """What JSON holds. Of lists a part is called what it calls itself, as layers do."""
    if not isinstance(value, (dict, list)) or not value or depth >= _DEEPEST:
        return Node(_short(json.dumps(value, ensure_ascii=False)))
    node = Node("" if isinstance(value, dict) else "list")
    pairs = (
        value.items()
        if isinstance(value, dict)
        else ((_own_name(each, n), each) for n, each in enumerate(value))
    )
    for name, each in pairs:
        left[0] -= 1
        if left[0] < 0:
            break
        node.add(str(name), _plain(each, left, depth + 1))
    return node


def _own_name(value: Any, number: int) -> str:
    if isinstance(value, dict):
        inner = value.get("config")
        for each in (value, inner if isinstance(inner, dict) else {}):
            if isinstance(each.get("name"), str) and each["name"]:
                return str(each["name"])
    return str(number)


def _of_expression(text: str, left: list[int]) -> Node | None:
    """An estimator as it prints itself, which is Python that is only parsed."""
    if len(text) > _EXPRESSION or "(" not in text:
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return _call(tree, left) if isinstance(tree, ast.Call) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _call(tree: ast.expr, left: list[int], depth: int = 0) -> Node:
    left[0] -= 1
    parts: list[tuple[str, ast.expr]] = []
    if isinstance(tree, ast.Call):
        node = Node(ast.unparse(tree.func))
        parts = [(str(number), each) for number, each in enumerate(tree.args)]
        parts += [(each.arg or "**", each.value) for each in tree.keywords]
    elif isinstance(tree, (ast.List, ast.Tuple)) and any(
        isinstance(each, (ast.Call, ast.Tuple, ast.List)) for each in tree.elts
    ):
        node = Node("list")
        for number, each in enumerate(tree.elts):
            # A step of a pipeline: `("scale", StandardScaler())`.
            first = each.elts[0] if isinstance(each, ast.Tuple) and len(each.elts) > 1 else None
            if (
                isinstance(each, ast.Tuple)
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                rest = each.elts[1] if len(each.elts) == 2 else ast.Tuple(each.elts[1:], ast.Load())
                parts.append((first.value, rest))
            else:
                parts.append((str(number), each))
    else:
        return Node(_short(ast.unparse(tree)))
    if depth >= _DEEPEST or left[0] < 0:
        return Node(_short(ast.unparse(tree)))
    for name, inner in parts:
        node.add(name, _call(inner, left, depth + 1))
    return node


def _of_lines(text: str, left: list[int]) -> Node:
    """Lines that stand within others by how far they are indented, as modules print themselves."""
    root = Node()
    path: list[tuple[int, Node]] = [(-1, root)]
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare in (")", "(", "),", "]", "}"):
            continue
        left[0] -= 1
        if left[0] < 0:
            break
        match = _MODULE_LINE.fullmatch(line) or _NAMED_LINE.fullmatch(line)
        indent = len(line) - len(line.lstrip())
        while len(path) > 1 and path[-1][0] >= indent:
            path.pop()
        parent = path[-1][1]
        if match is None and parent is root and not root.value and not root.parts:
            # The first line is the design itself: `Net(`.
            root.value = bare.removesuffix("(")
            continue
        name, value = (match[2], match[3].strip()) if match else (bare, "")
        node = Node(_short(value.removesuffix("(")))
        parent.add(name[:200], node)
        if len(path) <= _DEEPEST:
            path.append((indent, node))
    return root


def _short(text: str) -> str:
    return text if len(text) <= 1_000 else text[:1_000] + "…"


# -- beside each other ------------------------------------------------------------------------------------


def merged(designs: Sequence[Node | None], name: str = "") -> Branch:
    """Designs in one tree; the base, which is the first, says in which order its parts stand."""
    branch = Branch(name, tuple(None if each is None else each.value for each in designs))
    for part in _names(designs):
        inner = [None if each is None else each.parts.get(part) for each in designs]
        branch.parts.append(merged(inner, part))
    branch.size = sum(each.size + 1 for each in branch.parts)
    branch.differences = sum(each.differences for each in branch.parts) + (not branch.is_same)
    return branch


def _names(designs: Sequence[Node | None]) -> list[str]:
    """The names of all parts; what the base hasn't comes behind what it follows elsewhere."""
    there = [list(each.parts) for each in designs if each is not None and each.parts]
    if len(there) < 2:
        return there[0] if there else []
    known = set(there[0])
    behind: dict[str | None, list[str]] = {}
    for names in there[1:]:
        last: str | None = None
        for each in names:
            if each not in known:
                known.add(each)
                behind.setdefault(last, []).append(each)
            last = each
    found: list[str] = []
    waiting = [*reversed(there[0]), *reversed(behind.get(None, []))]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting += reversed(behind.get(each, []))
    return found


def flat(branch: Branch, keeps: Callable[[Branch], bool] = lambda each: True) -> Iterator[Entry]:
    """All parts by their paths, from the top."""
    waiting = [("", branch)]
    while waiting:
        path, each = waiting.pop()
        if keeps(each):
            yield Entry(path or "design", each)
        waiting += [(f"{path}/{part.name}" if path else part.name, part) for part in reversed(each.parts)]
