"""The process beside the training process: it reads, hashes, looks inside and records.

Thin at first: what it takes to read a file's bytes before they are overwritten is imported at once
(30 ms); the store is imported behind the first digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autolog.config import Settings

    from .replay import Settled

__all__ = ["main", "settle"]


def main() -> None:
    """The agent's whole life; its arguments and descriptors come from `autolog.capture.link`."""
    from .process import run

    run()


def settle(settings: Settings, wait: float = 10.0) -> Settled:
    """Bring what the spool still holds into the store; see `autolog.agent.replay.settle`."""
    from . import replay

    return replay.settle(settings, wait)
