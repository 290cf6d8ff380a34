"""What is computed from the raw figures of a run: medians, differences to the bare script, ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

__all__ = [
    "BASE",
    "OURS",
    "above_bare",
    "added",
    "cpu_per_save",
    "first_saves",
    "helpers_per_save",
    "inside",
    "memory_added",
    "middle",
    "one_by_one",
    "percentile",
    "ratio",
    "recorded",
    "sizes",
    "statement_times",
    "tree",
]

BASE = "bare"
OURS = "autolog"


def above_bare(found: dict[str, Any], key: str = "own_cpu") -> dict[str, list[float]]:
    """CPU seconds of every start, less the median of bare Python."""
    runs = found.get("runs", {})
    bare = middle([run[key] for run in runs.get(BASE, [])]) or 0.0
    return {label: [run[key] - bare for run in several] for label, several in runs.items() if several}


def one_by_one(found: dict[str, Any], label: str, size: int, pattern: str = "paced") -> list[dict[str, Any]]:
    """Every save of one size and pattern but the first of its process."""
    return [
        save
        for run in found.get("runs", {}).get(label, [])
        for save in run["result"]["saves"][1:]
        if save["size"] == size and save["pattern"] == pattern
    ]


def added(found: dict[str, Any], label: str, size: int) -> list[float]:
    """Milliseconds on the thread outside the original `torch.save`, per save."""
    return [1e3 * (save["before"] + save["after"]) for save in one_by_one(found, label, size)]


def inside(found: dict[str, Any], label: str, size: int, pattern: str = "paced") -> list[float]:
    """Milliseconds in the original `torch.save`, per save."""
    return [1e3 * save["inside"] for save in one_by_one(found, label, size, pattern)]


def first_saves(found: dict[str, Any], label: str) -> list[float]:
    """Milliseconds that were added to the first save of each process."""
    firsts = [run["result"]["saves"][0] for run in found.get("runs", {}).get(label, [])]
    return [1e3 * (save["before"] + save["after"]) for save in firsts]


def sizes(found: dict[str, Any]) -> list[int]:
    """The sizes saved, from small to large."""
    runs = [run for several in found.get("runs", {}).values() for run in several]
    return sorted({save["size"] for run in runs for save in run["result"]["saves"]})


def memory_added(found: dict[str, Any], label: str, when: str) -> float | None:
    """Megabytes added by then, median of the processes, less what the bare script grows by."""

    def growth(name: str) -> float | None:
        several = [run["result"]["memory"] for run in found.get("runs", {}).get(name, [])]
        return middle([(memory[when] - memory["before"]) / 1e6 for memory in several])

    mine, bare = growth(label), growth(BASE)
    return None if mine is None or bare is None else mine - bare


def tree(found: dict[str, Any], label: str) -> list[float]:
    """CPU seconds of every run, the whole process tree."""
    return [run["own_cpu"] + run["helper_cpu"] for run in found["runs"].get(label, [])]


def cpu_per_save(found: dict[str, Any], label: str) -> list[float]:
    """CPU seconds a save, round by round: in the script's process, and in the tool's helpers.

    The median of a round's saves, each counted to the end of the pause after it, plus what the helpers
    of a run of several saves used more than those of a run of one.
    """
    runs = found["runs"].get(f"{label} x{found['saves']}", [])
    own = [statistics.median(save["cpu_process"] for save in run["result"]["saves"][1:]) for run in runs]
    return [mine + theirs for mine, theirs in zip(own, helpers_per_save(found, label), strict=False)]


def recorded(found: dict[str, Any], label: str) -> tuple[int, int] | None:
    """How many versions a tool knew of after its runs, and how many saves they made; None if not asked."""
    counts = found.get("counts", {}).get(label)
    if not counts:
        return None
    made = [len(run["result"].get("saves", ())) for run in found["runs"][label]]
    return (sum(count or 0 for count in counts), sum(made)) if any(made) else None


def helpers_per_save(found: dict[str, Any], label: str) -> list[float]:
    """CPU seconds a save in the tool's helper processes, round by round."""
    count = found["saves"]
    many, one = (found["runs"].get(f"{label} x{number}", []) for number in (count, 1))
    pairs = zip(many, one, strict=False)
    return [(most["helper_cpu"] - least["helper_cpu"]) / (count - 1) for most, least in pairs]


def statement_times(found: dict[str, Any], label: str) -> list[float]:
    """Seconds that the script's thread spent on each save, the first of a process left out."""
    saves = [save for run in found["runs"].get(label, []) for save in run["result"]["saves"][1:]]
    return [save["before"] + save["inside"] + save["after"] for save in saves]


def middle(values: Sequence[float]) -> float | None:
    """The median, or None of nothing."""
    return statistics.median(values) if values else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ratio(one: float | None, other: float | None) -> float | None:
    """One over the other, where both are there."""
    return None if one is None or not other else one / other
