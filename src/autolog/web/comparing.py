"""Models and versions beside each other: what is asked for, and the rows of the tables that compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from autolog.errors import Ambiguous, NotFound
from autolog.shown.words import iso
from autolog.store import (
    Extremes,
    ModelRecord,
    SnapshotRecord,
    extremes_of,
    model_at,
    model_with_newest,
    version_numbers,
)

from .site import Site

__all__ = [
    "MOST",
    "SECTIONS",
    "Comparison",
    "Group",
    "Row",
    "Scalar",
    "Side",
    "compared",
    "groups",
    "scalars",
]

#: More than that can't be looked at, nor be said in an address that every browser takes.
MOST = 100
#: Versions of a model that are offered in place of the one compared.
_VERSIONS = 100
SECTIONS = (
    ("details", "Details"),
    ("design", "Design"),
    ("scalars", "Scalars"),
    ("tensors", "Tensors"),
)


class Side(NamedTuple):
    """A version that is compared; `asked` is how it is named in an address: the newest one has no `:vN`.

    `numbers` are the versions that there are of the model, the newest first, a hundred at most.
    """

    model: ModelRecord
    snapshot: SnapshotRecord | None
    asked: str
    numbers: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """What a person calls it."""
        return f"{self.model.name} v{self.snapshot.version}" if self.snapshot else self.model.name


@dataclass(frozen=True)
class Comparison:
    """What an address asks for; `missing` are names that nothing goes by, each with why."""

    sides: tuple[Side, ...]
    base: int = 0
    missing: tuple[tuple[str, str], ...] = ()
    section: str = "details"
    hides_same: bool = False
    order: str = "name"
    is_forced: bool = False
    layout: str = "line"
    #: How the plots are looked at, as far as the address says so.
    look: tuple[tuple[str, str], ...] = ()

    def url(self, path: str = "", **changes: str | None) -> str:
        """The address with something else: `section`, `base` (as asked), `hide`, `order`, `go`, `layout`...

        `without` leaves a side out.
        """
        without = changes.get("without")
        asked = [each.asked for each in self.sides if each.asked != without]
        base = changes.get("base", self.sides[self.base].asked if self.sides else None)
        section = changes.get("section", self.section)
        hides = changes.get("hide", "1" if self.hides_same else None)
        order = changes.get("order", self.order)
        pairs = [("m", each) for each in asked]
        if base and base in asked[1:]:
            pairs.append(("base", base))
        if section and section != "details":
            pairs.append(("show", section))
        if hides:
            pairs.append(("hide", "1"))
        if section == "design" and changes.get("layout", self.layout) == "tree":
            pairs.append(("as", "tree"))
        if section == "scalars":
            pairs += self.look
        if section == "tensors":
            pairs += [("order", order)] if order and order != "name" else []
            pairs += [("go", "1")] if changes.get("go", "1" if self.is_forced else None) else []
        query = urlencode(pairs, quote_via=quote, safe=":,")
        return f"/compare{path}" + (f"?{query}" if query else "")

    @property
    def others(self) -> list[Side]:
        """All but the base."""
        return [each for number, each in enumerate(self.sides) if number != self.base]

    @property
    def in_order(self) -> list[Side]:
        """The base first."""
        return [self.sides[self.base], *self.others] if self.sides else []

    def version_urls(self, side: Side) -> list[tuple[int, str, bool]]:
        """Of each version of a side's model: its number, the address with it instead, whether it is meant."""
        chosen = side.snapshot.version if side.snapshot else None
        found = []
        for number in side.numbers:
            token = f"{side.model.id}:v{number}"
            if number != chosen and any(token == other.asked for other in self.sides):
                continue
            sides = tuple(s._replace(asked=token) if s is side else s for s in self.sides)
            moved = replace(self, sides=sides, missing=())
            found.append((number, moved.url(), number == chosen))
        return found


class Row(NamedTuple):
    """A fact of each side; `kind` says how a page shows the values."""

    name: str
    kind: str
    values: tuple[Any, ...]

    @property
    def is_same(self) -> bool:
        """Whether all sides have the same."""
        return all(each == self.values[0] for each in self.values)

    def differs(self, number: int) -> bool:
        """Whether a side has something else than the base, which is the first one."""
        return bool(self.values[number] != self.values[0])


class Group(NamedTuple):
    """Rows with a heading; those of which sides have only some are by name."""

    title: str
    rows: tuple[Row, ...]

    @property
    def same_count(self) -> int:
        """How many rows are the same on all sides."""
        return sum(each.is_same for each in self.rows)


def compared(site: Site, pairs: Iterable[tuple[str, str]]) -> Comparison:
    """What an address asks for: `m` for each side, `base`, `show`, `hide`, `order`, `as` and `go`."""
    asked: dict[str, None] = {}
    single: dict[str, str] = {}
    for key, value in pairs:
        if key == "m" and value.strip():
            asked.setdefault(value.strip())
        elif value:
            single.setdefault(key, value)
    sides: dict[str, Side] = {}
    missing: list[tuple[str, str]] = []
    numbers: dict[str, tuple[int, ...]] = {}
    for each in list(asked)[:MOST]:
        try:
            side = _side(site, each, numbers)
            sides.setdefault(side.asked, side)
        except (NotFound, Ambiguous) as error:
            missing.append((each, str(error)))
    missing += [(each, f"at most {MOST} are compared at once") for each in list(asked)[MOST:]]
    found = tuple(sides.values())
    wanted = single.get("base", "")
    base = next((n for n, each in enumerate(found) if wanted and wanted == each.asked), 0)
    section = single.get("show", "details")
    return Comparison(
        found,
        base,
        tuple(missing),
        section if section in dict(SECTIONS) else "details",
        single.get("hide") == "1",
        single.get("order", "name"),
        single.get("go") == "1",
        "tree" if single.get("as") == "tree" else "line",
        tuple((key, single[key]) for key in ("x", "y", "smooth", "strength") if key in single),
    )


