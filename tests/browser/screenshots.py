"""Pictures of every page: `make screenshots`, or `python tests/browser/screenshots.py [FOLDER]`.

Over four stores: what real runs have left, one with names, tags and models as nobody hopes for, a store with
many models, and an empty one; in the light and the dark, 1400 and 800 pixels wide. `FOLDER/index.html` shows
them beside each other. Ends with 1 if a page is wider than its window, if the browser complains, or if there
is a page that nobody took a picture of.
"""

from __future__ import annotations

import html
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "web")]

from addresses import page_routes, route_of  # noqa: E402
from weights import import_versions, many_tensors, safetensors  # noqa: E402

from autolog.store import (  # noqa: E402
    NewModel,
    Store,
    alias,
    connect_input,
    create_model,
    edit,
    edit_task,
    figures_of,
    report,
)
from conftest import Site, chromium  # noqa: E402

WIDTHS = (1400, 800)
SCHEMES = ("light", "dark")
#: Milliseconds in which scripts draw what they draw.
_SETTLING = 150
_LONG = "a-name-without-any-place-to-break-it-" * 12
_NASTY = "<script>alert(1)</script> \u202eזה 模型 🧪 " + "w" * 60


def main() -> int:
    """Take them all; the exit status."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    taken: list[str] = []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        root = Path(scratch)
        for name, site, pages in _sites(browser, root):
            seen |= {route_of(path) for path in pages.values()}
            try:
                wrong += _take(site, name, pages, folder, taken)
            finally:
                site.close()
    wrong += [f"no picture of {path}" for path in sorted(set(page_routes()) - seen)]
    _index(folder, taken)
    print(f"{len(taken)} pictures in {folder}")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def _take(site: Site, name: str, pages: Mapping[str, str], folder: Path, taken: list[str]) -> list[str]:
    wrong = []
    for scheme in SCHEMES:
        page = site.tab("/", color_scheme=scheme)
        page.set_default_navigation_timeout(60_000)
        for title, path in pages.items():
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(site.origin + path)
                page.wait_for_timeout(_SETTLING)
                file = f"{name}-{title}-{width}-{scheme}.png"
                page.screenshot(path=folder / file, full_page=True)
                taken.append(file)
                over = page.evaluate("document.body.scrollWidth - document.documentElement.clientWidth")
                if over > 0:
                    wrong.append(f"{file}: {path} is {over} pixels too wide")
        is_error = {title for title in pages if title.startswith("error")}
        # The browser itself notes the status of a page that is no success.
        said = [each for each in site.tidy() if not (is_error and "Failed to load resource" in each)]
        wrong += [f"{name} ({scheme}): {each}" for each in dict.fromkeys(said)]
    return wrong


def _index(folder: Path, taken: list[str]) -> None:
    links = "\n".join(
        f'<figure><a href="{html.escape(each)}"><img src="{html.escape(each)}" width="420"></a>'
        f"<figcaption>{html.escape(each)}</figcaption></figure>"
        for each in taken
    )
    style = (
        "body{display:flex;flex-wrap:wrap;gap:16px;align-items:start;font:13px sans-serif}figure{margin:0}"
    )
    (folder / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style>\n{links}\n"
    )


# -- stores -----------------------------------------------------------------------------------------------


def _sites(browser: Any, root: Path) -> Iterator[tuple[str, Site, dict[str, str]]]:
    runs = Path(os.environ.get("AUTOLOG_TEST_RUNS") or root / "runs")
    site = Site(browser, _made(root / "real"), runs=runs)
    yield "real", site, _real(site.store)
    site = Site(browser, _made(root / "hostile"), count=3)
    yield "hostile", site, _hostile(site.store, site.home)
    site = Site(browser, _made(root / "many"), count=1_000)
    yield "many", site, _many()
    site = Site(browser, _made(root / "empty"))
    yield "empty", site, _empty()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _real(store: Store) -> dict[str, str]:
    """Every page there is, of models and tasks with something in them."""
    tuned, digits, keras = (
        store.find_model(each)[0]
        for each in ("digits classifier", "train digits - best", "digits in Keras - digits")
    )
    task, failed = store.find_task("fine-tune digits"), store.find_task("forest, strictly")
    pages = {
        "start": "/",
        "keys": "/keys",
        "models": "/models",
        "models-split": f"/models?view=split&model={tuned}",
        "models-filters": "/models/filters?framework=PyTorch",
        "models-values": "/models/values?of=tag",
        "models-columns": "/models/columns",
        "archive": "/archive",
        "archive-filters": "/archive/filters",
        "archive-values": "/archive/values?of=project",
        "archive-columns": "/archive/columns",
        "tasks": "/tasks",
        "tasks-filtered": "/tasks?status=completed&tag=nightly&sort=-duration,name",
        "tasks-filters": "/tasks/filters",
        "task-failed": f"/tasks/{failed}",
        "compare-one": f"/compare?m={tuned}",
    }
    pages |= {f"model{_title(tab)}": f"/models/{tuned}{tab}" for tab in _tabs("/models/{model_id}")}
    figure = figures_of(store, tuned, drawn=False)[0].id
    pages["model-figure"] = f"/models/{tuned}/plots/{figure}"
    pages |= {f"keras{_title(tab)}": f"/models/{keras}{tab}" for tab in _tabs("/models/{model_id}")}
    pages |= {f"task{_title(tab)}": f"/tasks/{task}{tab}" for tab in _tabs("/tasks/{task_id}")}
    sides = f"m={digits}:v1&m={tuned}&m={keras}"
    for section in ("details", "design", "scalars", "tensors"):
        pages[f"compare-{section}"] = f"/compare?{sides}&show={section}"
        pages[f"compare-{section}-hidden"] = f"/compare?{sides}&show={section}&hide=1"
    return pages


def _tabs(base: str) -> list[str]:
    """What comes behind the address of a model or a task on its pages."""
    return [
        path.removeprefix(base)
        for path in page_routes()
        if path.startswith(base) and "{" not in path[len(base) :]
    ]


def _title(tab: str) -> str:
    return tab.replace("/", "-")


def _hostile(store: Store, home: Path) -> dict[str, str]:
    """Long names, 200 tags, 500 tensors, many scalars and labels, text that means something elsewhere."""
    chance = random.Random(1)
    files = [safetensors(many_tensors(), filled) for filled in (0, 1)]
    large = import_versions(store, home, home / "encoder.safetensors", files)
    tags = tuple(f"tag-{number}-{'x' * (number % 40)}" for number in range(200))
    design = "\n".join(
        f"{'  ' * (number % 30)}({number}): Layer({'x' * (number % 200)})" for number in range(800)
    )
    edit(
        store,
        large,
        lambda _: {
            "name": _LONG, "project": _LONG, "comment": f"{_LONG}\n{_NASTY}" * 3, "tags": tags,
            "design": design,
            "labels": {_NASTY: 1, _LONG: 2, **{f"label {number}": number for number in range(3, 400)}},
            "metadata": {
                _NASTY: _LONG, _LONG: [1] * 300, "number": 1e-300, "none": None, "nested": {"a": 1},
            },
        },
    )  # fmt: skip
    alias(store, large, "b" * 120, 1)
    for name in ("loss", _NASTY, *(f"group {number}/{_LONG[:80]}" for number in range(12))):
        for step in range(40):
            report(store, large, name, chance.random() * 10.0 ** (step % 9), step * 997)
    nasty = create_model(
        store, NewModel(_NASTY, _NASTY, f"{0:032x}", _NASTY[:40], tags=(_NASTY,), comment=_NASTY)
    )
    task = f"{0:032x}"
    connect_input(store, task, large, 1, _LONG)
    edit_task(
        store,
        task,
        lambda _: {
            "name": _LONG, "project": _NASTY, "tags": list(tags), "comment": f"{_NASTY}\n" * 30,
            "user": _LONG,
            "host": _LONG, "script": f"/{_LONG}.py", "argv": ["x.py", _LONG, _NASTY] * 8, "cwd": f"/{_LONG}",
            "reason": _NASTY * 5, "status": "failed",
            "git": {"commit": "f" * 40, "branch": _LONG, "dirty": True},
            "versions": {f"package-{number}": f"{number}.{_LONG[:30]}" for number in range(30)},
            "hooks": {f"{_LONG}.m:f_{n}": "applied" if n % 2 else _LONG for n in range(20)},
            "parameters": {_LONG: {_LONG: _NASTY}, "many": {f"name {number}": 1 for number in range(300)}},
            "configurations": {_NASTY: {"text": f"{_LONG}\n" * 60, "format": "yaml"}},
        },
    )  # fmt: skip
    pages = {
        "start": "/",
        "models": "/models",
        "models-split": f"/models?view=split&model={large}",
        "models-filters": "/models/filters",
        "models-searched": f"/models?q={'long' * 60}&tag=-{'t' * 200}",
        "tasks": "/tasks",
        "tasks-filters": "/tasks/filters",
        "nasty": f"/models/{nasty}",
    }
    pages |= {f"model{_title(tab)}": f"/models/{large}{tab}" for tab in _tabs("/models/{model_id}")}
    pages |= {f"task{_title(tab)}": f"/tasks/{task}{tab}" for tab in _tabs("/tasks/{task_id}")}
    for section in ("details", "design", "scalars", "tensors"):
        sides = f"m={large}:v1&m={large}:v2&m={nasty}&m={large}"
        pages[f"compare-{section}"] = f"/compare?{sides}&show={section}"
    return pages


def _many() -> dict[str, str]:
    return {
        "start": "/",
        "models": "/models?limit=100",
        "models-metrics": "/models?columns=name,tags,metric.val_loss,meta.epochs&sort=-min.val_loss",
        "tasks": "/tasks?limit=100",
        "tasks-filters": "/tasks/filters",
        "error-400": "/models?where=size%20%3E",
        "error-404": "/nowhere",
        "error-model": "/models/nobody",
        "error-task": "/tasks/nobody",
        "error-compare": "/compare?m=nobody",
    }


def _empty() -> dict[str, str]:
    return {
        "start": "/",
        "models": "/models",
        "models-none": "/models?q=nothing",
        "models-filters": "/models/filters",
        "archive": "/archive",
        "tasks": "/tasks",
        "tasks-archived": "/tasks?archived=1",
        "tasks-filters": "/tasks/filters",
        "compare": "/compare",
    }


if __name__ == "__main__":
    sys.exit(main())
