"""Stores with as many models as one likes, the same for the same seed, written by bulk inserts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, insert, text

from autolog.store import Store, schema

__all__ = ["NOON", "fill", "multiply"]

#: 2026-01-31 12:00:00 UTC: when the newest of them was updated.
NOON = 1769860800.0
FRAMEWORKS = ("PyTorch", "Keras", "ScikitLearn", "XGBoost", "LightGBM", "CatBoost", "Transformers")
PROJECTS = ("vision", "speech", "tabular", "ranking", "a project with a rather long name")
USERS = ("ada", "grace", "alan", "katherine")
NETS = ("resnet", "bert", "forest", "unet", "boost", "vit", "lstm", "mlp")
TAGS = ("best", "debug", "baseline", "nightly", "release", "ablation")


def fill(store: Store, count: int, *, seed: int = 1, newest: float = NOON) -> None:
    """Put `count` models into an empty store, each with one to three versions and a few metrics."""
    with store._writing() as connection:
        tasks = count // 20 + 1
        _insert(connection, schema.tasks, (_task(number, newest) for number in range(tasks)))
        for start in range(0, count, 5_000):
            made = [
                _model(number, count, tasks, seed, newest)
                for number in range(start, min(count, start + 5_000))
            ]
            _insert(connection, schema.models, [each["model"] for each in made])
            for table in ("contents", "snapshots", "tagged", "described", "metrics"):
                rows = itertools.chain.from_iterable(each[table] for each in made)
                _insert(connection, getattr(schema, table), rows)


def multiply(store: Store, times: int) -> None:
    """Make of each model of an SQLite store `times` models; the new ones have no versions.

    Much quicker than `fill`: indexes are taken away for it and made anew.
    """
    mine = "type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name = 'models'"
    other = {"id": "printf('%06x', k.n) || substr(m.id, 7)", "name": "m.name || '-' || k.n"}
    other |= {"updated": "m.updated - k.n", "newest": "NULL", "versions": "0"}
    names = [each.name for each in schema.models.c]
    shown = ", ".join(f'"{each}"' for each in names)
    made = ", ".join(other.get(each, f'm."{each}"') for each in names)
    numbers = f"WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {times - 1})"
    # In order of the ids: the rows of their index are then written one behind the other.
    copied = f"{numbers} SELECT {made} FROM k CROSS JOIN (SELECT * FROM models ORDER BY id) m"
    with store._writing() as connection:
        there = connection.execute(text(f"SELECT type, name, sql FROM sqlite_master WHERE {mine}")).all()
        for kind, name, _ in there:
            connection.exec_driver_sql(f'DROP {kind} "{name}"')
        connection.exec_driver_sql(f"INSERT INTO models ({shown}) {copied}")
        for _, _, statement in there:
            connection.exec_driver_sql(statement)


def _insert(connection: Connection, table: Any, rows: Any) -> None:
    for batch in _batches(rows):
        connection.execute(insert(table), batch)


def _batches(rows: Any) -> Iterator[Sequence[Any]]:
    rows = iter(rows)
    while batch := list(itertools.islice(rows, 5_000)):
        yield batch


def _task(number: int, newest: float) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "project": PROJECTS[number % len(PROJECTS)],
        "name": f"train-{number:05}",
        "status": "completed",
        "reason": "",
        "started": newest - number * 900 - 600,
        "finished": newest - number * 900,
        "user": USERS[number % len(USERS)],
        "host": "box",
        "script": "/data/train.py",
        "argv": ["train.py"],
        "cwd": "/data",
        "tags": [],
        "git": {},
        "versions": {},
        "job": {},
        "hooks": {},
    }


def _model(number: int, count: int, tasks: int, seed: int, newest: float) -> dict[str, Any]:
    chance = random.Random(seed * 1_000_003 + number)
    model_id = f"{chance.getrandbits(128):032x}"
    task = number % tasks
    net = NETS[chance.randrange(len(NETS))]
    updated = newest - number * 47.0
    tags = sorted(chance.sample(TAGS, chance.choice((0, 0, 1, 1, 2, 4))))
    metadata = {"epochs": chance.choice((1, 5, 10, 50)), "optimizer": chance.choice(("adam", "sgd"))}
    versions = chance.choice((1, 1, 2, 3))
    loss = chance.random()
    parameters = chance.randrange(10_000, 400_000_000)
    snapshots, contents, metrics = [], [], []
    for version in range(1, versions + 1):
        digest = f"blake3:{chance.getrandbits(256):064x}"
        iteration = version * 100
        when = updated - (versions - version) * 10
        contents.append(
            {
                "digest": digest,
                "format": "torch zip",
                "parameters": parameters,
                "tensors": [],
                "details": {},
                "dangerous": [],
            }
        )
        snapshots.append(
            {
                "model_id": model_id,
                "version": version,
                "event_id": f"{model_id[:24]}-{version}",
                "digest": digest,
                "size": parameters * 4 + version,
                "uri": f"/data/{net}-{number}.pt",
                "state": "at_path" if version == versions else "overwritten",
                "reason": "",
                "iteration": iteration,
                "function": "torch.save",
                "metrics": {"val_loss": loss / version},
                "created": when,
            }
        )
        for name, value in (("val_loss", loss / version), ("accuracy", 1 - loss / (version + 1))):
            metrics.append(
                {"model_id": model_id, "name": name, "iteration": iteration, "value": value, "time": when}
            )
    model = {
        "id": model_id,
        "project": PROJECTS[task % len(PROJECTS)],
        "name": f"train-{task:05} - {net}-{number:06}",
        "task_id": f"{task:032x}",
        "key": f"/data/{net}-{number}.pt",
        "framework": FRAMEWORKS[chance.randrange(len(FRAMEWORKS))],
        "model_type": "torch.nn.Module",
        "status": "published" if chance.random() < 0.1 else "draft",
        "archived": number % 50 == 49,
        "tags": tags,
        "labels": {},
        "metadata": metadata,
        "design": f"{net}(\n  layers=12,\n)",
        "comment": "" if number % 3 else f"the {net} of run {number}",
        "created": updated - 100,
        "updated": updated,
    }
    described = [
        {"model_id": model_id, "key": "epochs", "kind": "number", "text": None, "number": metadata["epochs"]},
        {
            "model_id": model_id,
            "key": "optimizer",
            "kind": "text",
            "text": metadata["optimizer"],
            "number": None,
        },
    ]
    tagged = [{"model_id": model_id, "tag": tag} for tag in tags]
    return {
        "model": model,
        "contents": contents,
        "snapshots": snapshots,
        "metrics": metrics,
        "described": described,
        "tagged": tagged,
    }
