"""The operations of a pickle that differ only in how their value is written, by their codes."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from autolog.formats._standins import Bag, Pairs

__all__ = [
    "CONSTANTS",
    "EMPTIES",
    "EXTENSIONS",
    "MEMO_READS",
    "MEMO_WRITES",
    "NUMBERS",
    "SIZED",
    "TUPLES",
]

CONSTANTS = {ord("N"): None, 0x88: True, 0x89: False}
NUMBERS = {ord("J"): Struct("<i"), ord("K"): Struct("<B"), ord("M"): Struct("<H"), ord("G"): Struct(">d")}
TUPLES = {ord(")"): 0, 0x85: 1, 0x86: 2, 0x87: 3}
EMPTIES: dict[int, Callable[[], object]] = {ord("]"): list, ord("}"): Pairs, 0x8F: Bag}
MEMO_READS = {ord("h"): Struct("<B"), ord("j"): Struct("<I")}
MEMO_WRITES = {ord("q"): Struct("<B"), ord("r"): Struct("<I")}
EXTENSIONS = {0x82: Struct("<B"), 0x83: Struct("<H"), 0x84: Struct("<i")}
SIZED = {
    0x8C: (Struct("<B"), "utf-8"),
    ord("X"): (Struct("<I"), "utf-8"),
    0x8D: (Struct("<Q"), "utf-8"),
    ord("U"): (Struct("<B"), "latin-1"),
    ord("T"): (Struct("<i"), "latin-1"),
    ord("C"): (Struct("<B"), "bytes"),
    ord("B"): (Struct("<I"), "bytes"),
    0x8E: (Struct("<Q"), "bytes"),
    0x96: (Struct("<Q"), "bytes"),
    0x8A: (Struct("<B"), "int"),
    0x8B: (Struct("<i"), "int"),
}
