"""`output_uri`: every version of a run comes back, whatever becomes of script and agent."""

import os
import shutil
import signal

import pytest
from toyframework import digest
from toylab import wait_until

from autolog.agent.aside import GIVEN_WAY, Aside
from autolog.agent.keeper import Keeper
from autolog.agent.told import Told
from autolog.content import read_item
from autolog.events import FileFacts, Saved
from autolog.keeping import restore, verify
from autolog.store import Kept

pytestmark = [pytest.mark.core, pytest.mark.slow]

LOOP = """
for number in range(5):
    save(Model([float(number)] * 50_000), "m.toy")
    print(digest("m.toy"))
"""


def restored(lab, tmp_path, url=None):
    """The digests of all snapshots' restored bytes, in their order."""
    found = []
    with lab.store(url) as store:
        kept = Kept(store)
        snapshots = [s for model in store.models() for s in store.model(model.id).snapshots]
        for each in sorted(snapshots, key=lambda each: each.created):
            if each.state == "lost":
                continue
            target = tmp_path / f"restored-{each.id}"
            restore(each, kept, str(lab.home), str(target))
            found.append(digest(target))
        assert list(verify(kept, str(lab.home), deep=True)) == []
    return found


@pytest.mark.parametrize("where", ["true", "folder"])
def test_every_overwritten_version_comes_back(lab, tmp_path, where):
    output = "true" if where == "true" else str(tmp_path / "kept")
    done = lab.run(LOOP, AUTOLOG_OUTPUT_URI=output)
    assert [each.keeping for each in lab.snapshots()] == ["kept"] * 5
    assert restored(lab, tmp_path) == done.out.split()
    assert done.err == ""
    assert os.listdir(lab.home / "waiting") in ([], ["lock"])


def test_folders_come_back_whole(lab, tmp_path):
    lab.run(
        """
        from toyframework import save_folder
        for number in range(3):
            save_folder(Model([float(number)] * 1000), "checkpoint")
        """,
        AUTOLOG_OUTPUT_URI="true",
    )
    with lab.store() as store:
        kept = Kept(store)
        last = lab.snapshots()[-1]
        assert [each.keeping for each in lab.snapshots()] == ["kept"] * 3
        restore(last, kept, str(lab.home), str(tmp_path / "restored"))
    saved = {
        p.relative_to(lab.work / "checkpoint") for p in (lab.work / "checkpoint").rglob("*") if p.is_file()
    }
    there = {p.relative_to(tmp_path / "restored") for p in (tmp_path / "restored").rglob("*") if p.is_file()}
    assert there == saved
    for each in saved:
        assert (tmp_path / "restored" / each).read_bytes() == (lab.work / "checkpoint" / each).read_bytes()


def test_what_an_agent_that_was_killed_put_aside_is_kept_by_the_next(lab, tmp_path):
    done = lab.run(
        """
        import glob
        for number in range(6):
            save(Model([float(number)] * 50_000), "m.toy")
            print(digest("m.toy"))
            if number in (1, 3):
                for each in glob.glob("/proc/[0-9]*/cmdline"):
                    try:
                        command = open(each, "rb").read()
                    except OSError:
                        continue
                    if b"autolog.agent" in command and os.environ["AUTOLOG_HOME"].encode() in command:
                        os.kill(int(each.split("/")[2]), signal.SIGKILL)
        """,
        AUTOLOG_OUTPUT_URI="true",
    )
    lab.settle()
    kept = [each for each in lab.snapshots() if each.keeping == "kept"]
    # What was overwritten before the killed agent had read it is lost or not kept, and says so.
    assert all(each.reason or each.keeping_reason for each in lab.snapshots() if each.keeping != "kept")
    assert len(kept) >= 4
    with lab.store() as store:
        for each in kept:
            restore(each, Kept(store), str(lab.home), str(tmp_path / f"restored-{each.id}"))
        assert list(verify(Kept(store), str(lab.home), deep=True)) == []
    digests = [digest(tmp_path / f"restored-{each.id}") for each in kept]
    assert digests == [each.digest for each in kept]
    assert digests[-1] == done.out.split()[-1]
    assert set(digests) <= set(done.out.split())


def test_a_killed_script_leaves_nothing_behind(lab, tmp_path):
    lab.run(LOOP + "os.kill(os.getpid(), signal.SIGKILL)", status=-signal.SIGKILL, AUTOLOG_OUTPUT_URI="true")
    lab.settle()
    found = lab.snapshots()
    assert found
    assert {each.keeping for each in found if each.state != "lost"} == {"kept"}
    assert restored(lab, tmp_path) == [each.digest for each in found if each.state != "lost"]


def test_a_destination_that_is_away_is_waited_for(lab, tmp_path):
    place = tmp_path / "kept"
    place.write_bytes(b"in the way")
    done = lab.run(
        """
        for number in range(3):
            save(Model([float(number)] * 50_000), "m.toy")
        print(sys.stdin.readline() if len(sys.argv) > 1 else "end")
        """,
        AUTOLOG_OUTPUT_URI=str(place),
    )
    assert done.out == "end\n"
    (line,) = done.err.splitlines()
    assert str(place) in line
    assert "Weights wait in" in line
    assert {each.keeping for each in lab.snapshots()} == {"waiting"}
    place.unlink()
    wait_until(lambda: {each.keeping for each in lab.snapshots()} == {"kept"}, 30)
    assert len(restored(lab, tmp_path)) == 3


