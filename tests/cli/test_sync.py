"""`autolog sync`, and what other commands say of bytes that wait."""

import fcntl
import json
import os
import signal
import sys
import time

import pytest
from toylab import wait_until

from autolog import config
from autolog.agent.told import Told
from autolog.agent.waiting import send_leftovers
from autolog.content import alone, read_item


@pytest.fixture
def waiting(lab, tmp_path, monkeypatch):
    """Two versions that an agent, killed since, could not bring to a folder that was in the way."""
    place = lab.save_in_vain()
    os.kill(lab.agent(), signal.SIGKILL)
    wait_until(lambda: not lab.agents())
    monkeypatch.setenv("AUTOLOG_HOME", str(lab.home))
    return place


def test_what_waits_is_said_and_brought_there(autolog, lab, waiting):
    answer = autolog("models")
    assert answer.status == 0
    assert "autolog: the bytes of 2 versions wait to be kept (" in answer.err
    assert str(waiting) in answer.err
    assert answer.err.endswith("`autolog sync` brings them there\n")
    answer = autolog("sync", "--json")
    assert answer.status == 3
    found = answer.json
    assert (found["sent"], found["waiting"], found["underway"], found["pending"]) == (0, 2, 0, 0)
    assert str(waiting) in found["keeping_reason"]
    assert autolog("doctor", "--json").json["kept"]["waiting"]["versions"] == 2
    waiting.unlink()
    answer = autolog("sync")
    assert (answer.status, answer.err) == (
        0,
        "autolog: the bytes of 2 versions were brought to where they are kept\n",
    )
    assert {each.keeping for each in lab.snapshots()} == {"kept"}
    answer = autolog("sync")
    assert (answer.status, answer.err) == (0, "autolog: nothing was sent\n")


def test_what_an_agent_is_at_in_vain_is_said(autolog, lab, tmp_path, monkeypatch):
    place = lab.save_in_vain()
    assert lab.agents()
    monkeypatch.setenv("AUTOLOG_HOME", str(lab.home))
    answer = autolog("sync")
    assert answer.status == 3
    assert f"2 more are on their way with the agents of tasks ({place}" in answer.err
    found = autolog("sync", "--json").json
    assert (found["waiting"], found["underway"]) == (0, 2)
    assert str(place) in found["keeping_reason"]
    found = autolog("doctor", "--json").json
    assert found["kept"]["waiting"]["versions"] == 2
    assert any("the bytes of 2 versions wait to be kept" in each for each in found["notes"])
    place.unlink()
    wait_until(lambda: {each.keeping for each in lab.snapshots()} == {"kept"}, 30)


def test_what_goes_far_is_only_brought_by_sync(autolog, lab, waiting):
    import fsspec

    for each in (lab.home / "waiting").glob("*/item.json"):
        item = json.loads(each.read_text())
        item["facts"]["output_uri"] = "memory://far/away"
        each.write_text(json.dumps(item))
    answer = autolog("models")
    assert "(they go to memory://far/away)" in answer.err
    assert autolog("sync", "--json").json["sent"] == 2
    assert len(fsspec.filesystem("memory").find("/far/away")) == 2
    assert autolog("models").err == ""


def test_a_password_that_is_not_in_the_settings(autolog, lab, waiting, monkeypatch):
    for each in (lab.home / "waiting").glob("*/item.json"):
        item = json.loads(each.read_text())
        item["facts"]["output_uri"] = "memory://user:***@far/away"
        each.write_text(json.dumps(item))
    answer = autolog("sync")
    assert answer.status == 3
    assert "the password of memory://user:***@far/away is not in these settings (output_uri)" in answer.err
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", "memory://user:secret@far/away")
    assert autolog("sync", "--json").json["sent"] == 2


