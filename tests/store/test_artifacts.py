"""Artifacts in the records."""

import threading

import pytest

from autolog.errors import NotFound
from autolog.store import (
    Kept,
    NewArtifact,
    Store,
    artifacts_of,
    delete_artifacts,
    find_artifact,
    has_artifact_at,
    record_artifact,
)

pytestmark = pytest.mark.core


@pytest.fixture
def new(store):
    """Makes what is to be recorded."""
    place = Kept(store).place("s3://bucket", "")

    def make(name="a", digest="blake3:1", **more):
        path = f"artifacts/{name}/{digest}"
        return NewArtifact(name, "json", place.id, path, digest, 3, more, "the first lines")

    return make


def test_artifacts_come_back_in_their_order(store, task, new):
    run, other = task(), task()
    record_artifact(store, other.id, new("b"))
    made = [record_artifact(store, run.id, new(name, lr=0.1)) for name in ("b", "a")]
    assert [before for _, before in made] == [None, None]
    found = artifacts_of(store, run.id)
    assert found == [after for after, _ in made]
    assert [(each.name, each.metadata, each.place.url) for each in found] == [
        ("b", {"lr": 0.1}, "s3://bucket"),
        ("a", {"lr": 0.1}, "s3://bucket"),
    ]
    assert find_artifact(store, run.id, "a") == found[1]


def test_the_same_name_again_replaces_it(store, task, new):
    run = task()
    first, _ = record_artifact(store, run.id, new(digest="blake3:1"))
    again, before = record_artifact(store, run.id, new(digest="blake3:2"))
    assert before == first
    assert (again.id, again.digest) == (first.id, "blake3:2")
    assert artifacts_of(store, run.id) == [again]
    assert not has_artifact_at(store, first.place.id, first.path)
    assert has_artifact_at(store, again.place.id, again.path)
    assert not has_artifact_at(store, again.place.id, again.path, besides=again.id)


def test_what_is_not_there(store, task, new):
    run = task()
    record_artifact(store, run.id, new("there"))
    with pytest.raises(NotFound, match="has no artifact 'thare'; it has 'there'"):
        find_artifact(store, run.id, "thare")
    for call in (
        lambda: record_artifact(store, "0" * 32, new()),
        lambda: artifacts_of(store, "0" * 32),
        lambda: find_artifact(store, "0" * 32, "a"),
    ):
        with pytest.raises(NotFound, match="no task has the id"):
            call()
    assert delete_artifacts(store, run.id, ["nothing"]) == []


def test_deleting(store, task, new):
    run = task()
    a, _ = record_artifact(store, run.id, new("a"))
    b, _ = record_artifact(store, run.id, new("b"))
    assert delete_artifacts(store, run.id, ["a", "missing", "a"]) == [a]
    assert artifacts_of(store, run.id) == [b]


def test_writers_of_one_name_leave_one_artifact(url, store, task, new):
    run = task()
    wanted = [new(digest=f"blake3:{number}") for number in range(8)]

    def write(each):
        opened = Store.open(url)
        record_artifact(opened, run.id, each)
        opened.close()

    threads = [threading.Thread(target=write, args=(each,)) for each in wanted]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (found,) = artifacts_of(store, run.id)
    assert found.digest in {each.digest for each in wanted}
