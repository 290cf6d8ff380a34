"""Stores with a history: tasks that load what others have made, scalars along the way, figures."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import insert

from autolog.store import NewFigure, Store, report_figure, schema

__all__ = ["History", "chain", "fan", "figures", "scalars"]

BEGAN = 1_760_000_000.0


class History:
    """Writes down tasks, models and loads, with ids made of their names."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._count = 0

    def task(self, name: str, **more: Any) -> str:
        self._count += 1
        task_id = f"{name.encode().hex():0>32}"[-32:]
        row = {
            "id": task_id,
            "project": "history",
            "name": name,
            "status": "completed",
            "reason": "",
            "started": BEGAN + 100 * self._count,
            "finished": BEGAN + 100 * self._count + 60,
            "user": "ada",
            "host": "box",
            "script": f"/data/{name}.py",
            "cwd": "/data",
            **{key: [] for key in ("argv", "tags")},
            **{key: {} for key in ("git", "versions", "job", "hooks")},
        }
        self._insert(schema.tasks, {**row, **more})
        return task_id

    def model(self, name: str, task_id: str | None, versions: int = 1, **more: Any) -> str:
        self._count += 1
        model_id = f"{name.encode().hex():0>32}"[-32:].replace("0", "f", 1)
        when = BEGAN + 100 * self._count
        row = {
            "id": model_id,
            "project": "history",
            "name": name,
            "task_id": task_id,
            "key": f"/data/{name}.pt",
            "framework": "PyTorch",
            "model_type": "",
            "status": "draft",
            "archived": False,
            "tags": [],
            "labels": {},
            "metadata": {},
            "comment": "",
            "created": when,
            "updated": when,
        }
        self._insert(schema.models, {**row, **more})
        for version in range(1, versions + 1):
            snapshot = {
                "model_id": model_id,
                "version": version,
                "event_id": f"{model_id[-24:]}-{version}",
                "digest": f"blake3:{self._count:062x}{version:02x}",
                "size": 1000,
                "uri": f"/data/{name}.pt",
                "state": "at_path",
                "reason": "",
                "iteration": version * 100,
                "function": "torch.save",
                "metrics": {},
                "created": when + version * 10,
            }
            self._insert(schema.snapshots, snapshot)
        return model_id

    def load(self, task_id: str, model_id: str, version: int | None = 1, **more: Any) -> None:
        table = schema.snapshots.c
        with self.store._writing() as connection:
            query = schema.snapshots.select().where(table.model_id == model_id, table.version == version)
            found = connection.execute(query).first()
            row = {
                "task_id": task_id,
                "model_id": model_id,
                "snapshot_id": None if found is None else found.id,
                "name": "given",
                "framework": "PyTorch",
                "function": "torch.load",
                "own": False,
                "also_made_by": [],
                "count": 1,
                "first_loaded": BEGAN,
            }
            connection.execute(insert(schema.inputs).values(**{**row, **more}))

    def _insert(self, table: Any, row: dict[str, Any]) -> None:
        with self.store._writing() as connection:
            connection.execute(insert(table).values(**row))


def chain(store: Store) -> dict[str, str]:
    """An imported model, fine-tuned, distilled, and evaluated; a task that loads its own; ids by name."""
    history = History(store)
    base = history.model("base", None, origin="https://example.org/base.pt")
    data = history.task("prepare", tags=["data"])
    encoder = history.model("encoder", data, 2)
    tune = history.task("fine-tune", tags=["best", "gpu"])
    history.load(tune, base)
    history.load(tune, encoder, 2)
    tuned = history.model("tuned", tune, 3)
    history.load(tune, tuned, 3, own=True, count=2)
    distil = history.task("distil", status="failed")
    history.load(distil, tuned, 1)
    history.load(distil, base)
    small = history.model('small <b>&"quoted" 模型', distil)
    for number in range(3):
        task = history.task(f"evaluate {number}", tags=["evaluation"])
        history.load(task, tuned, 3)
        history.load(task, small)
    return {
        "base": base,
        "encoder": encoder,
        "tuned": tuned,
        "small": small,
        "fine-tune": tune,
        "distil": distil,
    }


def fan(store: Store, count: int) -> str:
    """A model that so many tasks have loaded, each of which has made another; its id."""
    history = History(store)
    root = history.model("root", history.task("pretrain"))
    for number in range(count):
        task = history.task(f"use {number}", tags=[f"t{number % 3}"])
        history.load(task, root)
        history.model(f"made {number}", task)
    return root


def scalars(store: Store, model_id: str, count: int = 120) -> None:
    """Losses of two series with a gap in one, an accuracy, a learning rate, and a value of the whole."""
    rows = []
    for step in range(count):
        when = BEGAN + 1000 + step * 7
        wobble = math.sin(step * 1.7) * 0.08
        values: dict[str, float | None] = {
            "loss/train": 2 * math.exp(-step / 40) + wobble,
            "loss/val": 2.2 * math.exp(-step / 45) + 0.15 + wobble / 2,
            "accuracy": 1 - math.exp(-step / 30) + wobble / 4,
            "learning rate": 0.1 * 0.5 ** (step // 40),
        }
        if 50 <= step < 60:
            values["loss/val"] = None
        for name, value in values.items():
            rows.append(
                {"model_id": model_id, "name": name, "iteration": step * 10, "value": value, "time": when}
            )
    rows.append({"model_id": model_id, "name": "final/score", "iteration": -1, "value": 0.75, "time": BEGAN})
    with store._writing() as connection:
        connection.execute(insert(schema.metrics), rows)


def figures(store: Store, model_id: str) -> None:
    """One figure of each kind that can be reported, as the Python interface writes them."""
    from autolog.sdk import figures as made

    def frame(title: str, **more: Any) -> Any:
        return made.Frame(title, "x", "y", **more)

    heights = [[math.sin(x / 3) * math.cos(y / 4) for x in range(20)] for y in range(20)]
    line = [[x, x * x] for x in range(12)]
    points = [[math.cos(x), math.sin(x), x / 9] for x in range(60)]
    drawn = [
        ("histogram", made.histogram([3, 5, 2, 8], frame("Histogram"), "counts", xlabels=list("abcd"))),
        ("line", made.line_plot([made.SeriesInfo("squares", line)], frame("Lines"))),
        ("scatter2d", made.scatter2d(line, frame("Scatter"), "points", mode="markers")),
        ("scatter3d", made.scatter3d(points, frame("Scatter in space"), "helix")),
        (
            "confusion_matrix",
            made.confusion_matrix(
                [[50, 3], [4, 43]],
                frame("Confusion"),
                "test",
                xlabels=["cat", "dog"],
                ylabels=["cat", "dog"],
                yaxis_reversed=True,
            ),
        ),
        ("surface", made.surface(heights, frame("Surface"), "waves")),
        ("table", made.table([["name", "value"], ["first", 1], ["<b>second</b>", None]], frame("Table"))),
    ]
    for kind, figure in drawn:
        title = str(figure["layout"]["title"]["text"])
        report_figure(store, model_id, NewFigure(title, "series", kind, figure, 10))
    for step in (0, 20):
        figure = made.histogram([step, 2, 3], frame("Moving"), "steps")
        report_figure(store, model_id, NewFigure("Moving", "steps", "histogram", figure, step))
