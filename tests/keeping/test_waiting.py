"""What waits keeps all that it needs, whatever becomes of the other versions that it shares bytes with."""

import os
import shutil
import time

import pytest

from autolog.agent.told import Told
from autolog.agent.waiting import send_leftovers
from autolog.content import alone, read_item
from autolog.errors import DestinationError
from autolog.events import Started
from autolog.keeping import collect, forecast, remove, repack, restore, verify
from autolog.store import Going, Writer, forget_task
from autolog.store import remove as remove_records

pytestmark = pytest.mark.core

SIZE = 400_000


def waits(keep, data, path="/x/last.pt"):
    """A version that is put aside and recorded as one that waits."""
    staged = keep.stage(data, path)
    keep.kept.note(staged.facts["event"], "waiting")
    silent_for(keep, 0)
    return staged


def silent_for(keep, seconds):
    """The agent of the task was last heard of so long ago."""
    Writer(keep.store).heartbeat(keep.task, time.time() - seconds)


def begin(keep, name):
    """Another task goes on in the same home, and knows nothing of what the one before has sent."""
    keep.seen.clear()
    keep.task = os.urandom(16).hex()
    Writer(keep.store).started(Started(keep.task, 3.0, "digits", name, "/x/train.py"), 3.0)


def held(keep):
    """How many packs tasks hold that they haven't brought."""
    with keep.store._reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM holds").scalar()


def sent(keep, *items):
    """Send what an earlier process has put aside, as that reads it."""
    for each in items:
        assert keep.send(read_item(each.folder))
        shutil.rmtree(each.folder)


def came_back(keep, tmp_path):
    """The bytes of all versions that are there."""
    found = []
    for each in keep.snapshots:
        if each.keeping == "kept":
            restore(each, keep.kept, keep.home, str(tmp_path / f"restored-{each.id}"))
            found.append((tmp_path / f"restored-{each.id}").read_bytes())
    assert list(verify(keep.kept, keep.home, deep=True)) == []
    return found


def on_disk(keep):
    """How many bytes of chunks wait, each file counted once."""
    found = {}
    for here, _, names in os.walk(os.path.join(keep.home, "waiting")):
        for name in names:
            if name.startswith("chunks"):
                status = os.stat(os.path.join(here, name))
                found[status.st_ino] = status.st_size
    return sum(found.values())


def test_what_a_removed_version_brought_stays_for_those_that_share_it(keep, tmp_path):
    keep, data = keep(), os.urandom(SIZE)
    items = [waits(keep, data + bytes([number])) for number in range(3)]
    assert on_disk(keep) < 2 * SIZE
    keep.end()
    remove(keep.store, keep.home, keep.kept, Going([keep.snapshots[0].id]))
    assert not keep.send(read_item(items[0].folder))
    shutil.rmtree(items[0].folder)
    sent(keep, *items[1:])
    assert came_back(keep, tmp_path) == [data + b"\1", data + b"\2"]


def test_any_order_and_any_that_are_missing(keep, tmp_path):
    keep, data = keep(), os.urandom(SIZE)
    items = [waits(keep, data + bytes([number]) * 1000) for number in range(5)]
    for gone in (0, 2):
        shutil.rmtree(items[gone].folder)
    sent(keep, items[4], items[1], items[3])
    assert came_back(keep, tmp_path) == [data + bytes([number]) * 1000 for number in (1, 3, 4)]


def test_of_a_file_that_little_is_needed_of_that_little_is_copied(keep, tmp_path):
    keep, data = keep(), os.urandom(4 * SIZE)
    first = waits(keep, data)
    # Chunks of the beginning alone.
    second = waits(keep, data[:SIZE] + os.urandom(SIZE))
    shutil.rmtree(first.folder)
    assert on_disk(keep) <= 2 * SIZE
    sent(keep, second)
    assert len(came_back(keep, tmp_path)) == 1


