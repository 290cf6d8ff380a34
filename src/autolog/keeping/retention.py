"""Which versions' bytes are no longer to be kept, by how many there are and how old they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from autolog.store import versions

from .wanted import wanted

if TYPE_CHECKING:
    from autolog.store import Store, VersionRecord

__all__ = ["Chosen", "Rule", "choose"]


class Rule(NamedTuple):
    """The last `keep_last` versions of each model are kept, and what is not older than so many seconds.

    A version goes only if all that is said lets it go; with nothing said, none does.
    """

    keep_last: int | None = None
    older_than: float | None = None

    def words(self) -> str:
        """Why a version goes."""
        reasons = []
        if self.keep_last is not None:
            reasons.append(f"not among the last {self.keep_last} versions")
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
    a task that is running, since it may count on what it has kept. Raises StoreError.
    """
    if rule == Rule():
        return Chosen((), ())
    needed = wanted(store)
    oldest = None if rule.older_than is None else time.time() - rule.older_than
    going: list[VersionRecord] = []
    spared: list[VersionRecord] = []
    ages: dict[str, int] = {}
    for each in reversed(versions(store, keeping="kept")):
        age = ages[each.model_id] = ages.get(each.model_id, 0) + 1
        if age == 1 or each.is_newest or age <= (rule.keep_last or 0) or not only(each):
            continue
        if oldest is not None and each.created > oldest:
            continue
        (spared if each.snapshot_id in needed or each.is_running else going).append(each)
    return Chosen(tuple(reversed(going)), tuple(reversed(spared)))
