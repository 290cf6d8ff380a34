"""What comes from others is what was released, with its licence beside it."""

import hashlib
import json
from pathlib import Path

import pytest

import autolog.web

pytestmark = pytest.mark.core

PLACES = [
    Path(autolog.web.__file__).parent / "static" / "vendor",
    Path(__file__).parents[1] / "browser" / "vendor",
]


@pytest.mark.parametrize("place", PLACES, ids=["pages", "tests"])
def test_checksums(place):
    listed = json.loads((place / "vendored.json").read_text())
    named = set()
    for package in listed:
        assert package["licence"]
        assert package["licence_file"] in package["files"]
        for name, checksum in package["files"].items():
            assert hashlib.sha256((place / name).read_bytes()).hexdigest() == checksum, name
            named.add(name)
    assert named | {"vendored.json"} == {each.name for each in place.iterdir()}


def test_our_own_scripts_are_small():
    for script in PLACES[0].parent.glob("*.js"):
        assert len(script.read_text().splitlines()) < 150, script.name
