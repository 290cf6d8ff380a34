"""A few rounds of `kill.py`, which has as many as one likes."""

import os
import random

import pytest
from kill import WHAT, WHO, one_round

pytestmark = pytest.mark.core

_ROUNDS = int(os.environ.get("AUTOLOG_TEST_ROUNDS", "20"))


@pytest.mark.parametrize("who", WHO)
def test_nothing_is_lost_silently(tmp_path, monkeypatch, who):
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first = random.randrange(1 << 30)
    for seed in range(first, first + _ROUNDS):
        print("seed", seed)
        one_round(tmp_path / str(seed), seed, who, random.Random(seed).choice(WHAT))