def test_the_memory_of_a_process_keeps_nothing(lab):
    lab.run("save(Model([1.0] * 5000), 'm.toy')", AUTOLOG_OUTPUT_URI="memory://models")
    assert lab.settle().waiting == 0
    (snapshot,) = lab.snapshots()
    assert (snapshot.keeping, snapshot.state) == ("failed", "at_path")
    assert "memory://models is gone when the process ends" in snapshot.keeping_reason


def test_a_destination_that_is_away_holds_up_no_other(lab, tmp_path):
    (tmp_path / "first").write_bytes(b"in the way")
    lab.run(
        f"""
        import autolog
        save(Model([1.0] * 5000), "first.toy")
        for place in ("second", "third", "second"):
            autolog.current_task().output_uri = {str(tmp_path)!r} + "/" + place
            save(Model([2.0] * 5000), place + ".toy")
        """,
        AUTOLOG_OUTPUT_URI=str(tmp_path / "first"),
    )

    def keeping():
        found = sorted(lab.snapshots(), key=lambda each: each.created)
        return [each.keeping for each in found]

    wait_until(lambda: keeping() == ["waiting", "kept", "kept", "kept"], 30)
    assert lab.agents()
    (tmp_path / "first").unlink()
    wait_until(lambda: keeping() == ["kept"] * 4, 30)
    assert len(restored(lab, tmp_path)) == 4


def left_behind(lab, place):
    """A version that an agent, killed since, could not bring to a folder that was in the way."""
    place.write_bytes(b"in the way")
    lab.run("save(Model([1.0] * 5000), 'm.toy')", AUTOLOG_OUTPUT_URI=str(place))
    os.kill(lab.agent(), signal.SIGKILL)
    wait_until(lambda: not lab.agents())


def test_what_waits_when_everybody_is_gone_goes_with_the_next_command(lab, tmp_path):
    place = tmp_path / "kept"
    left_behind(lab, place)
    settled = lab.settle()
    assert settled.waiting == 1
    assert "kept" in settled.reason
    place.unlink()
    assert lab.settle().waiting == 0
    assert [each.keeping for each in lab.snapshots()] == ["kept"]
    assert len(restored(lab, tmp_path)) == 1
    assert os.listdir(lab.home / "waiting") in ([], ["lock"])


def test_beyond_the_limit_the_newest_save_to_a_path_is_kept(lab, tmp_path):
    place = tmp_path / "kept"
    place.write_bytes(b"in the way")
    (lab.work / "autolog.toml").write_text("waiting_limit = 250_000\n")
    lab.run(
        """
        for number in range(4):
            save(Model(bytes([number]) * 100_000), "m.toy")
            time.sleep(0.3)
        """,
        AUTOLOG_OUTPUT_URI=str(place),
    )
    wait_until(lambda: len(lab.snapshots()) == 4, 30)
    place.unlink()
    wait_until(lambda: not {"", "waiting"} & {each.keeping for each in lab.snapshots()}, 30)
    found = lab.snapshots()
    # How many gave way depends on how many were being sent already; none was turned away.
    assert found[-1].keeping == "kept", [(each.keeping, each.keeping_reason) for each in found]
    assert {(each.keeping, each.keeping_reason) for each in found} == {("kept", ""), ("failed", GIVEN_WAY)}


@pytest.mark.parametrize(("shared", "outcomes"), [
    # Most of it: giving up the one that brought it would free nothing, and so nobody gives way.
    (400_000, {"last.toy": ["kept", "failed"], "best.toy": ["kept"]}),
    # A little: that was copied, and the newest takes the room.
    (100_000, {"last.toy": ["failed", "kept"], "best.toy": ["kept"]}),
])  # fmt: skip
def test_beyond_the_limit_nobody_gives_up_what_another_one_needs(lab, tmp_path, shared, outcomes):
    """`best` has bytes that `last` brought, whose room a newer `last` would take."""
    place = tmp_path / "packs"
    place.write_bytes(b"in the way")
    (lab.work / "autolog.toml").write_text("waiting_limit = 900_000\n")
    process = lab.start(
        """
        import random
        chance = random.Random(1)
        save(Model(b"first"), "first.toy")  # it is under way from now on, and stays
        sys.stdin.readline()
        last = chance.randbytes(400_000)
        save(Model(last), "last.toy")
        save(Model(last[:int(sys.argv[1])]), "best.toy")
        save(Model(chance.randbytes(600_000)), "last.toy")
        """,
        str(shared),
        AUTOLOG_OUTPUT_URI="true",
        AUTOLOG_CONTENT_STORE=str(place),
    )
    wait_until(lambda: [each.keeping_reason for each in lab.snapshots()] not in ([], [""]), 30)
    process.communicate("\n", timeout=60)
    wait_until(lambda: len(lab.snapshots()) == 4, 30)
    place.unlink()
    wait_until(lambda: not {"", "waiting"} & {each.keeping for each in lab.snapshots()}, 30)
    found = {}
    for each in lab.snapshots():
        found.setdefault(os.path.basename(each.uri), []).append(each.keeping)
    assert found == {"first.toy": ["kept"], **outcomes}
    reasons = {each.keeping_reason for each in lab.snapshots() if each.keeping == "failed"}
    assert len(reasons) == 1
    assert "waiting_limit" in reasons.pop()
    with lab.store() as store:
        for each in lab.snapshots():
            if each.keeping == "kept":
                restore(each, Kept(store), str(lab.home), str(tmp_path / f"restored-{each.id}"))
                assert digest(tmp_path / f"restored-{each.id}") == each.digest
        assert list(verify(Kept(store), str(lab.home), deep=True)) == []


