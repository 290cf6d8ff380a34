"""`autolog doctor`: does everything work here, and if not, what to do."""

from __future__ import annotations

from typing import Any

import click

from autolog.events import NOT_IMPORTED
from autolog.shown import plain as _json
from autolog.shown import words as _format

from . import EXITS
from ._options import Options, output
from ._out import emit, emit_json, safe
from ._settings import worded
from ._tables import Column, show_facts, show_table, show_title

__all__ = ["doctor"]


@click.command()
@output
@click.pass_obj
@click.pass_context
def doctor(context: click.Context, options: Options, /) -> None:
    """Examine settings, store, spool and hooks; exits with 9 if something is broken."""
    from ._checks import examine

    found = examine(options.home, options.store)
    if options.json:
        answer = {"schema": _json.SCHEMA, "healthy": not found.problems}
        emit_json({**answer, "problems": found.problems, "notes": found.notes, **found.data})
    else:
        _show(found.data)
        for note in found.notes:
            emit(f"\nnote: {safe(note)}")
        for problem in found.problems:
            emit(f"\nbroken: {safe(problem['what'])}\n  fix: {safe(problem['fix'])}")
        if not found.problems:
            emit("\nEverything works.")
    context.exit(EXITS["failure"] if found.problems else EXITS["fine"])


def _show(data: dict[str, Any]) -> None:
    python = data["python"]
    facts = [
        ("autolog", data["autolog"]),
        ("python", f"{python['version']} ({python['executable']})"),
        ("platform", python["platform"]),
    ]
    home = data.get("home")
    if home is not None:
        state = "writable" if home["writable"] else "NOT WRITABLE"
        made = "" if home["exists"] else ", not made yet"
        facts.append(("home", f"{home['path']} ({state}, {_format.size(home['free'])} free{made})"))
    show_facts([*facts, *_store_facts(data)])
    if data.get("kept") is not None:
        show_title("Bytes")
        show_facts(_kept_facts(data["kept"]))
    if data["settings"]:
        show_title("Settings")
        show_table(
            (Column("NAME"), Column("VALUE", whole=False), Column("FROM", whole=False)),
            [[name, worded(each["value"]), each["source"]] for name, each in data["settings"].items()],
        )
    show_title("Hooks" + (f", and how they fared in {_task(data)}" if data["last_task"] else ""))
    _show_hooks(data["hooks"])
    if data["faults"]:
        show_title("Faults of autolog")
        show_table(
            (Column("WHEN"), Column("TASK"), Column("COULD NOT"), Column("BECAUSE", whole=False)),
            [[each["time"], each["task"][:8], each["where"], each["error"]] for each in data["faults"]],
        )
    if data.get("log"):
        show_title(f"The end of {data['home']['path']}/agent.log")
        emit("\n".join(f"  {safe(line)}" for line in data["log"]))


def _store_facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    store, spool = data["store"], data["spool"]
    if store is None:
        return []
    state = store["status"]
    if store["counts"]:
        counts = store["counts"]
        state = f"open, schema {store['schema']}, {counts['tasks']} tasks, {counts['models']} models,"
        state += f" {counts['snapshots']} snapshots"
    waiting = ", ".join(each[:8] for each in spool["folders"])
    return [
        ("store", f"{store['url']} ({state})"),
        ("spool", f"{spool['pending']} events not in the store" + (f"; tasks {waiting}" if waiting else "")),
    ]


def _kept_facts(kept: dict[str, Any]) -> list[tuple[str, str]]:
    destination, waiting = kept["destination"], kept["waiting"]
    where = "nowhere but at their own paths (output_uri is not set)"
    if destination is not None:
        state = "writable" if destination["writable"] else "NOT WRITABLE"
        kind = "content store" if destination["packed"] else "plain files"
        where = f"{destination['place']} ({kind}, {state})"
    facts = [("kept", where)]
    for each in kept["places"]:
        state = "" if each["problem"] is None else f", NOT REACHED: {each['problem']}"
        facts.append(("held", f"{_format.size(each['held'])} in {each['place']}{state}"))
    if waiting["versions"] or waiting["size"]:
        why = f": {waiting['reason']}" if waiting["reason"] else ""
        facts.append(("waiting", f"{waiting['versions']} versions, {_format.size(waiting['size'])}{why}"))
    return facts


def _show_hooks(hooks: list[dict[str, Any]]) -> None:
    columns = (
        Column("HOOK"),
        Column("FRAMEWORK"),
        Column("SUPPORTS"),
        Column("INSTALLED"),
        Column("RESULT", whole=False),
    )
    rows = []
    for hook in hooks:
        installed = ", ".join(_package(each, hook["supports"]) for each in hook["installed"])
        rows.append([hook["key"], hook["framework"], hook["supports"], installed, hook["result"]])
        # Only what went wrong is told function by function; all of them are in the JSON.
        for target, result in hook["targets"].items():
            if result not in (None, "applied") and not result.endswith(NOT_IMPORTED):
                rows.append(["", "", "", "", f"{target}: {result}"])
    show_table(columns, rows)


def _package(package: dict[str, Any], supports: str) -> str:
    if package["version"] is None:
        return "no"
    name = "" if package["name"] in supports else f"{package['name']} "
    return f"{name}{package['version']}" + ("" if package["within"] is not False else " (not supported)")


def _task(data: dict[str, Any]) -> str:
    task = data["last_task"]
    return f"the latest task, {task['name']} ({task['id'][:8]}, {task['status']})"
