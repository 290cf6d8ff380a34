"""What every room of the tests shares: the lab, where scripts run with capture on in a home of their own."""

import signal
import sys
from pathlib import Path

import pytest

# A job in the background inherits signals that are ignored, and so would every script that a test starts.
for _signal in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _signal == signal.SIGINT else signal.SIG_DFL)

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE / "toy"), str(_HERE / "faults")]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A home, a working folder and scripts in it; nothing of ours may be left running afterwards."""
    from toylab import Lab

    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("AUTOLOG_HOME", "AUTOLOG_STORE", "AUTOLOG_PROJECT", "AUTOLOG_TASK"):
        monkeypatch.delenv(name, raising=False)
    lab = Lab(tmp_path)
    yield lab
    lab.close()
