"""Two or more models or versions beside each other: facts, designs, scalars, tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.errors import NotFound
from autolog.shown import plain
from autolog.shown.aligning import Line, aligned, laid_out
from autolog.shown.differing import unified
from autolog.shown.trees import Branch, flat, grown, merged
from autolog.shown.words import iso
from autolog.store import lines_of

from ..comparing import SECTIONS, Comparison, compared, groups, scalars
from ..design_tree import shown_of
from ..export import as_json, csv_file
from ..looks import CHOICES, looked
from ..site import Site, site_of
from ..tensor_changes import ORDERS, Against, changes_of, rows_of
from ..usage import command
from .scalars import began_of, lines_json

__all__ = ["ROUTES"]

#: Rows of tensors, and lines of designs, that a page shows; the other forms have all.
_SHOWN = 1_000
_LINES = 4_000
#: Lines of a design that are compared, and of all designs together.
_MOST_LINES, _ALL_LINES = 50_000, 400_000
#: Points of a line; a screen is hardly wider.
_POINTS = 2_000
#: Plots that a page has room for.
_PLOTS = 100
#: So many lines on both sides of a difference are shown where what is the same is hidden.
_AROUND = 2


def page(request: Request) -> Response:
    """The page, one section of it."""
    site = site_of(request)
    found = compared(site, request.query_params.multi_items())
    if found.missing and not found.sides:
        raise NotFound(found.missing[0][1])
    values: dict[str, Any] = {"found": found, "sides": found.in_order, "sections": SECTIONS}
    if len(found.sides) > 1:
        values |= _SECTION[found.section](site, found)
    return site.page(request, "compare.html", values)


def _details(site: Site, found: Comparison) -> dict[str, Any]:
    return {"groups": groups(found.in_order)}


def _design(site: Site, found: Comparison) -> dict[str, Any]:
    if found.layout == "tree":
        tree = _tree(found)
        twig = shown_of(tree, hides_same=found.hides_same)
        has_design = any(each is not None for each in tree.values)
        return {"has_design": has_design, "twig": twig, "difference_count": tree.differences}
    lines = _lines(found)
    every = _blocks(lines, hides_same=False)
    blocks, room = [], _LINES
    for block in _blocks(lines, hides_same=True) if found.hides_same else every:
        if room > 0:
            blocks.append((block[0], block[1][:room], block[2]))
        room -= len(block[1])
    return {
        "has_design": any(each.model.design for each in found.in_order),
        "blocks": blocks,
        "difference_count": sum(1 for is_same, _, _ in every if not is_same),
        "cut": max(0, -room),
    }


def _lines(found: Comparison) -> list[Line]:
    """The designs beside each other, the base first; of very many sides less of each."""
    most = min(_MOST_LINES, _ALL_LINES // max(1, len(found.sides)))
    designs = [laid_out(each.model.design, most) for each in found.in_order]
    return aligned(designs[0], designs[1:])


def _tree(found: Comparison) -> Branch:
    # Versions of one model have one design.
    trees = {each.model.id: grown(each.model.design) for each in found.sides}
    return merged([trees[each.model.id] for each in found.in_order])


def _blocks(lines: list[Line], *, hides_same: bool) -> list[tuple[bool, list[Line], int]]:
    """Stretches of lines that are the same everywhere, and of others; the number is of hidden ones."""
    found: list[tuple[bool, list[Line], int]] = []
    for line in lines:
        if not found or found[-1][0] != line.is_same:
            found.append((line.is_same, [], 0))
        found[-1][1].append(line)
    if not hides_same:
        return found
    shorter: list[tuple[bool, list[Line], int]] = []
    for number, (is_same, listed, _) in enumerate(found):
        before = _AROUND if number > 0 else 0
        after = _AROUND if number < len(found) - 1 else 0
        if is_same and len(listed) > before + after + 1:
            shorter.append((True, listed[:before], 0))
            shorter.append((True, [], len(listed) - before - after))
            shorter.append((True, listed[len(listed) - after :], 0))
        else:
            shorter.append((is_same, listed, 0))
    return [each for each in shorter if each[1] or each[2]]


def _scalars(site: Site, found: Comparison) -> dict[str, Any]:
    rows = scalars(site, found.in_order)
    plotted = [row.name for row in rows if any(each is not None and each.is_line for each in row.sides)]
    lines_url = found.url("/scalars.json")
    return {
        "scalars": rows,
        "plotted": [(name, f"{lines_url}&{urlencode({'name': name})}") for name in plotted[:_PLOTS]],
        "plots_left": max(0, len(plotted) - _PLOTS),
        "models": list({each.model.id: each.model for each in found.in_order}.values()),
        "chosen": looked(dict(found.look)),
        "choices": CHOICES,
    }


def _tensors(site: Site, found: Comparison) -> dict[str, Any]:
    base, against = _against(site, found)
    rows = rows_of(site, base, against, found.order)
    shown = [each for each in rows if not (found.hides_same and each.is_same)]
    return {
        "against": against,
        "tensors": shown[:_SHOWN],
        "left": max(0, len(shown) - _SHOWN),
        "total": len(rows),
        "same_count": sum(each.is_same for each in rows),
        "orders": ORDERS,
        "commands": [_command(site, found, each) for each in against if each.is_too_much],
    }


def _against(site: Site, found: Comparison) -> tuple[Any, list[Against]]:
    base = found.sides[found.base]
    return base, [changes_of(site, base, each, wanted=found.is_forced) for each in found.others]


def _command(site: Site, found: Comparison, each: Against) -> str:
    return command(site, "diff", found.sides[found.base].asked, each.side.asked)


_SECTION = {"details": _details, "design": _design, "scalars": _scalars, "tensors": _tensors}


def page_json(request: Request) -> Response:
    """All of it as JSON; the tensors only where they are what is shown (`show=tensors`)."""
    site = site_of(request)
    found = compared(site, request.query_params.multi_items())
    if found.missing:
        raise NotFound(found.missing[0][1])
    sides = found.in_order
    answer: dict[str, Any] = {"schema": plain.SCHEMA, "sides": [_plain_side(each) for each in sides]}
    if sides:
        answer["groups"] = {
            group.title: {row.name: list(row.values) for row in group.rows} for group in groups(sides)
        }
        answer["designs"] = [_unified(sides[0].model.design, each.model.design) for each in sides[1:]]
        rows = scalars(site, sides)
        answer["scalars"] = {
            row.name: [None if each is None else _plain_scalar(each) for each in row.sides] for row in rows
        }
    if sides and found.section == "design" and found.layout == "tree":
        answer["tree"] = [
            {"path": path, "values": list(branch.values), "same": branch.is_same}
            for path, branch in flat(_tree(found), lambda each: not (found.hides_same and each.is_same))
        ]
    if sides and found.section == "tensors":
        _, against = _against(site, found)
        answer["tensors"] = [
            {
                "problem": each.problem,
                "unread": each.waits,
                "identical": each.is_identical,
                "changes": [plain.change(change) for change in each.changes],
            }
            for each in against
        ]
    return Response(as_json(answer), media_type="application/json")


def page_csv(request: Request) -> Response:
    """The table that is shown, as CSV."""
    site = site_of(request)
    found = compared(site, request.query_params.multi_items())
    if found.missing:
        raise NotFound(found.missing[0][1])
    if not found.sides:
        raise NotFound("say what is to be compared: /compare.csv?m=ID&m=ID")
    return csv_file(_CSV[found.section](site, found), f"compare-{found.section}.csv")


def _details_csv(site: Site, found: Comparison) -> Iterator[list[Any]]:
    yield ["group", "name", *(each.label for each in found.in_order)]
    for group in groups(found.in_order):
        for row in group.rows:
            yield [group.title, row.name, *(_text(each) for each in row.values)]


def _design_csv(site: Site, found: Comparison) -> Iterator[list[Any]]:
    if found.layout == "tree":
        yield ["path", *(word for each in found.in_order for word in (each.label, "kind"))]
        for path, branch in flat(_tree(found)):
            cells = ((value, branch.kind(n)) for n, value in enumerate(branch.values))
            yield [path, *(word for cell in cells for word in cell)]
        return
    yield [word for each in found.in_order for word in (each.label, "kind")]
    for line in _lines(found):
        yield [word for cell in line.cells for word in (cell.text, cell.kind)]


def _scalars_csv(site: Site, found: Comparison) -> Iterator[list[Any]]:
    yield ["metric", "model", "last", "min", "min_iteration", "max", "max_iteration", "points"]
    rows = scalars(site, found.in_order)
    for row in rows:
        for side, each in zip(found.in_order, row.sides, strict=True):
            if each is not None:
                low, high = each.lowest or (None, None), each.highest or (None, None)
                yield [row.name, side.label, each.last, *low, *high, each.points]


def _tensors_csv(site: Site, found: Comparison) -> Iterator[list[Any]]:
    yield [
        "tensor",
        "version",
        "kind",
        "old_shape",
        "shape",
        "norm",
        "relative",
        "largest",
        "share",
        "nonfinite",
    ]
    base, against = _against(site, found)
    for row in rows_of(site, base, against, found.order):
        old = None if row.shape is None else "x".join(map(str, row.shape))
        for each, cell in zip(against, row.cells, strict=True):
            new = None if cell.shape is None else "x".join(map(str, cell.shape))
            numbers = [cell.norm, cell.relative, cell.largest, cell.share, cell.nonfinite]
            yield [row.name, each.side.label, cell.kind, old, new, *numbers]


_CSV = {"details": _details_csv, "design": _design_csv, "scalars": _scalars_csv, "tensors": _tensors_csv}


def plots_json(request: Request) -> Response:
    """Lines of each metric, or of those with a `name`, as for one model; of many points some are left out."""
    site = site_of(request)
    found = compared(site, request.query_params.multi_items())
    models = list({each.model.id: each.model for each in found.in_order}.values())
    names = request.query_params.getlist("name")
    lines = lines_of(site.store, [each.id for each in models], names or None, _POINTS)
    answer = {
        "schema": plain.SCHEMA,
        "models": [{"id": each.id, "name": each.name, "began": iso(began_of(site, each))} for each in models],
        # Of several models the versions would stand over each other.
        "versions": [],
        **lines_json(lines),
    }
    return Response(as_json(answer), media_type="application/json")


def _plain_side(side: Any) -> dict[str, Any]:
    return {
        "m": side.asked,
        "model_id": side.model.id,
        "name": side.model.name,
        "version": None if side.snapshot is None else side.snapshot.version,
        "digest": None if side.snapshot is None else side.snapshot.digest,
    }


def _plain_scalar(each: Any) -> dict[str, Any]:
    return {"last": each.last, "lowest": each.lowest, "highest": each.highest, "points": each.points}


def _unified(old: str | None, new: str | None) -> list[str]:
    found = list(unified(laid_out(old), laid_out(new)))
    return ["--- base", "+++ other", *found] if found else []


def _text(value: Any) -> Any:
    return (value[1] or value[0]) if isinstance(value, tuple) else value


ROUTES = (
    Route("/compare", page, name="compare"),
    Route("/compare.json", page_json, name="compare-json"),
    Route("/compare.csv", page_csv, name="compare-csv"),
    Route("/compare/scalars.json", plots_json, name="compare-scalars-json"),
)
