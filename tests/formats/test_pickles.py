"""Plain pickles without any framework: names, details, several pickles in one file."""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict, defaultdict

import pytest

from autolog.formats import inspect

pytestmark = pytest.mark.core


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_details_are_the_plain_entries(look, protocol):
    made = {
        "loss": 0.25,
        "nan": math.nan,
        "name": "x" * 300,
        "big": 1 << 80,
        "epoch": 7,
        "list": [1],
        "no": None,
        "t": True,
    }
    found = look(pickle.dumps(made, protocol), "checkpoint.pkl")
    assert found.format == "pickle"
    assert found.parameters is None
    assert next(iter(found.details)) == "epoch"
    assert found.details == {
        "epoch": 7, "loss": 0.25, "nan": "nan", "name": "x" * 200, "big": hex(1 << 80), "no": None, "t": True
    }  # fmt: skip


@pytest.mark.parametrize("kind", [OrderedDict, lambda pairs: defaultdict(list, pairs), dict])
def test_every_kind_of_mapping(look, kind):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert look(pickle.dumps(kind({"step": 3}), protocol), "a.pkl").details == {"step": 3}


def test_details_are_bounded(look):
    found = look(pickle.dumps({f"key{index}": index for index in range(500)} | {"epoch": 1}))
    assert len(found.details) == 50
    assert found.details["epoch"] == 1


def test_lone_surrogates_become_text_that_can_be_stored(look):
    found = look(pickle.dumps({"k\ud800": "v\udfff"}))
    assert found.details == {"k?": "v?"}


def test_long_texts_and_bytes_are_stepped_over(look):
    made = {"epoch": 2, "text": "ä" * 100_000, "raw": bytes(1 << 20), "array": bytearray(1 << 20), "after": 5}
    assert look(pickle.dumps(made, 5)).details == {"epoch": 2, "after": 5}


def test_several_pickles_in_one_file(look):
    data = pickle.dumps({"a": 1}) + pickle.dumps([1]) + pickle.dumps(OrderedDict())
    assert look(data).format == "pickle"


def test_a_cut_second_pickle_is_truncated(any_outcome):
    data = pickle.dumps({"a": 1}) + pickle.dumps([1])
    assert "truncated" in any_outcome(data[:-3])


def test_the_class_of_an_object_is_told(look):
    data = b"\x80\x02cmy.models\nNet\n)\x81}X\x01\x00\x00\x00aK\x01sb."
    assert look(data).details == {"class": "my.models.Net", "imports": ["my.models.Net"]}


def test_text_files_are_no_pickles():
    for text in (b"(see below).", b"Copyright.\n", b"cc\ncc\n.", b"]", b"I am a text."):
        found = inspect(io.BytesIO(text), "notes.txt")
        assert found is None or not found.dangerous
