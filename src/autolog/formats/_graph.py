"""A network as a list of operations, put into words: the design of formats that keep a graph."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from autolog.formats._counting import cut_design
from autolog.formats._standins import readable

__all__ = ["Operations", "summary"]

_MOST_KINDS = 1_000
_LONGEST_NAME = 200
_MOST_ENDS = 100


class Operations(dict[str, int]):
    """How often each kind of operation stands in a graph."""

    def count(self, kind: str, times: int = 1) -> None:
        """So many more of that kind; beyond a thousand kinds, of `others`."""
        kind = readable(kind, _LONGEST_NAME)
        if kind not in self and len(self) >= _MOST_KINDS:
            kind = "others"
        self[kind] = self.get(kind, 0) + times


def summary(operations: Mapping[str, int], inputs: Iterable[str], outputs: Iterable[str]) -> str | None:
    """The graph as JSON: inputs, outputs, and each operation with its count, the most frequent first."""
    if not operations:
        return None
    ranked = sorted(operations.items(), key=lambda item: (-item[1], item[0]))
    document = {
        "inputs": list(inputs)[:_MOST_ENDS],
        "outputs": list(outputs)[:_MOST_ENDS],
        "operations": dict(ranked),
    }
    return cut_design(json.dumps(document, indent=1, ensure_ascii=False))
