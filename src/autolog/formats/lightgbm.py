"""Boosters that LightGBM saved: a text of lines `key=value`, one block of them per tree.

First comes what holds for all trees, from `tree` on; then blocks that begin with `Tree=<number>`, up to
`end of trees`; then the importance of features and the training's parameters.
(LightGBM's `src/boosting/gbdt_model_text.cpp`.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._counting import cut_design
from autolog.formats._shape import Contents, Tensor
from autolog.formats._source import Enough, FileSource, Seekable, Source
from autolog.formats._standins import readable

__all__ = ["inspect_lightgbm"]

_OPENING = re.compile(rb"tree\r?\n(version=|num_class=)")
_KEPT = 1 << 13  # bytes of a line that are looked at
_MOST_LINES = 4_000_000
_MOST_NAMES = 50
_LONGEST_TEXT = 200
_LONGEST_PARAMETERS = 90_000

# How LightGBM keeps the arrays of a tree.
_TYPES = {
    "split_feature": "int32",
    "split_gain": "float32",
    "threshold": "float64",
    "decision_type": "int8",
    "left_child": "int32",
    "right_child": "int32",
    "leaf_value": "float64",
    "leaf_weight": "float64",
    "leaf_count": "int32",
    "internal_value": "float64",
    "internal_weight": "float64",
    "internal_count": "int32",
    "cat_boundaries": "int32",
    "cat_threshold": "uint32",
    "leaf_const": "float64",
    "leaf_coeff": "float64",
}
_NUMBERS = {
    "num_class": "classes",
    "num_tree_per_iteration": "trees_per_iteration",
    "max_feature_idx": "features",
}


def inspect_lightgbm(file: Seekable, size: int) -> Contents | None:
    """What a saved booster holds; None for any other file.

    As for XGBoost, `parameters` is the number of nodes of all trees, and there is one tensor per kind of
    array, summed over the trees: `trees.threshold`. The design is the training's parameters.
    """
    file.seek(0)
    if not _OPENING.match(file.read(64)):
        return None
    booster = _Booster()
    try:
        for line, values in _lines(FileSource(file, 0, size)):
            booster.line(line, values)
    except Enough as bound:
        booster.details["incomplete"] = str(bound)
        return booster.contents()
    if not booster.ended:
        raise UnreadableWeights("truncated: a LightGBM model without its end")
    return booster.contents()


def _lines(source: Source) -> Iterator[tuple[str, int]]:
    """Each line, its beginning if it is long, and how many values separated by spaces it holds."""
    head, spaces, left = b"", 0, _MOST_LINES
    while piece := source.rest():
        source.skip(len(piece))
        *parts, last = piece.split(b"\n")
        for part in parts:
            head += part[: max(0, _KEPT - len(head))]
            left -= 1
            if left < 0:
                raise Enough("more lines than we read")
            yield head.decode("utf-8", "replace").rstrip("\r"), spaces + part.count(b" ") + 1
            head, spaces = b"", 0
        head += last[: max(0, _KEPT - len(head))]
        spaces += last.count(b" ")
    if head:
        yield head.decode("utf-8", "replace"), spaces + 1


class _Booster:
    def __init__(self) -> None:
        self.details: dict[str, Any] = {"trees": 0}
        self.ended = False
        self._counts: dict[str, int] = {}
        self._leaves = 0
        self._parameters: list[str] = []
        self._length = 0
        self._step = self._header

    def line(self, line: str, values: int) -> None:
        """Take the next line, which has that many values."""
        if line.startswith("Tree="):
            self.details["trees"] += 1
            self._step = self._tree
        elif line == "end of trees":
            self.ended = True
            self._step = self._after
        elif line == "parameters:":
            # A file that is cut off in here has lost what comes last.
            self.ended = False
            self._step = self._parameter
        elif line == "end of parameters":
            self.ended = True
            self._step = self._after
        elif line:
            self._step(line, values)

    def _header(self, line: str, values: int) -> None:
        key, _, value = line.partition("=")
        if key in _NUMBERS:
            self.details[_NUMBERS[key]] = _number(value) + (key == "max_feature_idx")
        elif key in ("version", "objective"):
            self.details[key] = readable(value, _LONGEST_TEXT)
        elif key == "feature_names":
            names = value[: _LONGEST_TEXT * _MOST_NAMES].split(" ")[:_MOST_NAMES]
            self.details["feature_names"] = [readable(name, _LONGEST_TEXT) for name in names]
        elif key == "average_output":
            self.details["average_output"] = True

    def _tree(self, line: str, values: int) -> None:
        key, _, value = line.partition("=")
        if key == "num_leaves":
            self._leaves += _number(value)
        elif key in _TYPES and value:
            self._counts[key] = self._counts.get(key, 0) + values

    def _parameter(self, line: str, values: int) -> None:
        if self._length < _LONGEST_PARAMETERS:
            self._parameters.append(line)
            self._length += len(line) + 1

    def _after(self, line: str, values: int) -> None:
        pass

    def contents(self) -> Contents:
        """What was found so far."""
        rows = sorted(self._counts.items())
        tensors = tuple(Tensor(f"trees.{name}", (count,), _TYPES[name]) for name, count in rows)
        nodes = max(0, 2 * self._leaves - self.details["trees"])
        return Contents(
            "LightGBM", tensors, nodes, self.details, design=cut_design("\n".join(self._parameters))
        )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 0
