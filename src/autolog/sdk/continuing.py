"""Which earlier task goes on."""

from __future__ import annotations

import os
from collections.abc import Callable

from autolog import _guard, config
from autolog.errors import AutologError

__all__ = ["earlier_task"]


def earlier_task(
    which: bool | str | int, project: str | None, task: str | None
) -> Callable[[config.Settings], str]:
    """What finds the task that goes on, in the store of the settings: the last of that name, or by its id.

    Where there is none a new one begins, and one line says so.
    """

    def find(settings: config.Settings) -> str:
        from autolog.capture.code import script_name
        from autolog.store import search_tasks

        from ._records import records_of

        found = records_of(settings)
        try:
            if isinstance(which, str):
                return found.store.find_task(which)
            names = project or settings.project or os.path.basename(os.getcwd()), task or settings.task
            tasks = search_tasks(found.store, archived=None)
            name = names[1] or script_name()
            return next((each.id for each in tasks if (each.project, each.name) == (names[0], name)), "")
        except AutologError as error:
            _guard.complain(f"no earlier task goes on ({error}); a new one begins")
            return ""

    return find
