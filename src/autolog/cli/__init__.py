"""The command `autolog`: one file per command, data on stdout, messages on stderr.

Importing this package imports nothing else: `autolog run` puts a part of it into the script's own
process (see `_boot`), where neither click nor the store has any business.
"""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["EXITS", "main"]

#: What an exit status says; documented in docs/json.md.
EXITS = {
    "fine": 0,
    "difference": 1,
    "usage": 2,
    "partly": 3,
    "not found": 4,
    "ambiguous": 5,
    "failure": 9,
    "no store": 10,
    "locked": 11,
    "integrity": 12,
    "interrupted": 130,
}


def main() -> NoReturn:
    """Run the command line and exit with its status; an error of ours is one line on stderr."""
    from ._group import call

    sys.exit(call())
