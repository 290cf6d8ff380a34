"""Where a command's words go: data to stdout, messages to stderr, and nothing to a reader who left."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["emit", "emit_json", "is_terminal", "progress", "safe", "say"]

#: What takes longer than this many seconds shows how far it is.
_PATIENCE = 1.0


def emit(text: str) -> None:
    """Write data to stdout, a newline added.

    A reader that has had enough (`| head`) is told no more; the command goes on, and ends as it would have:
    it may be about to do what it was asked for.
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit_json(value: Any) -> None:
    """Write a value as JSON; in ASCII, so that no terminal's encoding can spoil it."""
    emit(json.dumps(value, indent=2))


def say(line: str) -> None:
    """Write one line of ours to stderr."""
    try:
        sys.stderr.write(f"autolog: {' '.join(safe(line).split())}\n")
    except BrokenPipeError:
        return


@contextmanager
def progress(title: str, total: int | None = None, *, unit: str = "bytes") -> Iterator[Callable[[int], None]]:
    """Show on a terminal's stderr how far something is, if it takes longer than a second.

    Gives what is to be called with each further number of `unit`; without a `total` the end isn't known.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), count, console=Console(stderr=True), transient=True
    )
    task = bar.add_task(title, total=total)
    lock = threading.Lock()
    is_over = False

    def show() -> None:
        with lock:
            if not is_over:
                bar.start()

    timer = threading.Timer(_PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done: bar.advance(task, done)
    finally:
        timer.cancel()
        with lock:
            is_over = True
            bar.stop()


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def safe(text: str) -> str:
    """Text without control characters: a file's name must not move somebody's cursor."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in text
    )
