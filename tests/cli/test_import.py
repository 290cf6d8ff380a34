"""`autolog import` of files, folders and URLs."""

import http.server
import os
import re
import struct
import threading

import fsspec
import pytest


def safetensors(*values):
    """A file with one tensor."""
    data = struct.pack(f"<{len(values)}f", *values)
    head = f'{{"w":{{"dtype":"F32","shape":[{len(values)}],"data_offsets":[0,{len(data)}]}}}}'.encode()
    return struct.pack("<Q", len(head)) + head + data


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "base.safetensors"
    path.write_bytes(safetensors(1.0, 2.0, 3.0))
    return path


@pytest.fixture
def server(tmp_path):
    """A web server over a folder; `cut` cuts its answers off."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        cut = False

        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *_):
            pass

        def copyfile(self, source, outputfile):
            data = source.read()
            outputfile.write(data[: len(data) // 2] if Handler.cut else data)

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    running.handler = Handler
    running.url = f"http://127.0.0.1:{running.server_address[1]}"
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_file_is_a_model_of_its_own(autolog, weights, home):
    answer = autolog("import", str(weights), "--json")
    assert (answer.status, answer.err) == (0, "")
    found = answer.json
    assert (found["name"], found["project"], found["framework"]) == ("base", "imported", "Safetensors")
    assert (found["version"], found["new"], found["keeping"]) == (1, True, "")
    assert found["origin"] == str(weights)
    model = autolog("show", "base", "--tensors", "--json").json
    (snapshot,) = model["snapshots"]
    assert snapshot["tensors"] == [{"name": "w", "shape": [3], "dtype": "float32"}]
    assert (model["task"], snapshot["state"], snapshot["size"]) == (None, "at_path", weights.stat().st_size)
    assert not (home / "content").exists()
    assert "is there already" in autolog("import", str(weights)).err


def test_other_bytes_are_its_next_version(autolog, weights):
    autolog("import", str(weights), "--keep")
    weights.write_bytes(safetensors(4.0, 5.0))
    answer = autolog("import", str(weights), "--keep", "--json")
    assert (answer.json["version"], answer.json["new"], answer.json["keeping"]) == (2, True, "kept")
    states = [each["state"] for each in autolog("show", "base", "--json").json["snapshots"]]
    assert states == ["kept", "at_path"]
    answer = autolog(
        "import", str(weights), "--name", "mine", "--project", "p", "--framework", "Own", "--json"
    )
    assert (answer.json["name"], answer.json["project"], answer.json["framework"]) == ("mine", "p", "Own")
    assert len(autolog("models", "--json").json) == 2


@pytest.mark.parametrize("uri", [None, "true", "plain"])
def test_bytes_are_kept_if_asked_for(autolog, weights, home, tmp_path, monkeypatch, uri):
    arguments = ["--keep"] if uri is None else []
    if uri is not None:
        monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(tmp_path / "plain") if uri == "plain" else uri)
    answer = autolog("import", str(weights), *arguments)
    assert answer.status == 0
    assert "its bytes are kept" in answer.err
    data = weights.read_bytes()
    weights.unlink()
    assert autolog("restore", "base", str(tmp_path / "out")).status == 0
    assert (tmp_path / "out").read_bytes() == data
    if uri == "plain":
        (folder,) = (tmp_path / "plain" / "imported").iterdir()
        assert re.fullmatch(r"imported\.[0-9a-f]{12}", folder.name)  # the store's id: others import, too
        assert (folder / "models" / "base" / "v1" / "base.safetensors").read_bytes() == data


def test_a_folder(autolog, tmp_path):
    (tmp_path / "net" / "deep").mkdir(parents=True)
    (tmp_path / "net" / "model.safetensors").write_bytes(safetensors(1.0))
    (tmp_path / "net" / "deep" / "config.json").write_text("{}")
    assert autolog("import", str(tmp_path / "net"), "--keep").status == 0
    (snapshot,) = autolog("show", "net", "--json").json["snapshots"]
    assert [each["path"] for each in snapshot["files"]] == ["deep/config.json", "model.safetensors"]
    assert snapshot["parameters"] == 1
    assert autolog("restore", "net", str(tmp_path / "out")).status == 0
    assert (tmp_path / "out" / "deep" / "config.json").read_text() == "{}"
    (tmp_path / "empty").mkdir()
    assert autolog("import", str(tmp_path / "empty")).status == 9


def test_a_web_address(autolog, weights, server, home):
    answer = autolog("import", f"{server.url}/base.safetensors?token=secret", "--keep", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert answer.json["origin"] == f"{server.url}/base.safetensors?token=***"
    assert (answer.json["name"], answer.json["framework"]) == ("base", "Safetensors")
    assert autolog("restore", "base").status == 0
    with open("base.safetensors", "rb") as file:
        assert file.read() == weights.read_bytes()
    assert not [name for name in os.listdir(home) if name.startswith("autolog-import")]


def test_a_web_address_that_is_not_kept_says_where_it_came_from(autolog, weights, server):
    assert autolog("import", f"{server.url}/base.safetensors").status == 0
    answer = autolog("restore", "base")
    assert answer.status == 4
    assert f"{server.url}/base.safetensors" in answer.err


def test_any_other_url(autolog, weights):
    fsspec.filesystem("memory").pipe_file("/hub/net.bin", b"12345")
    answer = autolog("import", "memory://hub/net.bin", "--json")
    assert (answer.json["name"], answer.json["size"], answer.json["framework"]) == ("net", 5, "Unknown")
    assert autolog("import", "memory://hub/nothing.bin").status == 4


def test_what_cannot_be_had(autolog, weights, server, tmp_path):
    assert autolog("import", str(tmp_path / "nothing")).status == 4
    assert autolog("import", f"{server.url}/nothing").status == 4
    answer = autolog("import", "gs://bucket/net.pt")
    assert answer.status == 9
    assert 'pip install "autolog-models[gcs]"' in answer.err
    answer = autolog("import", "nosuch://x/y")
    assert answer.status == 9
    assert answer.err.count("\n") == 1
    server.handler.cut = True
    answer = autolog("import", f"{server.url}/base.safetensors")
    assert answer.status == 9
    assert "cut off" in answer.err or "can't be fetched" in answer.err
    assert autolog("import", "http://127.0.0.1:9/x").status == 9
    assert autolog("models").status == 10
    assert autolog("import").status == 2


def test_what_is_neither_a_file_nor_a_folder(autolog, tmp_path):
    answer = autolog("import", "/dev/null")  # and not /dev/zero, which would never end
    assert answer.status == 9
    assert "/dev/null is neither a file nor a folder" in answer.err


def test_errors_that_a_driver_has_of_its_own(autolog, s3, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    answer = autolog("import", f"{s3.url}/net.pt")
    assert answer.status == 9
    assert answer.err.count("\n") == 1
    assert "can't be read (Unable to locate credentials)" in answer.err


def test_a_home_that_cannot_be_made(autolog, server, weights, tmp_path):
    (tmp_path / "file").write_text("")
    answer = autolog("import", f"{server.url}/base.safetensors", "--home", str(tmp_path / "file" / "home"))
    assert answer.status == 9
    assert "AUTOLOG_HOME" in answer.err


def test_a_bundle_from_a_web_address(autolog, versions, server, tmp_path):
    assert autolog("export", "m:v1", str(tmp_path / "b.autolog")).status == 0
    other = ("--home", str(tmp_path / "other"))
    answer = autolog("import", f"{server.url}/b.autolog", "--json", *other)
    assert (answer.status, answer.json["records"]["snapshots"], answer.json["kept"]) == (0, 1, 1)


def test_a_place_that_is_away(autolog, weights, tmp_path, monkeypatch):
    (tmp_path / "plain").write_text("in the way")
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(tmp_path / "plain"))
    answer = autolog("import", str(weights), "--json")
    assert (answer.status, answer.json["keeping"]) == (3, "waiting")
    assert "can't be written" in answer.json["keeping_reason"]
    (tmp_path / "plain").unlink()
    assert autolog("show", "base", "--json").json["snapshots"][0]["keeping"] == "kept"


def test_a_training_run_that_loads_it_finds_it(autolog, weights, book):
    digest = autolog("import", str(weights), "--json").json["digest"]
    book.load(book.task("train"), digest, "/elsewhere/x.safetensors")
    (given,) = autolog("show", "train", "--json").json["inputs"]
    assert (given["name"], given["version"], given["origin"]) == ("base", 1, str(weights))


def test_stores_that_share_a_destination_never_share_a_file(autolog, weights, tmp_path, monkeypatch):
    """Each has a home of its own, and imports a file of one name to where the others do; two the same."""
    shared = tmp_path / "shared"
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(shared))
    who = {"ada": safetensors(1.0), "bob": safetensors(2.0), "cyd": safetensors(3.0), "dan": safetensors(3.0)}
    for name, data in who.items():
        monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / name))
        weights.write_bytes(data)
        assert autolog("import", str(weights), "--json").json["keeping"] == "kept"
    weights.unlink()
    files = [each for each in shared.rglob("*") if each.is_file()]
    assert sorted(each.read_bytes() for each in files) == sorted(who.values())
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "cyd"))
    assert autolog("rm", "base", "--yes").status == 0
    for name in ("ada", "bob", "dan"):
        monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / name))
        answer = autolog("verify", "--deep")
        assert answer.status == 0, answer.err
        assert autolog("restore", "base", str(tmp_path / f"{name}.back")).status == 0
        assert (tmp_path / f"{name}.back").read_bytes() == who[name]
