"""Where a model comes from and where it went: a walk over tasks and the models they loaded and made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autolog.shown import words as _format

if TYPE_CHECKING:
    from autolog.store import InputRecord, Lineage, LineageModel, Store

__all__ = ["Node", "draw", "to_json", "walk"]

#: Tasks in a row that are followed; far beyond any real chain of fine-tuning.
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Node:
    """One model or task in the tree. `words` says in which role it stands there.

    `cut` says why the walk doesn't go on here although it could: `shown above` (each task is followed
    once, which also ends a cycle) or `too deep`.
    """

    kind: str
    id: str
    name: str
    words: str
    facts: dict[str, Any]
    nodes: tuple[Node, ...] = ()
    cut: str | None = None


def walk(store: Store, model_id: str, version: int | None = None) -> tuple[Node, Node]:
    """The trees up (to the first task) and down (to the last) from one model, or one version of it."""
    from autolog.store import lineage_of

    around = lineage_of(store, model_id=model_id, limit=None)
    record = around.models[model_id]
    facts = _facts(record)
    if version is not None and version != record.newest:
        snapshots = store.model(model_id).snapshots
        digest = next((each.digest for each in snapshots if each.version == version), None)
        facts |= {"version": version, "digest": digest}
    up = _Walk(around).up(record, facts, "model")
    down = _Walk(around).down(record, facts, "model", version)
    return up, down


class _Walk:
    """One walk; it remembers which tasks it has been to."""

    def __init__(self, around: Lineage) -> None:
        self._around = around
        self._seen: set[str] = set()

    def up(self, record: LineageModel, facts: dict[str, Any], words: str, depth: int = 0) -> Node:
        """This model, the task that made it, and what that task loaded."""
        if record.task_id is None:
            return Node("model", record.id, record.name, words, facts)
        task = self._around.tasks[record.task_id]
        cut = self._cut(task.id, depth)
        loads = () if cut else self._around.loads_by(task.id)
        nodes = tuple(self._input(each, depth) for each in loads)
        about = {"project": task.project, "status": task.status}
        maker = Node("task", task.id, task.name, "made by task", about, nodes, cut)
        return Node("model", record.id, record.name, words, facts, (maker,))

    def _input(self, given: InputRecord, depth: int) -> Node:
        record = self._around.models[given.model_id]
        facts = {**_facts(record), "version": given.version, "digest": given.digest, "own": given.own}
        facts["also_made_by"] = list(given.also_made_by)
        if given.own:
            # The task made it itself: following it would come back here.
            return Node("model", record.id, record.name, f"its own {given.name}, loaded back", facts)
        return self.up(record, facts, f"input {given.name}", depth + 1)

    def down(
        self,
        record: LineageModel,
        facts: dict[str, Any],
        words: str,
        version: int | None = None,
        depth: int = 0,
    ) -> Node:
        """This model, the tasks that loaded it (or its `version`), and what those made."""
        nodes = []
        for given in self._around.loads_of(record.id):
            if given.own or (version is not None and given.version != version):
                continue
            task = self._around.tasks[given.task_id]
            cut = self._cut(task.id, depth)
            about = {"project": task.project, "status": task.status, "version": given.version}
            which = "" if given.version is None else f" v{given.version}"
            inside = tuple(
                self.down(each, _facts(each), "made model", depth=depth + 1)
                for each in (() if cut else self._around.made_by(task.id))
            )
            nodes.append(Node("task", task.id, task.name, f"loaded{which} by task", about, inside, cut))
        return Node("model", record.id, record.name, words, facts, tuple(nodes))

    def _cut(self, task_id: str, depth: int) -> str | None:
        if task_id in self._seen:
            return "shown above"
        self._seen.add(task_id)
        return "too deep" if depth >= _DEPTH else None


def _facts(record: LineageModel) -> dict[str, Any]:
    return {
        "framework": record.framework,
        "version": record.newest,
        "digest": record.digest,
        "origin": record.origin,
    }


def to_json(up: Node, down: Node) -> dict[str, Any]:
    """`{"up": node, "down": node}`; see docs/json.md."""
    return {"up": _node(up), "down": _node(down)}


def _node(node: Node) -> dict[str, Any]:
    return {
        "kind": node.kind,
        "id": node.id,
        "name": node.name,
        **node.facts,
        "cut": node.cut,
        "nodes": [_node(each) for each in node.nodes],
    }


def draw(node: Node, encoding: str) -> Iterator[str]:
    """The lines of a tree, with box characters if the encoding has them."""
    try:
        "├└│─".encode(encoding)
        branches = ("├─ ", "└─ ", "│  ")
    except (UnicodeEncodeError, LookupError):
        branches = ("|- ", "`- ", "|  ")
    yield _words(node)
    yield from _below(node.nodes, "", branches)


def _below(nodes: Sequence[Node], margin: str, branches: tuple[str, str, str]) -> Iterator[str]:
    middle, last, through = branches
    for number, node in enumerate(nodes, 1):
        is_last = number == len(nodes)
        yield f"{margin}{last if is_last else middle}{_words(node)}"
        yield from _below(node.nodes, margin + ("   " if is_last else through), branches)


def _words(node: Node) -> str:
    text = f"{node.words} {node.name}" if node.words else node.name
    details = [node.id[:8]]
    if node.kind == "model":
        if node.facts.get("version") is not None:
            text += f" v{node.facts['version']}"
        if node.facts.get("digest"):
            details.append(f"blake3:{_format.digest(node.facts['digest'])}")
        if node.facts.get("origin"):
            details.append(f"imported from {node.facts['origin']}")
        if node.facts.get("also_made_by"):
            details.append(f"also made by {len(node.facts['also_made_by'])} more")
    else:
        details.append(str(node.facts["status"]))
    end = f" ... {node.cut}" if node.cut else ""
    return f"{text} ({', '.join(details)}){end}"
