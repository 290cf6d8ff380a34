"""Pages over a store of their own, asked without a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from autolog import config
from autolog.store import Kept, Store
from autolog.web import Options, create_app

sys.path.insert(0, str(Path(__file__).parent))

ORIGIN = "http://127.0.0.1:8265"


class Pages:
    """An app and a browser that has come in; `stranger` hasn't."""

    def __init__(self, store: Store, settings: config.Settings, options: Options) -> None:
        self.store = store
        self.options = options
        self.app = create_app(store, Kept(store), settings, options)
        self.stranger = TestClient(
            self.app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False
        )
        self.client = TestClient(self.app, base_url=ORIGIN, raise_server_exceptions=False)
        self.client.headers["cookie"] = f"{options.cookie}={options.session}"

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def html(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def names(self, query: str = "", base: str = "/models") -> list[str]:
        """The names in a table."""
        return [each["name"] for each in self.json(f"{base}.json{query}")["models"]]

    def post(self, path: str, body: Any, **headers: str) -> Any:
        sent = {"origin": ORIGIN, "x-csrf-token": self.options.csrf, **headers}
        return self.client.post(path, json=body, headers={k: v for k, v in sent.items() if v})

    def act(self, action: str, **body: Any) -> Any:
        answer = self.post(f"/models/actions/{action}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and nothing of the developer's settings."""
    for name in [each for each in os.environ if each.startswith(("AUTOLOG_", "_AUTOLOG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path / "home"


@pytest.fixture
def make_pages(home: Path) -> Iterator[Callable[..., Pages]]:
    """Makes pages over a new store: `make_pages(count=30, read_only=True)`."""
    opened = []

    def make(count: int = 0, url: str = "", **options: Any) -> Pages:
        from filling import fill

        store = Store.open(url or f"sqlite:///{home}/autolog.db")
        opened.append(store)
        if count:
            fill(store, count)
        settings = config.load(home=str(home))
        return Pages(store, settings, Options(port=8265, **options))

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def pages(make_pages: Callable[..., Pages]) -> Pages:
    """Pages over 120 models, two of them in the archive."""
    return make_pages(120)
