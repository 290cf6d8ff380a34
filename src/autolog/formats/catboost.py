"""Models that CatBoost saved, as its own binary format (`.cbm`) or as JSON.

A `.cbm` begins with `CBM1` and the length of a FlatBuffer: the trees, and texts by name, which are JSON
themselves (`params`, `class_params`...). Tables of categories follow, which aren't looked into. The JSON has
the same under `model_info`. (CatBoost's `libs/model/flatbuffers/model.fbs`, `libs/model/model_export`.)
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeGuard

from autolog.errors import UnreadableWeights
from autolog.formats._counting import cut_design
from autolog.formats._flat import root
from autolog.formats._pages import Pages, Span
from autolog.formats._shape import Contents, Tensor
from autolog.formats._skim import Numbers, skim_json
from autolog.formats._source import Enough, FileSource, Seekable
from autolog.formats._standins import readable

__all__ = ["inspect_catboost"]

_MAGIC = b"CBM1"
_JSON = re.compile(rb'\s*\{\s*"(ctr_data|features_info|model_info)"\s*:')
_TREES = ("oblivious_trees", "trees")
_MOST_INFOS = 100
_PARSED = ("params", "class_params")
_TOLD = ("model_guid", "train_finish_time")
_INFOS = (*_PARSED, *_TOLD)
_LONGEST_INFO = 1 << 20
_LONGEST_TEXT = 200
_MOST_CLASSES = 1_000
_MOST_NODES = 3_000_000


def inspect_catboost(file: Seekable, size: int) -> Contents | None:
    """What such a model holds; None for any other file.

    `parameters` counts the splits and the values of the leaves; the design is the parameters of the
    training, the labels are the classes in the order of the model's outputs.
    """
    file.seek(0)
    head = file.read(256)
    if head.startswith(_MAGIC):
        return _binary(file, size, int.from_bytes(head[4:8], "little"))
    if _JSON.match(head):
        return _json(file, size)
    return None


def _binary(file: Seekable, size: int, length: int) -> Contents:
    if length > size - 8:
        raise UnreadableWeights(f"truncated: a CatBoost model of {length} bytes in a file of {size}")
    try:
        core = root(Pages(Span(file, 8, length), length))
        named = ((table.text(0, _LONGEST_TEXT), table) for table in core.tables(2, _MOST_INFOS))
        infos = {name: table.text(1, _LONGEST_INFO) for name, table in named if name in _INFOS}
        details: dict[str, Any] = {"format_version": readable(core.text(0), _LONGEST_TEXT)}
        trees = core.table(1)
        counts: dict[str, tuple[int, str]] = {}
        if trees is not None:
            details["trees"] = trees.vector(2, 4)[1]
            details["outputs"] = trees.number(0)
            details["features"] = trees.vector(4, 4)[1] + trees.vector(5, 4)[1]
            counts = {
                "splits": (trees.vector(1, 4)[1], "int32"),
                "leaf_values": (trees.vector(8, 8)[1], "float64"),
                "leaf_weights": (trees.vector(9, 8)[1], "float64"),
                "step_nodes": (trees.vector(10, 4)[1], "uint32"),
            }
    except Enough as bound:
        return Contents("CatBoost", details={"incomplete": str(bound)})
    parsed = {key: _parsed(text) for key, text in infos.items() if key in _PARSED}
    texts = {key: text for key, text in infos.items() if key not in _PARSED}
    return _contents("CatBoost", details, counts, {**texts, **parsed}, infos.get("params"))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json(file: Seekable, size: int) -> Contents | None:
    try:
        document = skim_json(FileSource(file, 0, size))
    except Enough as bound:
        return Contents("CatBoost JSON", details={"incomplete": str(bound)})
    infos = document.get("model_info") if isinstance(document, dict) else None
    if not isinstance(infos, dict) or not any(key in document for key in _TREES):
        return None
    trees: list[Any] = next((document[key] for key in _TREES if isinstance(document.get(key), list)), [])
    features = document.get("features_info")
    lists = [value for value in features.values() if isinstance(value, list)] if _is_map(features) else []
    details = {"trees": len(trees), "features": sum(map(len, lists))}
    design = json.dumps(_plain(infos.get("params"))) if infos.get("params") else None
    return _contents("CatBoost JSON", details, _count(trees), infos, design)


def _is_map(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _count(trees: list[Any]) -> dict[str, tuple[int, str]]:
    """How many splits, values and weights there are: in lists per tree, or in nodes of nodes."""
    splits = values = weights = 0
    pending, left = list(trees), _MOST_NODES
    while pending and left:
        left -= 1
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        values += _length(node.get("leaf_values", node.get("value")))
        weights += _length(node.get("leaf_weights", node.get("weight")))
        splits += len(node["splits"]) if isinstance(node.get("splits"), list) else "split" in node
        pending += [node[side] for side in ("left", "right") if side in node]
    return {
        "splits": (splits, "int32"),
        "leaf_values": (values, "float64"),
        "leaf_weights": (weights, "float64"),
    }


def _length(value: Any) -> int:
    if isinstance(value, Numbers):
        return value.count
    return len(value) if isinstance(value, list) else int(isinstance(value, (int, float)))


def _contents(
    form: str,
    details: dict[str, Any],
    counts: dict[str, tuple[int, str]],
    infos: dict[str, Any],
    design: str | None,
) -> Contents:
    for key in _TOLD:
        if isinstance(text := infos.get(key), str):
            details[key] = readable(text, _LONGEST_TEXT)
    details.update(_training(infos.get("params")))
    rows = [(name, count, dtype) for name, (count, dtype) in counts.items() if count]
    tensors = tuple(Tensor(f"trees.{name}", (count,), dtype) for name, count, dtype in rows)
    values = counts.get("leaf_values", (0, ""))[0]
    splits = counts.get("splits", (0, ""))[0]
    if counts.get("step_nodes", (0, ""))[0]:
        # Trees that aren't symmetric list leaves among their splits, but have one leaf more than splits.
        splits = max(0, values // max(1, details["outputs"]) - details["trees"])
    total = splits + values
    labels = _labels(infos.get("class_params"))
    return Contents(form, tensors, total, details, (), cut_design(design or ""), labels)


def _training(params: Any) -> dict[str, Any]:
    """The plain ones of the parameters that people ask for first."""
    found: dict[str, Any] = {}
    wanted = {
        "loss_function": ("loss_function", "type"),
        "iterations": ("boosting_options", "iterations"),
        "learning_rate": ("boosting_options", "learning_rate"),
        "depth": ("tree_learner_options", "depth"),
        "grow_policy": ("tree_learner_options", "grow_policy"),
    }
    for name, (outer, inner) in wanted.items():
        group = params.get(outer) if _is_map(params) else None
        value = group.get(inner) if _is_map(group) else None
        if isinstance(value, str):
            found[name] = readable(value, _LONGEST_TEXT)
        elif isinstance(value, (int, float)) and abs(value) < 1 << 53:
            found[name] = value
    return found


def _labels(params: Any) -> dict[str, int]:
    found = params.get("class_names") if _is_map(params) else None
    if isinstance(found, Numbers) and found.count > len(found.head):
        return {}  # stepped over, but for the first of them
    names = _plain(found)
    if not isinstance(names, list) or len(names) > _MOST_CLASSES:
        return {}
    texts = [str(name) if isinstance(name, (str, int, float, bool)) else "" for name in names]
    return {readable(text, _LONGEST_TEXT): index for index, text in enumerate(texts) if text}


def _plain(value: Any) -> Any:
    """A skimmed value as JSON has it; an array of numbers that was stepped over is its beginning."""
    if isinstance(value, Numbers):
        return [int(number) if number.is_integer() else number for number in value.head]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
