"""A real browser on real pages: Chromium from PATH or PLAYWRIGHT_CHROMIUM. Without it these tests fail."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from autolog.store import Store

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "web"), str(HERE)]

_SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-rasterization",
    "--disable-gpu-compositing",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Patience for what comes: a machine with other things to do shows it later.
expect.set_options(timeout=20_000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, closed at the end. Raises LookupError if there is none."""
    path = (
        os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if path is None:
        raise LookupError(
            "no Chromium on PATH or in PLAYWRIGHT_CHROMIUM; on Debian: apt-get install -y chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    try:
        with chromium() as browser:
            yield browser
    except LookupError as error:
        pytest.fail(str(error))


class Site:
    """`autolog ui` over a store of its own; `tab()` opens a page of it in a new profile."""

    def __init__(
        self, browser: Browser, home: Path, *arguments: str, count: int = 0, runs: Path | None = None
    ) -> None:
        from filling import fill
        from real_runs import copied

        home = self.home = home if runs is None else copied(runs, home)
        self.store = Store.open(f"sqlite:///{home}/autolog.db")
        if count:
            fill(self.store, count, newest=time.time() - 60)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autolog", "ui", "--no-browser", *arguments],
            env={**environment, "AUTOLOG_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=home,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.origin = self.address.split("/?")[0]
        self.said: list[str] = []
        self._browser = browser
        self._contexts: list[Any] = []

    def tab(self, path: str = "/models", **options: Any) -> Page:
        """A page. What the browser complains of, and what it asks others for, is noted in `said`."""
        context = self._browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        self._contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        page.goto(f"{self.origin}{path}{'&' if '?' in path else '?'}token={self.address.split('token=')[1]}")
        page.wait_for_url(re.compile(r"^(?!.*token=)"))
        return page

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", "blob:")):
            self.said.append(f"request: {url}")

    def tidy(self) -> list[str]:
        """Close all tabs; what was said since the last time."""
        for each in self._contexts:
            each.close()
        self._contexts.clear()
        said, self.said = self.said, []
        return said

    def close(self) -> None:
        self.tidy()
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=20)
        self.store.close()


@pytest.fixture(scope="session")
def _sites(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    made: dict[Any, Site] = {}
    # The processes of one session share it; who works on a page may have it filled once for many sessions.
    base = tmp_path_factory.getbasetemp()
    shared = base if os.environ.get("PYTEST_XDIST_WORKER") is None else base.parent
    runs = Path(os.environ.get("AUTOLOG_TEST_RUNS") or shared / "runs")

    def make(name: str, *arguments: str, count: int = 0, real: bool = False) -> Site:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = Site(browser, folder, *arguments, count=count, runs=runs if real else None)
        return made[name]

    yield make
    for each in made.values():
        each.close()


@pytest.fixture
def sites(_sites: Callable[..., Site]) -> Iterator[Callable[..., Site]]:
    """Makes sites, or gives those that other tests have made; nothing may have been said in the console."""
    used: dict[str, Site] = {}

    def make(name: str, *arguments: str, count: int = 0, real: bool = False) -> Site:
        used[name] = _sites(name, *arguments, count=count, real=real)
        return used[name]

    yield make
    said = [line for each in used.values() for line in each.tidy()]
    assert said == []


@pytest.fixture
def shared(sites: Callable[..., Site]) -> Site:
    """300 models that no test changes."""
    return sites("shared", count=300)


@pytest.fixture
def own(sites: Callable[..., Site], request: pytest.FixtureRequest) -> Site:
    """120 models of the test's own, to change."""
    return sites(request.node.name, count=120)


@pytest.fixture
def real(sites: Callable[..., Site]) -> Site:
    """What the runs of `real_runs` have left: seven tasks of five frameworks. No test changes it."""
    return sites("real", real=True)


@pytest.fixture
def own_real(sites: Callable[..., Site], request: pytest.FixtureRequest) -> Site:
    """The same for the test alone, to change."""
    return sites(request.node.name, real=True)


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in this hook, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All go to one worker (`--dist loadgroup`): they share sites, and a browser takes a whole processor."""
    for item in items:
        if Path(item.fspath).parent == HERE:
            item.add_marker(pytest.mark.xdist_group("browser"))
