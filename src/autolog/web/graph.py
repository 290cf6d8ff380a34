"""The lineage as a graph of tasks and snapshots: which boxes there are, what is in them, where they lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from autolog.store import Lineage, LineageModel

__all__ = ["Edge", "Graph", "Node", "as_dot", "as_mermaid", "collapsed", "graph_of"]

#: More nodes than these are not drawn, but summed up.
MOST_DRAWN = 120
#: How many neighbours on one side of a node are drawn, if all would be too many: the first that will do.
_FANS = (12, 8, 6, 4, 3, 2)


@dataclass(frozen=True, slots=True)
class Node:
    """A box. `kind` is `task`, `model` or `more` (neighbours not drawn); `note` is its second line."""

    key: str
    kind: str
    name: str
    note: str
    url: str
    status: str = ""
    is_focus: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Who made or loaded what; `own` if a task loaded back what it had made."""

    source: str
    target: str
    own: bool = False


@dataclass
class Graph:
    """Nodes by key, and edges between them."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    #: Whether there was more than was read.
    is_cut: bool = False


def graph_of(lineage: Lineage, focus: str) -> Graph:
    """All of a lineage; `focus` is the id of the model or the task that it is about.

    Of a model those versions have a node that somebody has loaded; if there are none, or it is the focus,
    the newest one.
    """
    graph = Graph(is_cut=lineage.is_cut)
    loaded: dict[str, set[int | None]] = {}
    own: dict[str, int | None] = {}
    for load in lineage.loads:
        if load.task_id in lineage.tasks and load.model_id in lineage.models:
            if load.own:
                own[load.model_id] = load.version
            else:
                loaded.setdefault(load.model_id, set()).add(load.version)
    for task in lineage.tasks.values():
        note, url = f"task · {task.status}", f"/tasks/{task.id}/lineage"
        key = f"t:{task.id}"
        graph.nodes[key] = Node(key, "task", task.name, note, url, task.status, task.id == focus)
    for model in lineage.models.values():
        versions = set(loaded.get(model.id, ()))
        if model.id in own:
            # Of what a task has loaded back from itself, the latest: it may have been all.
            versions.add(own[model.id])
        if not versions or model.id == focus:
            versions.add(model.newest)
        for version in sorted(versions, key=lambda each: -1 if each is None else each):
            node = _of_model(model, version, is_focus=model.id == focus)
            graph.nodes[node.key] = node
            if model.task_id in lineage.tasks:
                graph.edges.append(Edge(f"t:{model.task_id}", node.key))
    for load in reversed(lineage.loads):
        source, target = f"m:{load.model_id}:{load.version}", f"t:{load.task_id}"
        edge = Edge(source, target, load.own)
        if source in graph.nodes and target in graph.nodes:
            graph.edges.append(edge)
    graph.edges = list(dict.fromkeys(graph.edges))
    return graph


def _of_model(model: LineageModel, version: int | None, *, is_focus: bool) -> Node:
    key = f"m:{model.id}:{version}"
    which = "version unknown" if version is None else f"v{version}"
    if version is not None and model.versions > 1:
        which += f" of {model.versions}"
    if model.versions == 0:
        which = "no version"
    origin = " · imported" if model.task_id is None else ""
    note = f"{which} · {model.framework}{origin}" if model.framework else which + origin
    return Node(key, "model", model.name, note, f"/models/{model.id}/lineage", is_focus=is_focus)


def collapsed(graph: Graph, most: int = MOST_DRAWN) -> Graph:
    """The same with `most` nodes or hardly more: for what is left out a node says how much, and leads there.

    What is near the focus stays, and of many neighbours those that came last.
    """
    if len(graph.nodes) <= most:
        return graph
    near = _Near(graph)
    for fan in _FANS:
        kept = near.walk(fan, len(graph.nodes))
        found = _summed_up(graph, near, kept)
        if len(found.nodes) <= most:
            return found
    kept = near.walk(_FANS[-1], most * 2 // 3)
    return _summed_up(graph, near, kept)


class _Near:
    """Who is next to whom, on either side."""

    def __init__(self, graph: Graph) -> None:
        self._focus = [node.key for node in graph.nodes.values() if node.is_focus]
        self.sides: dict[str, tuple[dict[str, None], dict[str, None]]] = {
            key: ({}, {}) for key in graph.nodes
        }
        for edge in graph.edges:
            self.sides[edge.source][1][edge.target] = None
            self.sides[edge.target][0][edge.source] = None

    def walk(self, fan: int, most: int) -> set[str]:
        """The nodes around the focus: at most `fan` on each side of a node, the nearest `most` of them."""
        kept = dict.fromkeys(self._focus)
        queue = list(kept)
        for key in queue:  # grows
            for side in self.sides[key]:
                for other in [each for each in side if each not in kept][:fan]:
                    if len(kept) < most:
                        kept[other] = None
                        queue.append(other)
        return set(kept)


def _summed_up(graph: Graph, near: _Near, kept: set[str]) -> Graph:
    found = Graph({key: node for key, node in graph.nodes.items() if key in kept})
    found.edges = [each for each in graph.edges if each.source in kept and each.target in kept]
    for node in list(found.nodes.values()):
        for place, side in enumerate(near.sides[node.key]):
            count = sum(each not in kept for each in side)
            if not count:
                continue
            key = f"{node.key}:{'after' if place else 'before'}"
            # On its own page the table lists them; elsewhere that page shows them.
            url = node.url.removesuffix("/lineage") if node.kind == "task" else "#tasks"
            more = Node(
                key,
                "more",
                f"{count:,}{' or more' if graph.is_cut else ' more'}",
                "",
                url if node.is_focus else node.url,
            )
            found.nodes[key] = more
            found.edges.append(Edge(node.key, key) if place else Edge(key, node.key))
    return found


def as_dot(graph: Graph) -> Iterator[str]:
    """Lines for Graphviz."""
    yield "digraph lineage {"
    yield '  rankdir="LR"; node [shape="box", fontname="sans-serif"];'
    numbers = {key: f"n{number}" for number, key in enumerate(graph.nodes)}
    for key, node in graph.nodes.items():
        shape = "" if node.kind == "model" else ', style="rounded"'
        weight = ", penwidth=2" if node.is_focus else ""
        yield f"  {numbers[key]} [label={_quoted(node.name, node.note)}{shape}{weight}];"
    for edge in graph.edges:
        style = ' [style="dashed"]' if edge.own else ""
        yield f"  {numbers[edge.source]} -> {numbers[edge.target]}{style};"
    yield "}"


def _quoted(*lines: str) -> str:
    cleaned = (" ".join(each.split()).replace("\\", "\\\\").replace('"', '\\"') for each in lines)
    return '"' + "\\n".join(each for each in cleaned if each) + '"'


def as_mermaid(graph: Graph) -> Iterator[str]:
    """Lines for Mermaid."""
    yield "flowchart LR"
    numbers = {key: f"n{number}" for number, key in enumerate(graph.nodes)}
    for key, node in graph.nodes.items():
        text = "<br/>".join(_entities(each) for each in (node.name, node.note) if each)
        around = ('["', '"]') if node.kind == "model" else ('("', '")')
        yield f"  {numbers[key]}{around[0]}{text}{around[1]}"
    for edge in graph.edges:
        yield f"  {numbers[edge.source]} {'-.->' if edge.own else '-->'} {numbers[edge.target]}"
    if marked := [numbers[key] for key, node in graph.nodes.items() if node.is_focus]:
        yield "  classDef focus stroke-width:3px"
        yield f"  class {','.join(marked)} focus"


def _entities(text: str) -> str:
    """Text in which nothing means anything to Mermaid: what isn't a letter or a digit by its number."""
    return "".join(
        each if each.isalnum() or each in " .,_-·:" else f"#{ord(each)};" for each in " ".join(text.split())
    )