def test_another_command_is_at_it(autolog, lab, waiting):
    waiting.unlink()
    with open(lab.home / "waiting" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = autolog("sync")
        assert answer.status == 3
        assert "another process is bringing them there" in answer.err
        assert autolog("models").err == ""
    assert autolog("sync").status == 0


@pytest.fixture
def packed(lab, tmp_path, monkeypatch):
    """Two versions of different bytes that could not be brought into a content store that was in the way."""
    place = tmp_path / "packs"
    place.write_bytes(b"in the way")
    lab.run(
        """
        for number in range(2):
            save(Model(os.urandom(100_000)), "m.toy")
        """,
        AUTOLOG_OUTPUT_URI="true",
        AUTOLOG_CONTENT_STORE=str(place),
    )
    os.kill(lab.agent(), signal.SIGKILL)
    wait_until(lambda: not lab.agents())
    monkeypatch.setenv("AUTOLOG_HOME", str(lab.home))
    return place


def items(lab):
    """What waits, in the order of the saves."""
    found = [read_item(str(each)) for each in (lab.home / "waiting").iterdir() if each.is_dir()]
    return sorted(found, key=lambda each: each.facts["time"])


def test_what_can_not_be_kept_is_not_said_to_have_arrived(autolog, lab, packed):
    os.truncate(os.path.join(items(lab)[0].folder, "chunks"), 1000)
    packed.unlink()
    answer = autolog("sync", "--json")
    assert answer.status == 3
    assert (answer.json["sent"], answer.json["failed"], answer.json["waiting"]) == (1, 1, 0)
    [reason] = answer.json["failures"]
    assert "is cut off" in reason
    assert [each.keeping for each in lab.snapshots()] == ["failed", "kept"]
    answer = autolog("sync")
    assert (answer.status, answer.err) == (0, "autolog: nothing was sent\n")


def test_what_can_not_be_kept_says_why(autolog, lab, packed):
    for each in items(lab):
        os.truncate(os.path.join(each.folder, "chunks"), 1000)
    packed.unlink()
    answer = autolog("sync")
    assert answer.status == 3
    assert "nothing was sent" in answer.err
    assert "the bytes of 2 versions could not be kept: what was put aside in " in answer.err


def test_what_was_removed_meanwhile_was_not_sent(autolog, lab, packed):
    assert autolog("rm", "m:v1", "--yes").status == 0
    packed.unlink()
    answer = autolog("sync", "--json")
    assert (answer.status, answer.json["sent"], answer.json["failed"]) == (0, 1, 0)


def test_what_a_command_is_just_keeping_is_left_to_it(autolog, tmp_path, monkeypatch):
    """`import --keep` of a file that takes a while, and any command in another window."""
    at_hand = sys.modules["autolog.keeping.at_hand"]
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "home"))
    settings = config.load()
    (tmp_path / "x.bin").write_bytes(os.urandom(100_000))
    told, others = Told.of_settings(settings), []
    really_send = at_hand.send

    def send(*arguments):
        others.append(send_leftovers(settings.home, told, time.monotonic() + 60, tell=others.append))
        return really_send(*arguments)

    monkeypatch.setattr(at_hand, "send", send)
    assert autolog("import", str(tmp_path / "x.bin"), "--keep").status == 0
    assert others == [(0, "")]
    [version] = autolog("show", "x", "--json").json["snapshots"]
    assert version["keeping"] == "kept"
    assert os.listdir(tmp_path / "home" / "waiting") == ["lock"]


def test_what_was_never_finished_is_taken_away_when_it_is_old(autolog, lab, waiting):
    folder = lab.home / "waiting"
    long_ago = time.time() - 10_000
    for name in ("old", "growing", "held"):
        (folder / name).mkdir()
        (folder / name / "chunks").write_bytes(b"some")
        if name != "growing":  # a save that takes long to read
            os.utime(folder / name / "chunks", (long_ago, long_ago))
        os.utime(folder / name, (long_ago, long_ago))
    os.symlink("gone", folder / "just-gone")  # as one that goes between being listed and being looked at
    waiting.unlink()
    with alone(str(folder / "held")) as is_held:
        os.utime(folder / "held" / "lock", (long_ago, long_ago))
        os.utime(folder / "held", (long_ago, long_ago))
        assert is_held
        answer = autolog("sync")
        assert answer.status == 0, answer.err
    assert sorted(os.listdir(folder)) == ["growing", "held", "just-gone", "lock"]


def test_nothing_there_at_all(autolog):
    answer = autolog("sync", "--json")
    assert (answer.status, answer.json["sent"], answer.json["waiting"]) == (0, 0, 0)


def test_a_real_run_through_every_command(autolog, lab, tmp_path, monkeypatch):
    """Made by a script: seen, restored, verified, exported, collected and removed."""
    done = lab.run(
        """
        for number in range(4):
            save(Model([float(number)] * 20_000), "m.toy")
            print(digest("m.toy"))
        from toyframework import save_folder, save_prefix
        save_folder(Model([1.0] * 1000), "folder")
        save_prefix(Model([2.0] * 1000), "prefix")
        """,
        AUTOLOG_OUTPUT_URI="true",
    )
    monkeypatch.setenv("AUTOLOG_HOME", str(lab.home))
    from toyframework import digest, load_folder, load_prefix

    states = [each["state"] for each in autolog("show", "m", "--json").json["snapshots"]]
    assert states == ["kept", "kept", "kept", "at_path"]
    for number, expected in enumerate(done.lines, 1):
        assert autolog("restore", f"m:v{number}", str(tmp_path / f"m{number}")).status == 0
        assert digest(tmp_path / f"m{number}") == expected
    assert autolog("restore", "folder", str(tmp_path / "f")).status == 0
    assert load_folder(tmp_path / "f").data == [1.0] * 1000
    assert autolog("restore", "prefix", str(tmp_path / "p")).status == 0
    assert load_prefix(tmp_path / "p").data == [2.0] * 1000
    assert autolog("verify", "--deep").status == 0
    assert autolog("export", "m", "folder", "prefix", str(tmp_path / "b")).status == 0
    other = ("--home", str(tmp_path / "other"))
    assert autolog("import", str(tmp_path / "b"), *other).status == 0
    assert autolog("verify", "--deep", *other).status == 0
    assert autolog("restore", "prefix", str(tmp_path / "q"), *other).status == 0
    assert load_prefix(tmp_path / "q").data == [2.0] * 1000
    found = autolog("gc", "--keep-last", "1", "--yes", "--json").json
    assert [each["version"] for each in found["dropped"]] == [1, 2, 3]
    assert found["freed"] > 0
    for name in ("m", "folder", "prefix"):
        assert autolog("rm", name, "--yes").status == 0
    assert autolog("models", "--json").json == []
    assert not list((lab.home / "content").rglob("*.pack"))
    assert (lab.work / "m.toy").exists()
