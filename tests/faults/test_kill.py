"""A few rounds of `kill.py`, which has as many as one likes."""

import os
import random

import kill_keeping
import pytest
from kill import WHAT, WHO, one_round

pytestmark = [pytest.mark.core, pytest.mark.slow]

_ROUNDS = int(os.environ.get("AUTOLOG_TEST_ROUNDS", "20"))


def test_nothing_is_lost_silently(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first = random.randrange(1 << 30)
    for seed in range(first, first + _ROUNDS):
        print("seed", seed)
        one_round(tmp_path / str(seed), seed, WHO[seed % len(WHO)], random.Random(seed).choice(WHAT))


def test_no_kept_version_is_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first = random.randrange(1 << 30)
    for seed in range(first, first + _ROUNDS):
        print("seed", seed)
        kill_keeping.one_round(tmp_path / str(seed), seed, kill_keeping.WHO[seed % len(kill_keeping.WHO)])
