"""The modules beside the hard cases and beside these tests' folder can be imported by these tests."""

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS / "hard"), str(_TESTS)]
