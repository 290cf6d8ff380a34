"""Places that keep bytes: what is put there, and what is fetched."""

import os

import pytest

from autolog.content import open_place
from autolog.errors import DestinationError


@pytest.mark.core
@pytest.mark.parametrize("is_ours", [True, False])
def test_publishing_the_same_file_again_leaves_nothing_beside_it(tmp_path, is_ours):
    source = tmp_path / "source"
    source.write_bytes(b"weights")
    place = open_place(str(tmp_path / "place"))
    for _ in range(3):
        place.publish("v1/net.pt", str(source), is_ours=is_ours)
    assert os.listdir(tmp_path / "place" / "v1") == ["net.pt"]
    assert place.read("v1/net.pt", 0, 7) == b"weights"


@pytest.mark.core
def test_a_file_that_can_not_be_published_leaves_nothing_either(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"weights")
    place = open_place(str(tmp_path / "place"))
    (tmp_path / "place" / "v1" / "net.pt").mkdir(parents=True)
    with pytest.raises(DestinationError, match="can't be written"):
        place.publish("v1/net.pt", str(source), is_ours=True)
    assert os.listdir(tmp_path / "place" / "v1") == ["net.pt"]


def test_a_file_that_a_url_is_itself_tells_how_much_of_it_has_come(s3, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(os.urandom(12_000_000))
    open_place(s3.url).publish("net.pt", str(source))
    told = []
    open_place(f"{s3.url}/net.pt").fetch("", str(tmp_path / "target"), told.append)
    assert (tmp_path / "target").read_bytes() == source.read_bytes()
    assert sum(told) == 12_000_000
    assert len([each for each in told if each]) > 1
    with pytest.raises(DestinationError) as failed:
        open_place(f"{s3.url}/nothing.pt").fetch("", str(tmp_path / "target"))
    assert isinstance(failed.value.__cause__, FileNotFoundError)
