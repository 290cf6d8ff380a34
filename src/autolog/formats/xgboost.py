"""Boosters saved by XGBoost 1.7 and later, as JSON or UBJSON.

The document is `{"learner": {...}, "version": [major, minor, patch]}`; its schema is documented under
"Introduction to Model IO" and in `doc/model.schema` of XGBoost. Numbers of the learner's parameters
are texts. UBJSON files begin with the key `learner`, its length an 8-byte integer.

The deprecated binary format has no documented layout, and is not recognised.
"""

from __future__ import annotations

import json
import re
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._counting import cut_design
from autolog.formats._shape import Contents, Tensor
from autolog.formats._skim import Numbers, skim_json, skim_ubjson
from autolog.formats._source import Enough, FileSource, Seekable
from autolog.formats._standins import readable

__all__ = ["inspect_xgboost"]

_JSON = re.compile(rb'\s*\{\s*"(learner"\s*:\s*\{|(version|Config|Model)")')
_UBJSON = b"{L\x00\x00\x00\x00\x00\x00\x00"
_MOST_ATTRIBUTES = 50
_LONGEST_TEXT = 200
_LONGEST_NUMBER = 9  # digits of a count

# How XGBoost keeps the arrays of a tree's nodes; JSON doesn't tell.
_TYPES = {
    "base_weights": "float32",
    "leaf_weights": "float32",
    "loss_changes": "float32",
    "split_conditions": "float32",
    "sum_hessian": "float32",
    "default_left": "uint8",
    "split_type": "uint8",
    "categories": "int32",
    "categories_nodes": "int32",
    "categories_segments": "int64",
    "categories_sizes": "int64",
    "left_children": "int32",
    "right_children": "int32",
    "parents": "int32",
    "split_indices": "int32",
}


def inspect_xgboost(file: Seekable, size: int) -> Contents | None:
    """What a saved booster holds; None for any other file.

    `parameters` is the number of nodes of all trees, or of the weights of a linear booster with its
    biases. There is one tensor per kind of node array, summed over the trees: `trees.split_conditions` of
    shape (nodes,); for a linear booster `weights`. Any size is read, in bounded memory.
    """
    file.seek(0)
    head = file.read(4096)
    binary = head.startswith((_UBJSON + b"\x07learner{", _UBJSON + b"\x06Config", _UBJSON + b"\x07version"))
    if not binary and (not _JSON.match(head) or b'"learner"' not in head):
        return None
    form = "xgboost ubj" if binary else "xgboost json"
    source = FileSource(file, 0, size)
    try:
        document = skim_ubjson(source) if binary else skim_json(source)
    except Enough as bound:
        return Contents(form, details={"incomplete": str(bound)})
    document = _mapping(document, "Model") or document
    learner = _mapping(document, "learner")
    if not learner:
        raise UnreadableWeights("an XGBoost document without its learner")
    return _booster(form, learner, document.get("version"))


def _booster(form: str, learner: dict[str, Any], version: Any) -> Contents:
    booster = _mapping(learner, "gradient_booster")
    inner = _mapping(booster, "gbtree") or booster  # dart wraps a gbtree
    model = _mapping(inner, "model")
    weights = model.get("weights")
    details: dict[str, Any] = {}
    parts = version.head if isinstance(version, Numbers) else version  # UBJSON has no type for this one
    if isinstance(parts, (tuple, list)) and all(isinstance(part, (int, float)) for part in parts):
        details["version"] = ".".join(f"{part:.0f}" for part in parts[:3])
    details["booster"] = _text(booster.get("name"))
    details["objective"] = _text(_mapping(learner, "objective").get("name"))
    facts = _mapping(learner, "learner_model_param")
    details["features"] = _number(facts.get("num_feature"))
    # XGBoost writes 0 classes where the objective has none.
    details["classes"] = _number(facts.get("num_class"))
    details["targets"] = _number(facts.get("num_target"), 1)
    details["attributes"] = _attributes(_mapping(learner, "attributes"))
    design = _design(learner)
    if isinstance(weights, Numbers):
        rounds = model.get("boosted_rounds")
        details["num_boosted_rounds"] = rounds if type(rounds) is int else _number(rounds)
        linear = (Tensor("weights", (weights.count,), "float32"),)
        return Contents(form, linear, weights.count, details, design=design)
    trees = [tree for tree in _list(model, "trees") if isinstance(tree, dict)]
    details["trees"] = len(trees)
    details["num_boosted_rounds"] = _rounds(model, len(trees), details["classes"])
    nodes = sum(_number(_mapping(tree, "tree_param").get("num_nodes")) for tree in trees)
    return Contents(form, _node_arrays(trees), nodes, details, design=design)


def _design(learner: dict[str, Any]) -> str | None:
    """The learner's parameters as JSON: of its objective, its booster, and what holds for both."""
    booster = _mapping(learner, "gradient_booster")
    inner = _mapping(booster, "gbtree") or booster
    parts = {
        "objective": _texts(_mapping(learner, "objective")),
        "learner_model_param": _texts(_mapping(learner, "learner_model_param")),
        "booster": _texts(booster),
        "model_param": _texts(_mapping(_mapping(inner, "model"), "gbtree_model_param")),
    }
    return cut_design(json.dumps({key: value for key, value in parts.items() if value}, indent=1))


def _texts(found: dict[str, Any]) -> dict[str, Any]:
    """The texts of a mapping, and of the mappings in it."""
    kept: dict[str, Any] = {}
    for key, value in list(found.items())[:_MOST_ATTRIBUTES]:
        if isinstance(value, str):
            kept[readable(key, _LONGEST_TEXT)] = readable(value, _LONGEST_TEXT)
        elif isinstance(value, dict) and key.endswith("param"):
            kept[readable(key, _LONGEST_TEXT)] = _texts(value)
    return kept


def _rounds(model: dict[str, Any], trees: int, classes: int) -> int:
    """The rounds of boosting: since 2.0 `iteration_indptr` tells where each one's trees begin."""
    begins = model.get("iteration_indptr")
    if isinstance(begins, (Numbers, list)):
        return max(0, _count(begins) - 1)
    parallel = _number(_mapping(model, "gbtree_model_param").get("num_parallel_tree"), 1)
    return trees // max(1, classes * max(1, parallel))


def _node_arrays(trees: list[dict[str, Any]]) -> tuple[Tensor, ...]:
    counts: dict[str, int] = {}
    types: dict[str, str] = {}
    for tree in trees:
        for name, array in tree.items():
            if name in _TYPES and isinstance(array, (Numbers, list)):
                counts[name] = counts.get(name, 0) + _count(array)
                if isinstance(array, Numbers) and array.dtype:
                    types[name] = array.dtype
    rows = sorted((name, count) for name, count in counts.items() if count)
    return tuple(Tensor(f"trees.{name}", (count,), types.get(name, _TYPES[name])) for name, count in rows)


def _count(array: Numbers | list[Any]) -> int:
    return array.count if isinstance(array, Numbers) else len(array)


def _attributes(found: dict[str, Any]) -> dict[str, str]:
    rows = list(found.items())[:_MOST_ATTRIBUTES]
    return {readable(key, _LONGEST_TEXT): _text(value) for key, value in rows}


def _mapping(document: Any, key: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _list(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return readable(value, _LONGEST_TEXT) if isinstance(value, str) else ""


def _number(value: Any, missing: int = 0) -> int:
    text = value if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else missing