def _side(site: Site, name: str, numbers: dict[str, tuple[int, ...]]) -> Side:
    store = site.store
    model_id, version = store.find_model(name)
    if model_id not in numbers:
        numbers[model_id] = tuple(version_numbers(store, model_id, limit=_VERSIONS))
    model = model_with_newest(store, model_id) if version is None else model_at(store, model_id, version)
    found = model.snapshots[0] if model.snapshots else None
    asked = model_id if version is None else f"{model_id}:v{version}"
    return Side(model, found, asked, numbers[model_id])


# -- facts ------------------------------------------------------------------------------------------------


def groups(sides: Sequence[Side]) -> list[Group]:
    """All facts of these sides, the first of which is the base."""
    models = [each.model for each in sides]
    snapshots = [each.snapshot for each in sides]

    def of_model(value: Callable[[ModelRecord], Any]) -> tuple[Any, ...]:
        return tuple(value(each) for each in models)

    def of_version(value: Callable[[SnapshotRecord], Any]) -> tuple[Any, ...]:
        return tuple(None if each is None else value(each) for each in snapshots)

    facts = Group(
        "Model",
        (
            Row("ID", "code", of_model(lambda each: each.id)),
            Row("Project", "text", of_model(lambda each: each.project)),
            Row("Framework", "text", of_model(lambda each: each.framework)),
            Row("Type", "text", of_model(lambda each: each.model_type)),
            Row("Status", "text", of_model(lambda each: each.status)),
            Row("Task", "task", of_model(lambda each: (each.task_id, each.task_name))),
            Row("Tags", "text", of_model(lambda each: ", ".join(each.tags))),
            Row("Description", "text", of_model(lambda each: each.comment)),
            Row("Updated", "time", of_model(lambda each: iso(each.updated))),
            Row("Versions", "number", of_model(lambda each: each.versions)),
        ),
    )
    version = Group(
        "Version",
        (
            Row("Version", "text", of_version(lambda each: f"v{each.version}")),
            Row("Saved", "time", of_version(lambda each: iso(each.created))),
            Row("State", "state", of_version(lambda each: each.standing)),
            Row("Iteration", "number", of_version(lambda each: each.iteration)),
            Row("Size", "size", of_version(lambda each: each.size)),
            Row("Digest", "code", of_version(lambda each: each.digest)),
            Row("Weights digest", "code", of_version(lambda each: each.weights_digest)),
            Row("Format", "text", of_version(lambda each: each.contents.format if each.contents else None)),
            Row(
                "Parameters",
                "number",
                of_version(lambda each: each.contents.parameters if each.contents else None),
            ),
            Row("URI", "code", of_version(lambda each: each.uri)),
        ),
    )
    metrics = _named("Metrics of the version", [each.metrics if each else {} for each in snapshots])
    labels = _named("Labels", [each.labels for each in models])
    metadata = _named("Metadata", [each.metadata for each in models])
    return [facts, version, *(each for each in (metrics, labels, metadata) if each.rows)]


def _named(title: str, mappings: Sequence[Any]) -> Group:
    names = sorted({name for each in mappings for name in each})
    rows = (Row(name, "plain", tuple(each.get(name) for each in mappings)) for name in names)
    return Group(title, tuple(rows))


# -- scalars ----------------------------------------------------------------------------------------------


class Scalar(NamedTuple):
    """A metric of a side: its last value and its extremes with their iterations; -1 is no iteration.

    Of very many points neither these nor their number are known. `is_line` if there is a line to draw.
    """

    last: float | None
    lowest: tuple[float, int | None] | None
    highest: tuple[float, int | None] | None
    points: int | None
    is_line: bool


class Scalars(NamedTuple):
    """A metric of all sides, None where there is none; `low` and `high` are the sides with its extremes."""

    name: str
    sides: tuple[Scalar | None, ...]
    low: int | None
    high: int | None


def scalars(site: Site, sides: Sequence[Side]) -> list[Scalars]:
    """The table of scalars of these sides. Raises StoreError."""
    ids = list(dict.fromkeys(each.model.id for each in sides))
    of = {(each.model_id, each.name): each for each in extremes_of(site.store, ids)}
    rows = []
    for name in sorted({name for _, name in of}):
        cells = tuple(_scalar(of.get((side.model.id, name))) for side in sides)
        lows = [(each.lowest[0], n) for n, each in enumerate(cells) if each and each.lowest]
        highs = [(each.highest[0], n) for n, each in enumerate(cells) if each and each.highest]
        # Of one model there is nothing to compare.
        is_told = len({sides[n].model.id for _, n in lows}) > 1
        low = min(lows)[1] if is_told and lows else None
        high = max(highs, key=lambda pair: pair[0])[1] if is_told and highs else None
        rows.append(Scalars(name, cells, low, high))
    return rows


def _scalar(found: Extremes | None) -> Scalar | None:
    if found is None:
        return None
    is_line = found.last.iteration >= 0 and found.size != 1
    return Scalar(found.last.value, found.lowest, found.highest, found.size, is_line)
