"""A task in this very process, with a home of its own."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder, a home and a configuration of its own; nothing goes on in it afterwards."""
    import autolog
    from autolog.capture import callbacks
    from autolog.sdk import _records, output_model

    for name in [each for each in os.environ if each.startswith("AUTOLOG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield work
    if autolog.current_task() is not None:
        autolog.current_task().close()
    for _, store in _records._stores.values():
        store.close()
    _records._stores.clear()
    _records._opened.clear()
    output_model._default_destination[0] = ""
    for each in (callbacks.pre, callbacks.post):
        each.clear()


@pytest.fixture
def task(here):
    """The task of this process."""
    import autolog

    return autolog.init("lab", "trial")


@pytest.fixture
def weights(here):
    """Makes a file of weights of its own: `weights("a.bin")`."""

    def make(name="w.bin", data=None):
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(2000) if data is None else data)
        return path

    return make
