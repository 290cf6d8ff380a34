"""The versions of a model: what each is, where its bytes are, and those bytes as downloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autolog import keeping
from autolog.errors import NotFound
from autolog.shown import plain
from autolog.store import (
    ModelRecord,
    SnapshotRecord,
    metrics_at,
    model_at,
    page_of_versions,
    sizes_of,
    version_numbers,
)

from ..downloading import Member, download, safe_name, zipped, zipped_size
from ..export import as_json, csv_file
from ..growth import growth_of
from ..having import having, may_have_bytes, missing, why_not
from ..site import Site, site_of
from ..usage import command
from ..view import whole
from .tabs import tab_page

__all__ = ["ROUTES"]

#: Versions on a page, and metrics that have a column of their own.
_ROWS, _METRICS = 100, 4


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is shown: `metrics` are those of its iteration, too; `restore` brings it back.

    `why_not` says why its bytes can't be downloaded.
    """

    record: SnapshotRecord
    metrics: Mapping[str, Any]
    aliases: Sequence[str]
    kept_at: Sequence[str]
    can_download: bool
    why_not: str
    restore: str


def snapshots(request: Request) -> Response:
    """The page: a table of versions, the newest first, and one of them in full below it."""
    site = site_of(request)
    page = max(_number(request, "page") or 1, 1)
    start = (page - 1) * _ROWS
    model = page_of_versions(site.store, request.path_params["model_id"], start, _ROWS)
    wanted = _number(request, "version")
    chosen = before = None
    if model.versions or wanted is not None:
        is_newest = wanted is None and page == 1
        there = (each for each in model.snapshots[::-1] if is_newest or each.version == wanted)
        chosen = next(there, None) or model_at(site.store, model.id, wanted).snapshots[0]
        before = next(iter(version_numbers(site.store, model.id, before=chosen.version, limit=1)), None)
    rows = _versions(site, model, model.snapshots[::-1], looks=True)
    own = next((each for each in rows if each.record is chosen), None)
    if own is None and chosen is not None:
        (own,) = _versions(site, model, [chosen], looks=True)
    values = {
        "rows": rows,
        "metric_names": _metric_names(rows)[:_METRICS],
        "chosen": own,
        "files": keeping.files_of(chosen) if chosen is not None else [],
        "growth": growth_of(sizes_of(site.store, model.id)),
        "before": before,
        "page_number": page,
        "has_more": start + _ROWS < model.versions,
    }
    return tab_page(request, "model_snapshots.html", "model-snapshots", model, values)


def snapshots_json(request: Request) -> Response:
    """All versions as JSON, oldest first."""
    site = site_of(request)
    model = site.store.model(request.path_params["model_id"])
    answer = {
        "schema": plain.SCHEMA,
        "id": model.id,
        "name": model.name,
        "aliases": dict(model.aliases),
        "snapshots": [
            {**plain.snapshot(each.record, kept_at=each.kept_at), "metrics": dict(each.metrics)}
            for each in _versions(site, model, model.snapshots)
        ],
    }
    return Response(as_json(answer), media_type="application/json")


def snapshots_csv(request: Request) -> Response:
    """All versions as CSV, oldest first, each metric a column."""
    site = site_of(request)
    model = site.store.model(request.path_params["model_id"])
    rows = _versions(site, model, model.snapshots)
    names = _metric_names(rows)
    heads = ["version", "created", "iteration", "size", "stored", "digest", "state", "aliases", "uri"]

    def cells() -> Iterator[list[Any]]:
        yield [*heads, *(f"metric.{name}" for name in names)]
        for each in rows:
            told = plain.snapshot(each.record)
            own = {**told, "aliases": " ".join(each.aliases)}
            yield [*(own[head] for head in heads), *(each.metrics.get(name) for name in names)]

    return csv_file(cells(), "snapshots.csv")


def newest_download(request: Request) -> Response:
    """To the bytes of the newest version that has any."""
    site = site_of(request)
    model = site.store.head(request.path_params["model_id"])
    found = having(site, model.id)
    if found.version is None:
        raise NotFound(found.why)
    address = request.app.url_path_for("version-download", model_id=model.id, version=found.version)
    return RedirectResponse(str(address), 303)


def download_json(request: Request) -> Response:
    """Which version that would be as `version`, or none and `why`: what a row's menu asks when it opens."""
    site = site_of(request)
    model = site.store.head(request.path_params["model_id"])
    found = having(site, model.id)
    answer = {"schema": plain.SCHEMA, "id": model.id, "version": found.version, "why": found.why}
    return Response(as_json(answer), media_type="application/json")


