"""What the agent is told by the process that starts it: where records and bytes go, with their passwords."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from autolog.events import Started

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.keeping import Destination

__all__ = ["Told"]


class Told(NamedTuple):
    """Where a run's records and bytes go: as in the settings."""

    store: str
    output_uri: str = ""
    content_store: str = ""
    waiting_limit: int = 50 << 30
    repack: bool = True

    @classmethod
    def of(cls, started: Started, text: str) -> Told:
        """What the starting process says, else what the spool says, where passwords are masked."""
        found: dict[str, Any] = json.loads(text) if text else {}
        told = cls(started.store, started.output_uri, started.content_store)
        return told._replace(**{key: value for key, value in found.items() if key in cls._fields})

    @classmethod
    def of_settings(cls, settings: Settings) -> Told:
        """What the settings of this process say."""
        return cls(
            settings.store,
            settings.output_uri,
            settings.content_store,
            settings.waiting_limit,
            settings.repack,
        )

    @classmethod
    def of_command(cls, started: Started, settings: Settings, store: str) -> Told:
        """What a command knows: a masked URL of the spool means the one in its own settings."""
        output_uri = settings.output_uri if "***" in started.output_uri else started.output_uri
        packs = settings.content_store if "***" in started.content_store else started.content_store
        return cls(store, output_uri, packs, settings.waiting_limit)

    def destination(self, home: str) -> Destination:
        """Where bytes go. Only if they go anywhere."""
        from autolog.keeping import destination_of

        found = destination_of(self.output_uri, self.content_store, home, self.store)
        assert found is not None  # output_uri says where
        return found