def test_where_a_file_has_one_name_only_it_is_put_aside_again(keep, tmp_path, monkeypatch):
    def refused(*arguments, **options):
        raise PermissionError(1, "Operation not permitted")

    keep, data = keep(), os.urandom(SIZE)
    monkeypatch.setattr(os, "link", refused)  # as file systems without hard links do
    items = [waits(keep, data + bytes([number])) for number in range(2)]
    monkeypatch.undo()
    shutil.rmtree(items[0].folder)
    sent(keep, items[1])
    assert came_back(keep, tmp_path) == [data + b"\1"]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_what_was_sent_is_not_put_aside_again(keep, tmp_path, request, database):
    url = None if database == "sqlite" else request.getfixturevalue("postgres").url
    keep, data = keep(url=url), os.urandom(SIZE)
    sent(keep, waits(keep, data))
    again = waits(keep, data)
    assert on_disk(keep) == 0
    sent(keep, again)
    assert came_back(keep, tmp_path) == [data, data]


def test_collecting_leaves_what_a_waiting_version_needs(keep, tmp_path):
    keep, data = keep(), os.urandom(SIZE)
    sent(keep, waits(keep, data), waits(keep, os.urandom(SIZE)))
    best = waits(keep, data, "/x/best.pt")
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "by rule")
    assert collect(keep.kept, keep.home).freed == 0
    repack(keep.kept, keep.home)
    sent(keep, best)
    assert came_back(keep, tmp_path)[-1] == data
    # And then it goes by the same rules as anything else.
    keep.kept.drop([keep.snapshots[2].id], "by rule")
    assert collect(keep.kept, keep.home).freed >= SIZE


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("way", ["dropped", "removed", "records alone"])
def test_what_another_task_brought_stays_too(keep, tmp_path, request, way, database):
    """The chunks lie in a pack of another task, whose version goes, and so does our own that was kept."""
    url = None if database == "sqlite" else request.getfixturevalue("postgres").url
    keep, data = keep(url=url), os.urandom(SIZE)
    sent(keep, waits(keep, data, "/x/theirs.pt"))
    keep.end()
    begin(keep, "second")
    sent(keep, waits(keep, data, "/x/ours.pt"))
    best = waits(keep, data, "/x/best.pt")
    keep.end()
    ids = [each.id for each in keep.snapshots[:2]]
    # Theirs last: who looks at the packs' tasks sees none that counts on them.
    for each in (ids[1:], ids[:1]):
        if way == "dropped":
            keep.kept.drop(each, "by rule")
        elif way == "removed":
            remove(keep.store, keep.home, keep.kept, Going(each))
        else:
            remove_records(keep.store, each)
        collect(keep.kept, keep.home)
    sent(keep, best)
    assert came_back(keep, tmp_path) == [data]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_pack_that_two_tasks_count_on_stays_until_both_are_over(keep, tmp_path, request, database):
    """One has brought it, and ends before the other; each had kept a version that needs it."""
    url = None if database == "sqlite" else request.getfixturevalue("postgres").url
    keep, data = keep(url=url), os.urandom(SIZE)
    sent(keep, waits(keep, data, "/x/theirs.pt"))
    theirs = keep.task
    begin(keep, "second")
    sent(keep, waits(keep, data, "/x/ours.pt"))
    best = waits(keep, data, "/x/best.pt")
    keep.kept.drop([each.id for each in keep.snapshots[:2]], "by rule")
    Writer(keep.store).ended(theirs, "completed", "", 4.0)
    assert collect(keep.kept, keep.home).freed == 0
    Writer(keep.store).heartbeat(theirs, 1.0)
    keep.end()  # and the bytes still wait
    repack(keep.kept, keep.home)
    assert collect(keep.kept, keep.home).freed == 0
    sent(keep, best)
    assert came_back(keep, tmp_path) == [data]
    assert held(keep) == 1
    keep.kept.drop([keep.snapshots[2].id], "by rule")
    assert collect(keep.kept, keep.home).freed >= SIZE
    assert held(keep) == 0


