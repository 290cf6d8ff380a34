"""The one guard: swallows and records our faults, raises them in strict mode, lets the user's pass."""

import pytest

from autolog import _guard

pytestmark = pytest.mark.core


@pytest.fixture
def lenient(monkeypatch):
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    monkeypatch.setattr(_guard, "_told", set())
    _guard.faults.clear()


def test_a_fault_is_swallowed_told_once_and_recorded(lenient, capsys):
    seen = []
    forget = _guard.report_to(seen.append)
    for number in range(3):
        with _guard.guard("do a thing"):
            raise ValueError(f"number\n{number}")
    forget()
    assert [fault.error for fault in seen] == [
        "ValueError: number 0",
        "ValueError: number 1",
        "ValueError: number 2",
    ]
    assert "test_guard.py" in seen[0].traceback
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "could not do a thing" in lines[0]
    assert "autolog doctor" in lines[0]


def test_strict_mode_raises(monkeypatch):
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    with pytest.raises(ValueError, match="x"), _guard.guard("do a thing"):
        raise ValueError("x")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_the_users_passes(lenient, kind):
    with pytest.raises(kind), _guard.guard("do a thing"):
        raise kind


def test_a_recorder_of_faults_that_fails_does_no_harm(lenient, capsys):
    def broken(fault):
        raise RuntimeError("the recorder itself")

    forget = _guard.report_to(broken)
    with _guard.guard("do a thing"):
        raise ValueError("x")
    forget()
    assert [fault.where for fault in _guard.faults] == ["do a thing", "recording a fault"]


def test_an_error_without_a_text_does_no_harm(lenient, capsys):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    with _guard.guard("do a thing"):
        raise Silent
    assert _guard.faults[-1].error == "Silent: (no message)"


def test_a_closed_stderr_does_no_harm(lenient, monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with _guard.guard("do a thing"):
        raise ValueError("x")
    assert len(_guard.faults) == 1
