"""`output_uri`: every version of a run comes back, whatever becomes of script and agent."""

import os
import signal

import pytest
from toyframework import digest
from toylab import wait_until

from autolog.agent.aside import GIVEN_WAY
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


def test_what_waits_when_everybody_is_gone_goes_with_the_next_command(lab, tmp_path):
    place = tmp_path / "kept"
    place.write_bytes(b"in the way")
    lab.run("save(Model([1.0] * 5000), 'm.toy')", AUTOLOG_OUTPUT_URI=str(place))
    os.kill(lab.agent(), signal.SIGKILL)
    wait_until(lambda: not lab.agents())
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
    place.write_bytes(b"in the way")
    lab.run("save(Model([1.0] * 5000), 'm.toy')", AUTOLOG_OUTPUT_URI=str(place))
    os.kill(lab.agent(), signal.SIGKILL)
    wait_until(lambda: not lab.agents())
    place.unlink()
    lab.run("save(Model([2.0] * 5000), 'm.toy')", AUTOLOG_OUTPUT_URI="true")
    wait_until(lambda: [each.keeping for each in lab.snapshots()] == ["kept", "kept"], 30)
    assert [os.path.isdir(place), os.path.isdir(lab.home / "content")] == [True, True]
    assert len(restored(lab, tmp_path)) == 2
