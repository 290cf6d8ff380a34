"""`autolog restore MODEL[:vN] [DEST]`: bring a version's bytes back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from autolog.errors import NotFound
from autolog.shown import plain as _json
from autolog.shown import words as _format

from ._names import find_version
from ._options import Options, output
from ._out import emit_json, progress, safe, say
from ._session import opened_kept

if TYPE_CHECKING:
    from autolog.keeping import Restored
    from autolog.store import ModelRecord, SnapshotRecord

__all__ = ["restore"]


@click.command()
@click.argument("model")
@click.argument("dest", required=False)
@click.option("--force", is_flag=True, help="Replace what is at DEST already.")
@output
@click.pass_obj
def restore(options: Options, /, model: str, dest: str | None, force: bool) -> None:
    """Write the bytes of MODEL back, verified; of MODEL:v3, of version 3.

    They come from where they were kept; if they were not, from its own path, if the file there is still the
    same. DEST is a path, or a folder to put it into; by default the file gets its own name in the current
    folder. A version of several files is a folder.
    """
    from autolog import keeping

    with opened_kept(options) as (store, kept, settings):
        model_id, version = find_version(store, model)
        record = store.model(model_id)
        chosen = _chosen(record, version)
        target = _target(dest, record, chosen)
        with progress(f"restoring v{chosen.version}", chosen.size) as told:
            done = keeping.restore(chosen, kept, settings, target, replace=force, told=told)
    if options.json:
        emit_json({"schema": _json.SCHEMA, **_to_json(record, chosen, done)})
        return
    say(f"v{chosen.version} of {record.name}: {_words(done)}")
    if done.left:
        say(f"{len(done.left)} other files were left in {done.path}: {', '.join(done.left[:3])}")


def _chosen(record: ModelRecord, version: int | None) -> SnapshotRecord:
    if not record.snapshots:
        raise NotFound(f"{record.name!r} has no versions")
    return next((each for each in record.snapshots if each.version == version), record.snapshots[-1])


def _target(dest: str | None, record: ModelRecord, chosen: SnapshotRecord) -> str:
    from autolog.keeping import files_of, layout_of

    own = layout_of(chosen.uri, [name for name, _, _ in files_of(chosen)]).own_name
    own = own or safe(record.name).replace("/", "_")
    if dest is None:
        return own
    return os.path.join(dest, own) if dest.endswith("/") or os.path.isdir(dest) else dest


def _words(done: Restored) -> str:
    what = _format.size(done.size) + (f" in {done.files} files" if done.files > 1 else "")
    source = {
        "kept": "",
        "kept elsewhere": ", kept for another version with the same bytes",
        "own path": f", copied from {done.place}: its bytes were not kept",
    }
    return f"{what}, verified, in {done.path}{source[done.source]}"


def _to_json(record: ModelRecord, chosen: SnapshotRecord, done: Restored) -> dict[str, Any]:
    return {
        "model_id": record.id,
        "name": record.name,
        "version": chosen.version,
        "digest": chosen.digest,
        "path": done.path,
        "file_count": done.files,
        "size": done.size,
        "source": done.source,
    }
