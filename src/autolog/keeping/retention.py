"""Which versions' bytes are no longer to be kept: by how many there are, how good and how old they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from autolog.config import measure_of
from autolog.store import measured, versions

from .wanted import wanted

if TYPE_CHECKING:
    from autolog.store import Store, VersionRecord

__all__ = ["Chosen", "Rule", "choose"]


class Rule(NamedTuple):
    """The last `keep_last` versions of each model are kept, the `keep_best` best ones by a metric, and what
    is not older than so many seconds.

    `by` is such a metric: `max:accuracy`, or `min:loss` (the same as `loss`). A version that hasn't got it is
    worse than all that have, and of equally good ones the later is better. A version goes only if all that is
    said lets it go; with nothing said, none does.
    """

    keep_last: int | None = None
    older_than: float | None = None
    keep_best: int | None = None
    by: str = ""

    def words(self) -> str:
        """Why a version goes."""
        reasons = []
        if self.keep_last is not None:
            reasons.append(f"not among the last {self.keep_last} versions")
        if self.keep_best is not None:
            reasons.append(f"not among the best {self.keep_best} by {self.by}")
        if self.older_than is not None:
            reasons.append(f"older than {self.older_than / 86400:g} days")
        return "autolog gc: " + " and ".join(reasons)


class Chosen(NamedTuple):
    """The versions that go, and those that the rule would let go but somebody needs."""

    going: tuple[VersionRecord, ...]
    spared: tuple[VersionRecord, ...]


def choose(
    store: Store, rule: Rule, *, only: Callable[[VersionRecord], bool] = lambda version: True
) -> Chosen:
    """Apply a rule to all versions whose bytes are kept, or to `only` some.

    Never chosen: the newest version of a model, also of those that are kept; what `wanted` names; versions of
    a task that is running, since it may count on what it has kept. Raises StoreError, and ValueError where
    `by` is no metric.
    """
    if (rule.keep_last, rule.older_than, rule.keep_best) == (None, None, None):
        return Chosen((), ())
    needed = wanted(store)
    oldest = None if rule.older_than is None else time.time() - rule.older_than
    going: list[VersionRecord] = []
    spared: list[VersionRecord] = []
    ages: dict[str, int] = {}
    kept = versions(store, keeping="kept")
    best = _best(store, rule, kept)
    for each in reversed(kept):
        age = ages[each.model_id] = ages.get(each.model_id, 0) + 1
        if age == 1 or each.is_newest or age <= (rule.keep_last or 0) or not only(each):
            continue
        if each.snapshot_id in best:
            continue
        if oldest is not None and each.created > oldest:
            continue
        (spared if each.snapshot_id in needed or each.is_running else going).append(each)
    return Chosen(tuple(reversed(going)), tuple(reversed(spared)))


def _best(store: Store, rule: Rule, kept: Sequence[VersionRecord]) -> set[int]:
    """The ids of the best versions of each model, where the rule asks for some."""
    if rule.keep_best is None:
        return set()
    direction, name = measure_of(rule.by)
    sign = 1 if direction == "min" else -1
    values = {number: sign * value for number, value in measured(store, name).items()}
    models: dict[str, list[int]] = {}
    for each in reversed(kept):
        models.setdefault(each.model_id, []).append(each.snapshot_id)
    found: set[int] = set()
    for ids in models.values():
        ranked = sorted(ids, key=lambda number: (number not in values, values.get(number, 0.0)))
        found.update(ranked[: rule.keep_best])
    return found