def test_a_task_that_is_removed_holds_nothing(keep):
    keep, data = keep(), os.urandom(SIZE)
    sent(keep, waits(keep, data, "/x/theirs.pt"))
    theirs = keep.task
    begin(keep, "second")
    sent(keep, waits(keep, data, "/x/ours.pt"))
    remove(keep.store, keep.home, keep.kept, Going((), [keep.snapshots[1].model_id]))
    assert held(keep) == 1
    keep.end()
    forget_task(keep.store, keep.task)
    assert held(keep) == 0
    assert [each.keeping for each in keep.snapshots] == ["kept"]
    assert theirs in {each.id for each in keep.store.tasks()}


@pytest.mark.parametrize(
    ("silent", "made", "is_left"),
    [(3600, 30 * 86400, True), (30 * 86400, 3600, True), (30 * 86400, 30 * 86400, False)],
)
@pytest.mark.parametrize("brought", [True, False])
def test_what_waits_for_long_and_is_never_sent_keeps_no_bytes(keep, silent, made, is_left, brought):
    """Its folder, its home or its machine is gone."""
    keep, data = keep(), os.urandom(SIZE)
    if not brought:
        sent(keep, waits(keep, data, "/x/theirs.pt"))
        keep.end()
        silent_for(keep, 30 * 86400)
        begin(keep, "second")
    sent(keep, waits(keep, data))
    late = waits(keep, data)
    shutil.rmtree(late.folder)
    keep.end()
    keep.kept.drop([each.id for each in keep.snapshots[:-1]], "by rule")
    silent_for(keep, silent)
    with keep.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE snapshots SET created = {time.time() - made}")
    foreseen = forecast(keep.kept, keep.home).freed
    freed = collect(keep.kept, keep.home).freed
    assert (foreseen == 0, freed == 0) == (is_left, is_left)
    assert held(keep) == (is_left and not brought)


def steps(keep, action):
    """How many times fifty steps SQLite takes for it."""
    found = []
    with keep.store._engine.connect() as connection:
        connection.connection.driver_connection.set_progress_handler(lambda: found.append(1) and None, 50)
    action()
    with keep.store._engine.connect() as connection:
        connection.connection.driver_connection.set_progress_handler(None, 0)
    return len(found)


def test_a_task_of_many_events_takes_no_longer_to_collect(keep):
    """What nobody counts on is found without going through all that its task ever recorded."""
    keep, packs = keep(), 20
    for _ in range(packs):
        keep.save(os.urandom(1000))
    keep.end()
    few = steps(keep, lambda: collect(keep.kept, keep.home))
    with keep.store._writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO done (event_id, task_id) WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            f" SELECT 'more-' || i, '{keep.task}' FROM n"
        )
    many = steps(keep, lambda: collect(keep.kept, keep.home))
    assert few > 0
    assert many < 2 * few, (few, many)


def test_what_is_counted_on_is_asked_once_for_all_packs(keep, monkeypatch):
    keep, data = keep(), os.urandom(SIZE)
    for number in range(5):
        keep.save(data + bytes([number]) * 20_000)
    keep.end()
    asked = []
    counted_on = type(keep.kept).counted_on
    monkeypatch.setattr(type(keep.kept), "counted_on", lambda *given: asked.append(1) or counted_on(*given))
    for each in (collect, forecast, repack):
        each(keep.kept, keep.home)
    assert len(asked) == 3


@pytest.mark.parametrize(("silent", "is_left"), [(3600, True), (30 * 86400, False)])
def test_a_task_that_is_out_of_reach_counts_on_what_it_kept(keep, silent, is_left):
    """Its machine is off, or cut off from the store: what it has put aside isn't even recorded."""
    keep, data = keep(), os.urandom(SIZE)
    sent(keep, waits(keep, data))
    silent_for(keep, silent)
    keep.kept.drop([keep.snapshots[0].id], "by rule")
    assert (collect(keep.kept, keep.home).freed == 0) is is_left


