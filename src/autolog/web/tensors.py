"""The tensors of a model as a tree of their names, with what each part of it weighs."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Branch", "Leaf", "leaves_of", "tree_of"]

_DEEPEST = 10
#: So many rows are seen before somebody opens or closes anything.
_ROWS = 80
_BITS = re.compile(r"(?:q?u?int|b?float|complex)(\d+)")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One tensor; `size` counts bytes, None for a type whose elements have no fixed one.

    `parts` are those of its name: in TensorFlow's there are slashes between them, elsewhere dots.
    """

    name: str
    parts: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    parameters: int
    size: int | None
    share: float

    @property
    def label(self) -> str:
        """Its name within its branch."""
        return self.parts[-1] or self.name


@dataclass(slots=True)
class Branch:
    """Tensors whose names begin alike, in their order; `share` is their part of all bytes."""

    label: str
    branches: dict[str, Branch] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)
    count: int = 0
    parameters: int = 0
    size: int = 0
    share: float = 0.0
    is_open: bool = False


def leaves_of(tensors: Sequence[tuple[str, tuple[int, ...], str]]) -> list[Leaf]:
    """`(name, shape, dtype)` of tensors, with what each weighs."""
    sizes = [_size(math.prod(shape), dtype) for _, shape, dtype in tensors]
    total = sum(each or 0 for each in sizes)
    between = "/" if 2 * sum("/" in name for name, _, _ in tensors) > len(tensors) else "."
    return [
        Leaf(
            name,
            tuple(name.split(between)),
            dtype=dtype,
            shape=tuple(shape),
            parameters=math.prod(shape),
            size=size,
            share=(size or 0) / total if total else 0.0,
        )
        for (name, shape, dtype), size in zip(tensors, sizes, strict=True)
    ]


def tree_of(leaves: Sequence[Leaf]) -> Branch:
    """The tree of some tensors. A branch with nothing but one other in it is one with that."""
    root = Branch("")
    for leaf in leaves:
        at = root
        _add(at, leaf)
        for part in leaf.parts[:-1][:_DEEPEST]:
            at = at.branches.setdefault(part, Branch(part))
            _add(at, leaf)
        at.leaves.append(leaf)
    between = "/" if any("/" in leaf.name and len(leaf.parts) > 1 for leaf in leaves[:1]) else "."
    for each in list(_below(root)):
        each.branches = {name: _shortened(branch, between) for name, branch in each.branches.items()}
    _open(root)
    return root


def _add(branch: Branch, leaf: Leaf) -> None:
    branch.count += 1
    branch.parameters += leaf.parameters
    branch.size += leaf.size or 0
    branch.share += leaf.share


def _below(root: Branch) -> Iterator[Branch]:
    waiting = deque([root])
    while waiting:
        branch = waiting.popleft()
        yield branch
        waiting.extend(branch.branches.values())


def _shortened(branch: Branch, between: str) -> Branch:
    while len(branch.branches) == 1 and not branch.leaves:
        (inner,) = branch.branches.values()
        inner.label = f"{branch.label}{between}{inner.label}"
        branch = inner
    return branch


def _open(root: Branch) -> None:
    """Open as many levels as there is room for: whole ones, so that what is alike looks alike."""
    room, level = _ROWS, [root]
    while level:
        rows = sum(len(each.branches) + len(each.leaves) for each in level)
        if rows > room and level != [root]:
            return
        for each in level:
            each.is_open = True
        room -= rows
        level = [inner for each in level for inner in each.branches.values()]


def _size(elements: int, dtype: str) -> int | None:
    if dtype == "bool":
        return elements
    match = _BITS.match(dtype)
    return None if match is None else (elements * int(match[1]) + 7) // 8
