"""`autolog verify`."""

import os

import pytest

pytestmark = pytest.mark.core


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_everything_is_as_it_was_recorded(autolog, versions):
    for arguments in ([], ["--deep"], ["m:v1", "--deep"]):
        answer = autolog("verify", *arguments)
        assert (answer.status, answer.err) == (0, "")
        count = 1 if "m:v1" in arguments else 4
        assert answer.out == f"{count} kept versions are as they were recorded.\n"


def test_nothing_is_kept(autolog, story):
    answer = autolog("verify", "--json")
    assert (answer.status, answer.json["checked"], answer.json["damages"]) == (0, 0, [])


def test_a_flipped_byte_is_found_by_reading(autolog, versions, shelf):
    pack = shelf.kept.files(shelf.snapshots("m")[1].id)
    assert pack
    damaged = next(each for each in shelf.packs() if versions[1][:40] in each.read_bytes())
    flip(damaged, 4000)
    assert autolog("verify").status == 0
    answer = autolog("verify", "--deep")
    assert answer.status == 12
    model_id, _ = shelf.store.find_model("m")
    line, summary = answer.out.splitlines()
    assert line.startswith(f"damaged: train - m ({model_id[:8]}:v2), in {shelf.home}/content: ")
    assert summary == "Of 4 kept versions 1 are damaged."
    found = autolog("verify", "--deep", "--json")
    assert found.status == 12
    (damage,) = found.json["damages"]
    assert [each["version"] for each in damage["concerned"]] == [2]
    assert damage["place"] == f"{shelf.home}/content"
    assert autolog("verify", "--deep", "m:v1", "m:v3").status == 0
    assert autolog("verify", "--deep", "m").status == 12


@pytest.mark.parametrize("uri", ["true", "plain"])
def test_what_is_gone_is_found_without_reading(autolog, shelf, tmp_path, uri):
    shelf.uri = uri if uri == "true" else str(tmp_path / "plain")
    shelf.save(shelf.book.task("train"), "m.bin", os.urandom(1000))
    shelf.save(shelf.book.task("other"), "x.bin", os.urandom(1000))
    place = tmp_path / "plain" if uri == "plain" else tmp_path / "home" / "content"
    for each in place.rglob("*"):
        if each.is_file():
            each.unlink()
    answer = autolog("verify", "--json")
    assert answer.status == 12
    names = {v["name"] for damage in answer.json["damages"] for v in damage["concerned"]}
    assert names == {"train - m", "other - x"}
    assert autolog("verify", "m", "--json").json["checked"] == 1


def test_a_plain_file_that_was_changed(autolog, shelf, tmp_path):
    shelf.uri = str(tmp_path / "plain")
    shelf.save(shelf.book.task("train"), "m.bin", os.urandom(1000))
    (file,) = (each for each in (tmp_path / "plain").rglob("*") if each.is_file())
    flip(file, 500)
    assert autolog("verify").status == 0
    answer = autolog("verify", "--deep")
    assert answer.status == 12
    assert "does not match the digest" in answer.out


def test_a_place_that_cannot_be_reached_is_no_damage(autolog, versions, shelf):
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE places SET host = 'elsewhere', url = '/no/such/folder'")
    answer = autolog("verify")
    assert answer.status == 3
    assert answer.out.startswith("not looked at: 4 versions in /no/such/folder: the bytes are kept in ")
    found = autolog("verify", "--json")
    assert (found.status, found.json["damages"]) == (3, [])
    assert len(found.json["away"][0]["concerned"]) == 4


def test_files_at_their_own_paths_are_only_noted(autolog, shelf):
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE tasks SET host = 'here'")
    shelf.uri = ""
    task = shelf.book.task("train")
    shelf.save(task, "m.bin", b"one")
    shelf.save(task, "x.bin", b"two", at=2)
    shelf.save(task, "y.bin", b"same", at=3)
    shelf.save(task, "ckpt", {"a.bin": b"1", "b.bin": b"2"}, base=f"{shelf.work}/ckpt/", at=4)
    with shelf.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE tasks SET host = '{os.uname().nodename}'")
    assert autolog("verify", "--deep").err == ""
    (shelf.work / "m.bin").write_bytes(b"six")
    (shelf.work / "x.bin").unlink()
    (shelf.work / "ckpt" / "b.bin").write_bytes(b"3")
    assert autolog("verify").err == ""
    answer = autolog("verify", "--deep")
    assert (answer.status, answer.out) == (0, "0 kept versions are as they were recorded.\n")
    assert f"{shelf.work}/m.bin has other bytes by now" in answer.err
    assert f"{shelf.work}/x.bin is gone" in answer.err
    assert f"{shelf.work}/ckpt/b.bin has other bytes by now" in answer.err
    assert len(answer.err.splitlines()) == 3
    found = autolog("verify", "--deep", "--json").json["changed"]
    assert {each["name"] for each in found} == {"train - m", "train - x", "train - ckpt"}
    # What lies on another machine is not seen here.
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE tasks SET host = 'elsewhere'")
    assert "is gone" not in autolog("verify", "--deep").err


def test_nobody_of_that_name(autolog, versions):
    assert autolog("verify", "nothing").status == 4
