"""Which number a version has, and which versions a save has written over."""

import pytest

from autolog.events import FileFacts, Saved, Started
from autolog.store import Look, Writer, alias

pytestmark = pytest.mark.core


class Machine:
    """One task on a host, whose saves say when and into which file."""

    def __init__(self, store, host="a", name="train"):
        self.store = store
        self.writer = Writer(store)
        self.name = name
        self.id = host * 32
        self.writer.started(Started(self.id, 1.0, "p", name, "/x/train.py", host=host), 1.0)

    def save(self, path, when, inode=None, digest=None, device=1):
        number = int(when * 10)
        facts = None if inode == 0 else FileFacts(device, inode or number, 10, number, number)
        event = Saved(f"{self.name}-{number}", when, "PyTorch", "torch:save", "file", path, facts, 10)
        self.writer.saved(self.id, event, look_at(path, digest or f"d{when:g}"))
        return event

    def move(self, *moves):
        """These saves `(event, path)` are elsewhere now."""
        self.writer.moved([(event.id, look_at(path), False) for event, path in moves])


def look_at(path, digest=None):
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return Look(digest, path, key=path, stem=stem)


def versions(store):
    """{model's name: [(version, when it was saved), ...]}"""
    records = [store.model(each.id) for each in store.models()]
    return {each.name: [(s.version, s.created) for s in each.snapshots] for each in records}


def states(store):
    """{(model's name, version): state}"""
    records = [store.model(each.id) for each in store.models()]
    return {(each.name, s.version): s.state for each in records for s in each.snapshots}


# -- numbers ------------------------------------------------------------------------------------------


def test_one_that_joins_versions_that_were_recorded_in_another_order(store):
    run = Machine(store)
    # Two threads save to one path.
    for when in (30.0, 20.0, 40.0):
        run.save("/x/a.pt", when)
    late, other = run.save("/x/a.tmp", 25.0), run.save("/x/b.tmp", 26.0)
    run.move((late, "/x/a.pt"), (other, "/x/b.pt"))
    assert versions(store) == {
        "train - a": [(1, 25.0), (2, 30.0), (3, 20.0), (4, 40.0)],
        "train - b": [(1, 26.0)],
    }


def test_a_number_stays_a_minute_after_its_version_was_saved(store):
    run = Machine(store)
    run.save("/x/best.pt", 70.0)
    first, second = run.save("/x/one.pt", 1.0), run.save("/x/two.pt", 50.0)
    other = run.save("/x/c.tmp", 55.0)
    run.move((first, "/x/best.pt"))
    assert versions(store)["train - best"] == [(1, 70.0), (2, 1.0)]
    run.move((second, "/x/best.pt"), (other, "/x/c.pt"))
    # The second one would be before the first version, but the first one's number is fixed by then.
    assert versions(store) == {
        "train - best": [(1, 70.0), (2, 1.0), (3, 50.0)],
        "train - c": [(1, 55.0)],
    }


def test_what_is_said_of_a_version_follows_its_number(store):
    run = Machine(store)
    run.save("/x/a.pt", 30.0)
    run.save("/x/a.pt", 20.0)
    [model] = store.models()
    alias(store, model.id, "best", 2)
    run.move((run.save("/x/a.tmp", 25.0), "/x/a.pt"))
    assert store.model(model.id).aliases == {"best": 3}
    assert versions(store)["train - a"] == [(1, 25.0), (2, 30.0), (3, 20.0)]


# -- names --------------------------------------------------------------------------------------------


def model_called(store, name):
    [found] = [store.model(each.id) for each in store.models() if each.name == name]
    return found


def test_an_alias_goes_where_its_version_goes(store):
    run = Machine(store)
    run.save("/x/a.pt", 10.0)
    event = run.save("/x/b.tmp", 20.0)
    alias(store, model_called(store, "train - b").id, "best", 1)
    run.move((event, "/x/a.pt"))
    [model] = store.models()
    assert (model.name, model.aliases) == ("train - a", {"best": 2})
    assert store.find_model("a@best") == (model.id, 2)


def test_an_alias_that_is_taken_there_stays_with_its_version(store):
    run = Machine(store)
    run.save("/x/a.pt", 10.0)
    event = run.save("/x/b.tmp", 20.0)
    alias(store, model_called(store, "train - a").id, "best", 1)
    for name in ("best", "latest"):
        alias(store, model_called(store, "train - b").id, name, 1)
    run.move((event, "/x/a.pt"))
    [model] = store.models()
    assert model.aliases == {"best": 1, "latest": 2}


# -- hosts --------------------------------------------------------------------------------------------


def test_a_path_on_another_machine_is_another_file(store):
    here, there = Machine(store, "a", "here"), Machine(store, "b", "there")
    here.save("/workspace/model.pt", 10.0, inode=11)
    there.save("/workspace/model.pt", 20.0, inode=22)
    assert set(states(store).values()) == {"at_path"}
    # An inode is nothing without its path there, either, and each may write over its own.
    there.save("/workspace/other.pt", 30.0, inode=11)
    here.save("/workspace/model.pt", 40.0, inode=12)
    assert states(store) == {
        ("here - model", 1): "overwritten",
        ("here - model", 2): "at_path",
        ("there - model", 1): "at_path",
        ("there - other", 1): "at_path",
    }


def test_a_file_that_is_moved_to_a_path_of_another_machine(store):
    here, there = Machine(store, "a", "here"), Machine(store, "b", "there")
    event = here.save("/workspace/model.tmp", 10.0, inode=11)
    there.save("/workspace/model.pt", 20.0, inode=22)
    here.move((event, "/workspace/model.pt"))
    assert states(store) == {("here - model", 1): "at_path", ("there - model", 1): "at_path"}
    # The same on one machine: what was saved there later has replaced it.
    event = here.save("/workspace/again.tmp", 30.0, inode=33)
    here.save("/workspace/again.pt", 40.0, inode=44)
    here.move((event, "/workspace/again.pt"))
    again = {key: state for key, state in states(store).items() if key[0] == "here - again"}
    assert again == {("here - again", 1): "overwritten", ("here - again", 2): "at_path"}


def test_a_file_in_a_folder_that_machines_share_is_written_over(store):
    here, there = Machine(store, "a", "here"), Machine(store, "b", "there")
    here.save("/shared/model.pt", 10.0, inode=11, device=40)
    there.save("/shared/model.pt", 20.0, inode=11, device=52)
    assert states(store) == {("here - model", 1): "overwritten", ("there - model", 1): "at_path"}


def test_a_url_is_the_same_from_everywhere(store):
    here, there = Machine(store, "a", "here"), Machine(store, "b", "there")
    here.save("s3://bucket/model.pt", 10.0, inode=0)
    there.save("s3://bucket/model.pt", 20.0, inode=0)
    assert states(store) == {("here - model", 1): "overwritten", ("there - model", 1): "at_path"}
