"""A folder as a place that keeps bytes."""

import os

import pytest

from autolog.content import open_place
from autolog.errors import DestinationError

pytestmark = pytest.mark.core


@pytest.mark.parametrize("is_ours", [True, False])
def test_publishing_the_same_file_again_leaves_nothing_beside_it(tmp_path, is_ours):
    source = tmp_path / "source"
    source.write_bytes(b"weights")
    place = open_place(str(tmp_path / "place"))
    for _ in range(3):
        place.publish("v1/net.pt", str(source), is_ours=is_ours)
    assert os.listdir(tmp_path / "place" / "v1") == ["net.pt"]
    assert place.read("v1/net.pt", 0, 7) == b"weights"


def test_a_file_that_can_not_be_published_leaves_nothing_either(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"weights")
    place = open_place(str(tmp_path / "place"))
    (tmp_path / "place" / "v1" / "net.pt").mkdir(parents=True)
    with pytest.raises(DestinationError, match="can't be written"):
        place.publish("v1/net.pt", str(source), is_ours=True)
    assert os.listdir(tmp_path / "place" / "v1") == ["net.pt"]