def test_a_pack_that_somebody_counts_on_by_now_is_not_replaced(keep, tmp_path, monkeypatch):
    keep, data, other = keep(), os.urandom(SIZE), os.urandom(SIZE // 2)
    sent(keep, keep.stage_files({"a": data, "b": other}), keep.stage_files({"b": other}))
    late = waits(keep, data)
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "by rule")
    replace = type(keep.kept).replace
    monkeypatch.setattr(type(keep.kept), "counted_on", lambda self, place_id: set())  # asked too early
    asked = []
    monkeypatch.setattr(type(keep.kept), "replace", lambda *given: asked.append(1) or replace(*given))
    collect(keep.kept, keep.home)
    assert asked
    assert keep.send(read_item(late.folder))
    restore(keep.snapshots[2], keep.kept, keep.home, str(tmp_path / "late"))
    assert (tmp_path / "late").read_bytes() == data


def test_who_is_late_does_not_say_that_what_is_kept_waits(keep):
    keep = keep()
    staged = keep.save(os.urandom(1000))
    for said in ("waiting", "failed"):
        keep.kept.note(staged.facts["event"], said, "late")
        assert [each.keeping for each in keep.snapshots] == ["kept"]


def test_one_at_a_time_takes_on_what_waits(keep, tmp_path):
    folder = str(tmp_path / "item")
    with alone(folder) as first:
        assert not first  # it isn't there
    with alone(folder, wait=True) as first, alone(folder) as second:
        assert (first, second) == (True, False)
        shutil.rmtree(folder)
        with alone(folder) as third:
            assert not third
        with alone(folder, wait=True) as fourth:
            assert fourth  # it is another folder of that name
    assert os.path.exists(os.path.join(folder, "lock"))


@pytest.mark.parametrize("kind", ["packs", "files"])
def test_a_bucket_that_is_not_there_yet_is_waited_for(keep, tmp_path, s3, kind):
    url = f"s3://{s3.name}-later/prefix"
    keep = keep(content_store=url) if kind == "packs" else keep(output_uri=url)
    data = os.urandom(SIZE)
    staged = keep.stage(data)
    with pytest.raises(DestinationError, match="can't be written"):
        keep.send(staged)
    import fsspec

    fsspec.filesystem("s3").mkdir(f"{s3.name}-later")
    try:
        sent(keep, staged)
        assert came_back(keep, tmp_path) == [data]
    finally:
        fsspec.filesystem("s3").rm(f"{s3.name}-later", recursive=True)


def test_what_was_given_up_says_so_itself(keep):
    keep, data = keep(), os.urandom(SIZE)
    first, second = waits(keep, data), waits(keep, data + b"2")
    first.give_up("no room")
    assert os.listdir(first.folder) == ["item.json"]
    found = read_item(first.folder)
    assert (found.given_up, found.files, found.facts["event"]) == ("no room", (), first.facts["event"])
    sent(keep, second)
    assert [each.keeping for each in keep.snapshots] == ["waiting", "kept"]


def test_a_save_is_not_written_into_a_file_that_others_hold(keep, tmp_path):
    """A folder is used again: after a crash, an event is put aside once more."""
    from autolog.content import Staging

    keep, data = keep(), os.urandom(SIZE)
    first, second = waits(keep, data), waits(keep, data)
    assert os.stat(os.path.join(first.folder, "chunks")).st_nlink == 2
    staging = Staging(first.folder, {})
    assert os.listdir(first.folder) == ["chunks"]
    staging.abandon()
    sent(keep, second)
    assert came_back(keep, tmp_path) == [data]


def test_what_is_seen_to_wait_still_counts_for_longer(keep):
    keep, data = keep(), os.urandom(SIZE)
    sent(keep, waits(keep, data))
    late = waits(keep, data)
    keep.end()
    keep.kept.drop([each.id for each in keep.snapshots[:-1]], "by rule")
    with keep.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE snapshots SET created = {time.time() - 30 * 86400}")
    silent_for(keep, 30 * 86400)
    told = Told(keep.url, "true")
    # There is no time to send it, but its folder is there.
    assert send_leftovers(keep.home, told, 0.0)[0] == 1
    assert collect(keep.kept, keep.home).freed == 0
    assert keep.send(read_item(late.folder))
    assert [each.keeping for each in keep.snapshots] == ["dropped", "kept"]
