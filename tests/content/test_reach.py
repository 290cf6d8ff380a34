"""What a place's driver is given, how often something is tried, and what an error says."""

import os

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from autolog.content import Reach, open_place
from autolog.errors import DestinationError

pytestmark = pytest.mark.core


class Moody(MemoryFileSystem):
    """A driver that refuses to write as often as its option says."""

    protocol = "moody"
    cachable = False

    def __init__(self, refusals=0, secret="", **options):
        super().__init__(**options)
        self.refusals = refusals
        self.secret = secret

    def put_file(self, *arguments, **options):
        if self.refusals:
            self.refusals -= 1
            raise OSError(f"not with {self.secret}")
        return super().put_file(*arguments, **options)


@pytest.fixture
def url(monkeypatch):
    fsspec.register_implementation("moody", Moody, clobber=True)
    return f"moody://{os.urandom(4).hex()}"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"weights")
    return str(path)


@pytest.mark.parametrize(
    ("url", "chosen"),
    [
        ("s3://a", "a"),
        ("s3://a/b", "b"),
        ("s3://a/b/c", "below"),
        ("s3://a/bc", "a"),
        ("s3://ab", "all"),
        ("gs://a", None),
    ],
)
def test_the_longest_beginning_counts(url, chosen):
    prefixes = {"s3://": "all", "s3://a/b/": "below", "s3://a": "a", "s3://a/b": "b"}
    reach = Reach({prefix: {"of": name} for prefix, name in prefixes.items()})
    assert reach.options_for(url).get("of") == chosen


def test_what_fails_is_tried_again_as_often_as_said(url, file):
    place = open_place(url, Reach({url: {"refusals": 2}}, retries=2))
    place.publish("x", file)
    assert place.read("x", 0, 7) == b"weights"
    with pytest.raises(DestinationError, match="can't be written"):
        open_place(url, Reach({url: {"refusals": 2}}, retries=1)).publish("y", file)
    assert open_place(url).size("y") is None


def test_an_error_shows_no_secret(url, file):
    place = open_place(url, Reach({url: {"refusals": 9, "secret": "hunter2"}}, retries=0))
    with pytest.raises(DestinationError, match=r"not with \*\*\*") as caught:
        place.publish("x", file)
    assert "hunter2" not in str(caught.value)


def test_an_option_that_the_driver_does_not_know_is_said(url):
    fsspec.register_implementation("moody", Strict, clobber=True)
    with pytest.raises(DestinationError, match="unheard_of"):
        open_place(url, Reach({url: {"unheard_of": 1}}))


class Strict(MemoryFileSystem):
    """A driver that takes no option but our own."""

    protocol = "moody"

    def __init__(self, use_listings_cache=True):
        super().__init__()
