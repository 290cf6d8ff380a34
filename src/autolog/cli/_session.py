"""Opening what a reading command reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autolog import config

from ._options import Options
from ._out import say

if TYPE_CHECKING:
    from autolog.agent.replay import Settled
    from autolog.store import Kept, ModelRecord, Store

__all__ = [
    "bring_in",
    "kept_places",
    "load_settings",
    "opened",
    "opened_kept",
    "settle_first",
    "shown",
    "waiting_words",
]

_SETTLE_SECONDS = 10.0
_ON_A_TERMINAL = 50


def load_settings(options: Options) -> config.Settings:
    """The settings in force. Raises ConfigurationProblem."""
    return config.load(home=options.home, store=options.store)


def settle_first(settings: config.Settings, wait: float) -> Settled | None:
    """Bring what the spool still holds into the store; None if the spool can't be read, which stderr says."""
    from autolog.agent import settle

    try:
        return settle(settings, wait=wait)
    except OSError as error:
        # Somebody else's home, or a read-only one: what is in the store can be read all the same.
        say(f"the spool {settings.spool} can't be read ({error.strerror}): the latest saves may be missing")
        return None


@contextmanager
def opened(options: Options, *, create: bool = False, read_only: bool = False) -> Iterator[Store]:
    """The store, once what the spool still held is in it; made if there is none, to `create` it.

    One that is `read_only` stays as it is: nothing is brought into it either. Raises ConfigurationProblem and
    the kinds of StoreError.
    """
    from autolog.store import Store

    settings = load_settings(options)
    if not read_only:
        bring_in(settings)
    store = Store.open(settings.store, create=create, read_only=read_only)
    try:
        yield store
    finally:
        store.close()


def bring_in(settings: config.Settings) -> None:
    """Bring what the spool still holds into the store; says what is left of it. Raises StoreError."""
    settled = settle_first(settings, _SETTLE_SECONDS)
    if settled is not None and settled.pending:
        what = "event is" if settled.pending == 1 else "events are"
        why = f" ({'; '.join(settled.problems)})" if settled.problems else ""
        say(f"{settled.pending} {what} not in the store yet{why}; try again later, or see `autolog doctor`")
    if settled is not None and settled.waiting:
        say(f"{waiting_words(settled.waiting, settled.reason)}; `autolog sync` brings them there")


@contextmanager
def opened_kept(
    options: Options, *, create: bool = False, read_only: bool = False
) -> Iterator[tuple[Store, Kept, config.Settings]]:
    """As `opened`, with the records of kept bytes, and the settings: they say how to reach these bytes."""
    from autolog.store import Kept

    with opened(options, create=create, read_only=read_only) as store:
        yield store, Kept(store), load_settings(options)


def waiting_words(count: int, reason: str) -> str:
    """How many versions' bytes wait to be kept, and why."""
    whose = "1 version waits" if count == 1 else f"{count} versions wait"
    return f"the bytes of {whose} to be kept" + (f" ({reason})" if reason else "")


def kept_places(
    kept: Kept, settings: config.Settings, records: Iterable[ModelRecord]
) -> dict[int, list[str]]:
    """Where the versions in these records are kept, by their ids."""
    from autolog.keeping import kept_at

    ids = [each.id for record in records for each in record.snapshots if each.keeping == "kept"]
    return {snapshot_id: kept_at(files, settings) for snapshot_id, files in kept.files_of(ids).items()}


def shown(found: int, limit: int | None, *, is_table: bool) -> int:
    """How many of `found` to show; says on stderr how many that leaves out."""
    if limit is None:
        limit = _ON_A_TERMINAL if is_table else 0
    if limit == 0 or found <= limit:
        return found
    say(f"{found - limit} more; --limit 0 shows all {found}")
    return limit
