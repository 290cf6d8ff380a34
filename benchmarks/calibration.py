"""What the machine itself does in this very run, so that figures of two runs can be compared."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from .peers import BARE
from .processes import Sandbox

__all__ = ["machine", "measure"]


def measure(sandbox: Sandbox) -> dict[str, float]:
    """Memory copy, blake3 and a buffered write of 256 MB, in GB/s."""
    return sandbox.run("speed", BARE, {"size": "256 MB"}).result


def machine(sandbox: Sandbox) -> dict[str, Any]:
    """Cores, memory in bytes, load, kernel, Python, and the file system the scripts write to."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    folder = sandbox.folder.resolve()
    holding = [(len(at), kind) for _, at, kind, *_ in mounts if folder.is_relative_to(at)]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load": os.getloadavg()[0],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "file_system": max(holding)[1] if holding else "unknown",
    }
