"""How a run ended, told by what its processes left behind."""

from __future__ import annotations

import os
import time

from .journals import Journals, ProcessJournal

__all__ = ["outcome"]

_WORST_FIRST = ("failed", "killed", "stopped", "completed")


def outcome(journals: Journals) -> tuple[str, str, float] | None:
    """`(status, reason, when)`, or None while a process of the run that counts still lives."""
    found: list[tuple[str, str, float]] = []
    for journal in journals.principals:
        if journal.finished is not None:
            found.append((journal.finished.status, journal.finished.reason, journal.finished.time))
        elif journal.is_alive:
            return None
        else:
            found.append(_silent_end(journals.folder, journal))
    if not found:
        return "killed", "it left nothing behind", time.time()
    status, reason, _ = min(found, key=lambda each: _WORST_FIRST.index(each[0]))
    return status, reason, max(when for _, _, when in found)


def _silent_end(folder: str, journal: ProcessJournal) -> tuple[str, str, float]:
    """A process that ended without a word: by a signal that was noted, or one that can't be."""
    try:
        last = os.path.getmtime(journal.path)
    except OSError:
        last = time.time()
    pid = journal.opened.pid if journal.opened is not None else 0
    for name in sorted(os.listdir(folder)):
        if name.startswith(f"signal-{pid}.") and os.path.getsize(os.path.join(folder, name)):
            return "stopped", name.partition(".")[2], max(last, os.path.getmtime(os.path.join(folder, name)))
    return "killed", "it ended without a word: killed by a signal, out of memory, a crash, or os._exit", last