def test_what_was_given_up_says_so_though_the_agent_was_killed(lab, tmp_path):
    left_behind(lab, tmp_path / "kept")
    [folder] = [each for each in (lab.home / "waiting").iterdir() if each.is_dir()]
    read_item(str(folder)).give_up(GIVEN_WAY)  # and no further
    assert lab.settle().waiting == 0
    assert [(each.keeping, each.keeping_reason) for each in lab.snapshots()] == [("failed", GIVEN_WAY)]
    assert not folder.exists()


def test_what_somebody_has_taken_away_holds_up_nothing(lab, tmp_path):
    place = lab.save_in_vain()
    first, second = wait_until(lambda: lab.snapshots() if len(lab.snapshots()) == 2 else None, 30)
    with lab.store() as store:
        event = Kept(store).event_of(first.id)
    shutil.rmtree(lab.home / "waiting" / event)
    wait_until(lambda: lab.snapshots()[0].keeping == "failed", 60)
    assert "taken away" in lab.snapshots()[0].keeping_reason
    place.unlink()
    wait_until(lambda: lab.snapshots()[1].keeping == "kept", 60)
    assert second.digest == lab.snapshots()[1].digest


def test_a_home_without_room_costs_the_bytes_and_not_the_record(lab):
    (lab.home).mkdir()
    (lab.home / "waiting").write_bytes(b"no folder can be made here")
    done = lab.run(LOOP, AUTOLOG_OUTPUT_URI="true")
    found = lab.snapshots()
    assert [each.digest for each in found][-1] == done.out.split()[-1]
    assert {each.keeping for each in found} == {"failed"}
    assert all("put aside" in each.keeping_reason for each in found)


def test_what_waits_when_everybody_is_gone_goes_with_the_next_run(lab, tmp_path):
    place = tmp_path / "kept"
    left_behind(lab, place)
    place.unlink()
    lab.run("save(Model([2.0] * 5000), 'm.toy')", AUTOLOG_OUTPUT_URI="true")
    wait_until(lambda: [each.keeping for each in lab.snapshots()] == ["kept", "kept"], 30)
    assert [os.path.isdir(place), os.path.isdir(lab.home / "content")] == [True, True]
    assert len(restored(lab, tmp_path)) == 2


def save_of(number, size):
    facts = FileFacts(1, number, size, 0, 0)
    return Saved(f"b-{number}", 1.0, "Toy", "save", "file", "/x/m.toy", facts, size)


def test_what_other_runs_have_sent_by_now_takes_no_room(tmp_path):
    theirs = tmp_path / "waiting" / "a-1"
    theirs.mkdir(parents=True)
    (theirs / "chunks").write_bytes(b"x" * 800)
    told = Told(f"sqlite:///{tmp_path}/autolog.db", "true", waiting_limit=1000)
    aside = Aside(str(tmp_path), told, "b")
    assert "800 bytes wait" in aside.begin(save_of(1, 300)).problem
    shutil.rmtree(theirs)
    putting = aside.begin(save_of(2, 300))
    assert (putting.problem, putting.end(is_whole=False)) == ("", None)
    assert "more than may wait" in aside.begin(save_of(3, 1001)).problem


def test_the_limit_holds_for_what_is_not_recorded_yet(tmp_path):
    (tmp_path / "waiting").mkdir()
    told = Told(f"sqlite:///{tmp_path}/autolog.db", "true", waiting_limit=500_000)
    aside = Aside(str(tmp_path), told, "b")
    Keeper(lambda: None, told, aside, lambda: None)
    path = tmp_path / "m.toy"
    for number in range(12):
        path.write_bytes(os.urandom(100_000))
        descriptor = os.open(path, os.O_RDONLY)
        putting = aside.begin(save_of(number, 100_000))
        putting.read("", str(path), descriptor, 100_000)
        assert putting.end(is_whole=True) is not None, putting.problem
        os.close(descriptor)
    held = [each.stat().st_size for each in (tmp_path / "waiting").rglob("chunks*")]
    assert 100_000 <= sum(held) <= 500_000