def version_download(request: Request) -> Response:
    """The bytes of a version: its file, or a zip of its files. They are verified while they are read."""
    site = site_of(request)
    model = model_at(site.store, request.path_params["model_id"], request.path_params["version"])
    (snapshot,) = model.snapshots
    found = keeping.streams(snapshot, site.kept, site.settings)
    own = keeping.layout_of(snapshot.uri, [each.name for each in found])
    # Of several files it is their folder in a zip.
    name = safe_name(own.own_name or model.name)
    is_head = request.method == "HEAD"
    if own.is_single:
        return download(found[0].open(), name, found[0].size, is_head=is_head)
    members = [Member(own.at(name, each.name), each.size, each.open) for each in found]
    return download(zipped(members), f"{name}.v{snapshot.version}.zip", zipped_size(members), is_head=is_head)


def part_download(request: Request) -> Response:
    """One of several files of a version, by its place in their list."""
    site = site_of(request)
    model = model_at(site.store, request.path_params["model_id"], request.path_params["version"])
    (snapshot,) = model.snapshots
    files = keeping.files_of(snapshot)
    number = request.path_params["number"]
    if number >= len(files):
        raise NotFound(f"v{snapshot.version} has {len(files)} files")
    found = {each.name: each for each in keeping.streams(snapshot, site.kept, site.settings)}
    wanted = found.get(files[number][0])
    if wanted is None:
        raise NotFound(f"that file of v{snapshot.version} isn't kept")
    layout = keeping.layout_of(snapshot.uri, [each[0] for each in files])
    path = layout.at(layout.own_name or model.name, wanted.name)
    is_head = request.method == "HEAD"
    return download(wanted.open(), path.rsplit("/", 1)[-1], wanted.size, is_head=is_head)


def _number(request: Request, name: str) -> int | None:
    return whole(request.query_params.get(name, "").removeprefix("v"))


def _versions(
    site: Site, model: ModelRecord, chosen: Sequence[SnapshotRecord], *, looks: bool = False
) -> list[Version]:
    """What is known of some versions; `looks` for whether a file still is where the records say.

    There may be thousands of files, on a disk that is far: it is only looked for those that are shown.
    """
    reported = metrics_at(
        site.store, model.id, {each.iteration for each in chosen if each.iteration is not None}
    )
    kept = site.kept.files_of(each.id for each in chosen)
    why = {each.version: _why_not(site, each, looks=looks) for each in chosen}
    unkept = {each.digest for each in chosen if each.digest and why[each.version]}
    alike = {each.digest for each in site.kept.files_like(unkept)}
    found = []
    for each in chosen:
        at_it = {} if each.iteration is None else reported.get(each.iteration, {})
        metrics = {**at_it, **each.metrics}
        found.append(
            Version(
                each,
                dict(sorted(metrics.items(), key=lambda pair: _rank(pair[0]))),
                sorted(name for name, version in model.aliases.items() if version == each.version),
                keeping.kept_at(kept.get(each.id, ()), site.settings),
                has_bytes := not why[each.version] or each.digest in alike,
                "" if has_bytes else why[each.version],
                command(site, "restore", f"{model.id}:v{each.version}"),
            )
        )
    return found


def _why_not(site: Site, snapshot: SnapshotRecord, *, looks: bool) -> str:
    """Why there are no bytes of its own to be had; empty if there are."""
    if not may_have_bytes(snapshot):
        return why_not(snapshot)
    return missing(site, snapshot) if looks else ""


def _metric_names(rows: Sequence[Version]) -> list[str]:
    """The metrics of some versions: what a model is judged by first, then those that most have."""
    counts: dict[str, int] = {}
    for each in rows:
        for name in each.metrics:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (_rank(name)[0], -counts[name], name))


def _rank(name: str) -> tuple[bool, str]:
    return not name.lower().startswith(("val", "eval", "test", "best")), name


def files_csv(request: Request) -> Response:
    """The files of a version as CSV."""
    model = model_at(site_of(request).store, request.path_params["model_id"], request.path_params["version"])
    files = keeping.files_of(model.snapshots[0])
    return csv_file(iter([["path", "size", "digest"], *(list(each) for each in files)]), "files.csv")


ROUTES = (
    Route("/models/{model_id}/snapshots", snapshots, name="model-snapshots"),
    Route("/models/{model_id}/snapshots.json", snapshots_json, name="model-snapshots-json"),
    Route("/models/{model_id}/snapshots.csv", snapshots_csv, name="model-snapshots-csv"),
    Route("/models/{model_id}/download", newest_download, name="model-download"),
    Route("/models/{model_id}/download.json", download_json, name="model-download-json"),
    Route("/models/{model_id}/v{version:int}/file", version_download, name="version-download"),
    Route("/models/{model_id}/v{version:int}/files.csv", files_csv, name="version-files-csv"),
    Route("/models/{model_id}/v{version:int}/files/{number:int}", part_download, name="part-download"),
)
