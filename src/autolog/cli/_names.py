"""What a name on the command line stands for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autolog.errors import Ambiguous, NotFound

from ._out import say

if TYPE_CHECKING:
    from autolog.store import Store

__all__ = ["Named", "find", "find_version"]

#: `("model" or "task", id, version or None)`
Named = tuple[str, str, "int | None"]

_VERSIONED = re.compile(r":v\d+$")


def find(store: Store, name: str) -> Named:
    """The model or task with this name; `model:NAME` and `task:NAME` say which is meant.

    Where several records share the name the newest is taken, and stderr says so. Raises NotFound,
    and Ambiguous where a model and a task are meant alike, or several ids begin so.
    """
    kind, _, rest = name.partition(":")
    if kind == "model" and rest:
        return _model(store, rest)
    if kind == "task" and rest:
        return _task(store, rest)
    found: list[Named] = []
    problems: list[NotFound | Ambiguous] = []
    for search in (_model, _task):
        try:
            found.append(search(store, name, quiet=True))
        except (NotFound, Ambiguous) as error:
            problems.append(error)
    # What is called so comes before what has an id that happens to begin so.
    called = [each for each in found if not name.startswith(each[1]) and not each[1].startswith(name)]
    if len(called) == 1:
        found = called
    unclear = [each for each in problems if isinstance(each, Ambiguous)]
    if unclear and not called:
        raise unclear[0]
    if len(found) == 2:
        raise Ambiguous(
            f"{name!r} is a model ({found[0][1][:8]}) and a task ({found[1][1][:8]}); write model:{name} or"
            f" task:{name}",
            tuple(each[1] for each in found),
        )
    if not found:
        if _VERSIONED.search(name) or "@" in name:
            raise problems[0]  # it says whether the model or its version is missing
        raise NotFound(
            f"no model or task is called {name!r}; list them with `autolog models` and `autolog tasks`"
        )
    return (_model if found[0][0] == "model" else _task)(store, name)


def find_version(store: Store, name: str, *, changes: bool = False) -> tuple[str, int | None]:
    """`(model id, version or None)` of the model with this name, also written `model:NAME`.

    Where several share the name, the newest is taken and stderr says so; a command that `changes` something
    refuses. Raises NotFound and Ambiguous.
    """
    kind, _, rest = name.partition(":")
    wanted = rest if kind == "model" and rest else name
    _, model_id, version = _model(store, wanted, quiet=changes)
    if changes:
        _refuse_unclear(store, wanted, model_id, version)
    return model_id, version


def _refuse_unclear(store: Store, wanted: str, model_id: str, version: int | None) -> None:
    from autolog.store import bare_name

    bare = bare_name(wanted, version)
    if bare == model_id:
        return
    called = store.alike(wanted, model_id, version)
    begun = [each for each in store.beginning(bare) if each not in called]
    if len(called) + len(begun) == 1:
        return
    shown = ", ".join(each[:12] for each in (*called, *begun)[:5])
    what = f"{len(called)} models are called {bare!r}"
    if begun:
        what = f"{bare!r} is the name of a model and the beginning of another's id"
    raise Ambiguous(f"{what}: {shown}; write more of the id instead", (*called, *begun))


def _model(store: Store, name: str, quiet: bool = False) -> Named:
    model_id, version = store.find_model(name)
    if not quiet:
        from autolog.store import bare_name

        _tell("model", bare_name(name, version), model_id, store.alike(name, model_id, version))
    return "model", model_id, version


def _task(store: Store, name: str, quiet: bool = False) -> Named:
    task_id = store.find_task(name)
    if not quiet and not task_id.startswith(name):
        _tell("task", name, task_id, [each.id for each in store.tasks() if each.name == name])
    return "task", task_id, None


def _tell(kind: str, name: str, chosen: str, alike: list[str]) -> None:
    others = [each[:8] for each in alike if each != chosen]
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        say(
            f"{len(others) + 1} {kind}s are called {name!r}; this is the newest, {chosen[:8]}"
            f" (others: {', '.join(others[:5])}{more})"
        )
