"""How a run ends, learned without getting in its way.

An uncaught exception is what the interpreter leaves in `sys.last_value` before exit functions run. A
terminating signal is noted by `faulthandler`, in C: Python's own handlers stay exactly as the script
sees them, the signal kills as it would have, and a handler that the script installs replaces ours.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from .descriptors import Kept

__all__ = ["Ending"]

_SIGNALS = ("SIGTERM", "SIGHUP")


class Ending:
    """Watches how this process ends. `signal_path` receives something if a signal ends it."""

    def __init__(self, signal_path: str, *, interactive: bool) -> None:
        self._path = signal_path
        self._interactive = interactive
        self._code: int | None = None
        self._known = self._last_exception()
        self._files: dict[int, Kept] = {}

    def watch(self) -> None:
        """Begin to watch for terminating signals that the script leaves at their default."""
        import faulthandler

        if threading.current_thread() is not threading.main_thread():
            return
        for name in _SIGNALS:
            number = getattr(signal, name)
            if signal.getsignal(number) is signal.SIG_DFL:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                kept = self._files[number] = Kept(os.open(f"{self._path}.{name}", flags, 0o600))
                assert kept.number is not None  # it has just been opened
                faulthandler.register(number, file=kept.number, all_threads=False, chain=True)

    def unwatch(self) -> None:
        """Stop watching, and remove the file if no signal came."""
        import faulthandler

        while self._files:
            number, kept = self._files.popitem()
            if signal.getsignal(number) is signal.SIG_DFL:
                faulthandler.unregister(number)
            kept.close()

    def exiting(self, code: object) -> None:
        """`sys.exit(code)` was called."""
        if threading.current_thread() is threading.main_thread():
            self._code = 0 if code is None else code if isinstance(code, int) else 1

    def outcome(self) -> tuple[str, str]:
        """`(status, reason)` now that the interpreter is about to end."""
        error = self._last_exception()
        if error is not None and error is not self._known and not self._interactive:
            if isinstance(error, KeyboardInterrupt):
                return "stopped", "SIGINT"
            text = " ".join(str(error).split())
            return "failed", f"{type(error).__name__}: {text}"[:1000].rstrip(": ")
        if self._code in (130, 143):
            return "stopped", "SIGINT" if self._code == 130 else "SIGTERM"
        if self._code:
            return "failed", f"exit status {self._code}"
        return "completed", ""

    @staticmethod
    def _last_exception() -> BaseException | None:
        error = getattr(sys, "last_exc", None)
        return error if error is not None else getattr(sys, "last_value", None)
