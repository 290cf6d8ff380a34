"""`autolog restore`."""

import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.core


def test_any_version_into_a_file_of_its_own_name(autolog, versions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = autolog("restore", "m:v2")
    assert (answer.status, answer.out) == (0, "")
    assert "v2 of train - m: 50.0 kB, verified" in answer.err
    assert (tmp_path / "m.bin").read_bytes() == versions[1]
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_the_newest_by_default_and_json(autolog, versions, shelf, tmp_path):
    answer = autolog("restore", "model:m", str(tmp_path / "new" / "deep.bin"), "--json")
    assert (answer.status, answer.err) == (0, "")
    assert (tmp_path / "new" / "deep.bin").read_bytes() == versions[3]
    found = answer.json
    assert found["version"] == 4
    assert found["path"] == str(tmp_path / "new" / "deep.bin")
    assert (found["source"], found["file_count"], found["size"]) == ("kept", 1, 50_001)
    assert found["digest"] == shelf.snapshots("m")[3].digest


def test_into_a_folder_and_never_over_what_is_there(autolog, versions, tmp_path):
    (tmp_path / "out").mkdir()
    assert autolog("restore", "m:v1", str(tmp_path / "out")).status == 0
    answer = autolog("restore", "m:v2", str(tmp_path / "out"))
    assert (answer.status, answer.out) == (9, "")
    assert answer.err == (
        f"autolog: {tmp_path}/out/m.bin exists already; name another place, or replace it with --force\n"
    )
    assert (tmp_path / "out" / "m.bin").read_bytes() == versions[0]
    assert autolog("restore", "m:v2", str(tmp_path / "out"), "--force").status == 0
    assert (tmp_path / "out" / "m.bin").read_bytes() == versions[1]
    assert os.listdir(tmp_path / "out") == ["m.bin"]
    (tmp_path / "other" / "m.bin").mkdir(parents=True)
    answer = autolog("restore", "m:v2", str(tmp_path / "other"), "--force")
    assert answer.status == 9
    assert "no file can take its place" in answer.err


def test_a_place_that_cannot_be_written(autolog, versions, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    answer = autolog("restore", "m:v1", str(tmp_path / "file" / "m.bin"))
    assert answer.status == 9
    assert answer.err.startswith(f"autolog: {tmp_path}/file/m.bin can't be written (Not a directory)")


def test_damage_is_refused_and_the_snapshot_named(autolog, versions, shelf, tmp_path):
    pack = shelf.packs()[0]
    for each in shelf.packs():
        data = bytearray(each.read_bytes())
        data[40] ^= 1
        each.write_bytes(data)
    answer = autolog("restore", "m:v1", str(tmp_path / "out"))
    assert answer.status == 12
    model_id, _ = shelf.store.find_model("m")
    assert f"{model_id}:v1 can't be restored" in answer.err
    assert not (tmp_path / "out").exists()
    pack.unlink()
    assert autolog("restore", "m:v1", str(tmp_path / "out")).status == 12


def test_what_was_not_kept_is_taken_from_its_own_path_while_it_is_the_same(autolog, shelf, tmp_path):
    shelf.uri = ""
    task = shelf.book.task("train")
    shelf.save(task, "m.bin", b"one" * 1000)
    shelf.save(task, "m.bin", b"two" * 1000, at=2)
    answer = autolog("restore", "m", str(tmp_path / "out"), "--json")
    assert answer.json["source"] == "own path"
    assert (tmp_path / "out").read_bytes() == b"two" * 1000
    answer = autolog("restore", "m:v1", str(tmp_path / "first"))
    assert answer.status == 4
    assert "were not kept" in answer.err
    assert "output_uri=True" in answer.err
    (tmp_path / "work" / "m.bin").write_bytes(b"six" * 1000)
    answer = autolog("restore", "m:v2", str(tmp_path / "second"))
    assert answer.status == 4
    assert "another one by now" in answer.err
    assert not (tmp_path / "second").exists()


def test_the_same_bytes_kept_for_another_version_will_do(autolog, shelf, tmp_path):
    shelf.save(shelf.book.task("one"), "a/m.bin", b"same" * 1000)
    shelf.uri = ""
    shelf.save(shelf.book.task("two"), "b/x.bin", b"same" * 1000, at=2)
    (tmp_path / "work" / "b" / "x.bin").unlink()
    answer = autolog("restore", "x", str(tmp_path / "out"), "--json")
    assert answer.json["source"] == "kept elsewhere"
    assert (tmp_path / "out").read_bytes() == b"same" * 1000


FOLDER = {"config.json": b"{}", "weights.bin": b"w" * 3000, "deep/er.bin": b"d" * 2000}


@pytest.mark.parametrize("uri", ["true", "plain", ""])
def test_a_folder_comes_back_whole(autolog, shelf, tmp_path, uri):
    shelf.uri = str(tmp_path / "plain") if uri == "plain" else uri
    shelf.save(shelf.book.task("train"), "ckpt", FOLDER, base=f"{shelf.work}/ckpt/")
    target = tmp_path / "out"
    target.mkdir()
    assert autolog("restore", "ckpt", str(target)).status == 0
    there = {p.relative_to(target / "ckpt").as_posix(): p.read_bytes() for p in target.rglob("*.*")}
    assert there == FOLDER
    assert autolog("restore", "ckpt", str(target)).status == 9
    (target / "ckpt" / "mine.txt").write_text("stays")
    (target / "ckpt" / "config.json").write_text("changed")
    answer = autolog("restore", "ckpt", str(target), "--force")
    assert answer.status == 0
    assert f"1 other files were left in {target}/ckpt: {target}/ckpt/mine.txt" in answer.err
    assert (target / "ckpt" / "config.json").read_bytes() == b"{}"
    (target / "file").write_text("x")
    assert "is a file, and the snapshot a folder" in autolog("restore", "ckpt", str(target / "file")).err


@pytest.mark.parametrize("uri", ["true", "plain", ""])
@pytest.mark.parametrize("names", [("", ".data"), (".index", ".data-0", ".data-1")], ids=str)
def test_files_behind_a_prefix_come_back_behind_it(autolog, shelf, tmp_path, uri, names):
    shelf.uri = str(tmp_path / "plain") if uri == "plain" else uri
    files = {name: os.urandom(100) for name in names}
    shelf.save(shelf.book.task("train"), "net.onnx", files)
    assert autolog("restore", "net", str(tmp_path / "out") + "/").status == 0
    there = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    assert there == {f"net.onnx{name}": data for name, data in files.items()}
    assert autolog("restore", "net", str(tmp_path / "out")).status == 9
    if uri == "plain":
        kept = {p.name: p.read_bytes() for p in (tmp_path / "plain").rglob("*") if p.is_file()}
        assert kept == there


def test_names_that_are_no_good_and_versions_that_are_not_there(autolog, versions, tmp_path):
    assert autolog("restore", "nothing").status == 4
    assert autolog("restore", "m:v9").status == 4
    assert autolog("restore").status == 2


def test_a_lost_version_says_why(autolog, book):
    book.save(book.task("t"), "/w/m.pt", look={"digest": None, "lost": "it was overwritten before"})
    answer = autolog("restore", "m")
    assert answer.status == 4
    assert "are lost: it was overwritten before" in answer.err


def test_progress_shows_on_a_terminal_only_after_a_while(tmp_path):
    code = """if True:
        import sys, time
        from autolog.cli import _out
        _out._PATIENCE = float(sys.argv[1])
        with _out.progress("restoring v3", 10_000) as told:
            told(5_000)
            time.sleep(0.3)
        """
    for patience, shown in (("0.01", True), ("100", False)):
        parent, child = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", code, patience], stderr=child, env={**os.environ, "TERM": "xterm"}
        )
        os.close(child)
        text = b""
        while True:
            try:
                block = os.read(parent, 65536)
            except OSError:  # Linux: the other side is closed
                break
            text += block
        os.close(parent)
        assert process.wait() == 0
        assert (b"restoring v3" in text) is shown
