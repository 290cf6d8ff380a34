"""The design and the tensors of a model; files that were built to do harm do none."""

import pickle
import struct

import pytest
from sqlalchemy import delete
from weights import import_versions, many_tensors, safetensors

from autolog.store import edit, schema
from autolog.web import inside
from autolog.web.tensors import leaves_of, tree_of

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def make_model(make_pages, home, tmp_path):
    """Imports bytes as a model; the pages and its id. With `unread` nobody has looked into it yet."""
    pages = make_pages()
    inside._found.clear()

    def make(*files, name="net.safetensors", keep=True, unread=False):
        model_id = import_versions(pages.store, home, tmp_path / name, files, keep=keep)
        if unread:
            with pages.store._writing() as connection:
                connection.execute(delete(schema.contents))
        return pages, model_id

    return make


def test_tensors(make_model):
    pages, model_id = make_model(safetensors({"a.weight": (4, 3), "a.bias": (4,), "head": ()}))
    twin = pages.json(f"/models/{model_id}/network.json")
    assert (twin["format"], twin["parameters"], twin["version"]) == ("safetensors", 17, 1)
    assert [(each["name"], each["shape"], each["parameters"], each["size"]) for each in twin["tensors"]] == [
        ("a.weight", [4, 3], 12, 48),
        ("a.bias", [4], 4, 16),
        ("head", [], 1, 4),
    ]
    assert sum(each["share"] for each in twin["tensors"]) == pytest.approx(1)
    page = pages.html(f"/models/{model_id}/network")
    assert all(text in page for text in ("4 \u00d7 3", "scalar", "70.6 %", "3 tensors"))
    lines = pages.get(f"/models/{model_id}/network.csv").text.splitlines()
    assert lines[1].startswith("a.weight,4x3,float32,12,48,0.7")


@pytest.mark.parametrize("keep", [True, False])
def test_what_nobody_has_looked_into_is_read_from_its_bytes(make_model, keep):
    pages, model_id = make_model(safetensors({"a": (2, 3)}), keep=keep, unread=True)
    assert pages.json(f"/models/{model_id}/network.json")["tensors"][0]["shape"] == [2, 3]
    # Remembered: the bytes may be gone by now.
    for each in pages.store.model(model_id).snapshots:
        assert each.digest in inside._found


def test_only_a_part_of_kept_bytes_is_read(make_model, home, monkeypatch):
    from autolog.keeping.reading import Reading

    pages, model_id = make_model(safetensors({"a": (1 << 21,)}), unread=True)
    read = []
    original = Reading.read

    def counting(self, wanted, records):
        for digest, data in original(self, wanted, records):
            read.append(len(data))
            yield digest, data

    monkeypatch.setattr(Reading, "read", counting)
    assert pages.json(f"/models/{model_id}/network.json")["parameters"] == 1 << 21
    assert 0 < sum(read) <= 4 << 20


def test_a_large_file_that_is_not_kept_waits_until_it_is_asked_for(make_model, monkeypatch):
    monkeypatch.setattr(inside, "_AT_ONCE", 10)
    pages, model_id = make_model(safetensors({"a": (2, 3)}), keep=False, unread=True)
    page = pages.html(f"/models/{model_id}/network")
    assert "Nobody has looked into this file" in page
    assert ">2 \u00d7 3<" in pages.html(f"/models/{model_id}/network?version=1&read=1")


def test_versions(make_model):
    pages, model_id = make_model(safetensors({"a": (2,)}), safetensors({"a": (3,)}))
    assert pages.json(f"/models/{model_id}/network.json")["tensors"][0]["shape"] == [3]
    assert pages.json(f"/models/{model_id}/network.json?version=1")["tensors"][0]["shape"] == [2]
    assert pages.get(f"/models/{model_id}/network?version=7").status_code == 404


def test_five_hundred_tensors(make_model):
    pages, model_id = make_model(safetensors(many_tensors()))
    page = pages.html(f"/models/{model_id}/network")
    assert "499 tensors" in page
    assert page.count('class="leaf"') == 499
    # What is seen at first is no long list.
    assert page.count("<details open>") < 30
    found = pages.html(f"/models/{model_id}/network?q=LAYER.7.")
    assert found.count('class="leaf"') == 8
    assert "No name of a tensor" in pages.html(f"/models/{model_id}/network?q=nothing")


def test_more_tensors_than_a_page_has_room_for(make_model):
    pages, model_id = make_model(safetensors({f"t{number}": (1,) for number in range(2500)}))
    page = pages.html(f"/models/{model_id}/network")
    assert page.count('class="leaf"') == 2000
    assert "The first 2,000 of 2,500" in page
    assert len(pages.json(f"/models/{model_id}/network.json")["tensors"]) == 2500


class Evil:
    """Writes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


HEADER = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
HARMFUL = {
    "truncated": ("net.safetensors", safetensors({"a": (9, 9)})[:80]),
    "endless header": ("net.safetensors", struct.pack("<Q", 1 << 62) + HEADER),
    "deep header": ("net.safetensors", struct.pack("<Q", 400_000) + b'{"a":' + b"[" * 399_995),
    "deep pickle": ("net.pkl", b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."),
    "memory for a pickle": ("net.pkl", b"\x80\x02Nr\xf0\xff\xff\xff."),
    "empty": ("net.pt", b""),
}


@pytest.mark.parametrize("unread", [True, False])
@pytest.mark.parametrize("kind", HARMFUL)
def test_files_built_to_do_harm(make_model, kind, unread):
    name, data = HARMFUL[kind]
    pages, model_id = make_model(data, name=name, unread=unread)
    page = pages.html(f"/models/{model_id}/network")
    twin = pages.json(f"/models/{model_id}/network.json")
    assert twin["tensors"] == []
    if kind in ("truncated", "endless header", "deep header"):
        assert 'id="unreadable"' in page
        assert twin["problem"]


@pytest.mark.parametrize("unread", [True, False])
def test_a_malicious_pickle_is_named_and_not_run(make_model, tmp_path, unread):
    witness = tmp_path / "was-run"
    pages, model_id = make_model(pickle.dumps(Evil(witness)), name="net.pkl", unread=unread)
    page = pages.html(f"/models/{model_id}/network")
    assert "Nothing of it was run" in page
    assert "<code>io.open</code>" in page
    assert not witness.exists()
    assert pages.get(f"/models/{model_id}/v1/file").headers["content-disposition"].startswith("attachment")


def test_a_zip_bomb(make_model):
    import io
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("archive/data.pkl", b"\x80\x02" + b"N0" * 20_000_000 + b".")
    pages, model_id = make_model(file.getvalue(), name="net.pt", unread=True)
    assert "expands" in pages.html(f"/models/{model_id}/network")


def test_bytes_that_are_gone(make_model, tmp_path):
    pages, model_id = make_model(safetensors({"a": (2, 3)}), keep=False, unread=True)
    (tmp_path / "net.safetensors").unlink()
    assert "gone or another one by now" in pages.html(f"/models/{model_id}/network")


def test_hostile_names_and_designs_stay_text(make_model):
    hostile = "</pre><script>alert(1)</script>"
    pages, model_id = make_model(safetensors({hostile: (1,), f"a.{hostile}.b": (2,)}))
    edit(pages.store, model_id, lambda record: {"design": hostile})
    page = pages.html(f"/models/{model_id}/network")
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 3


def test_a_file_of_no_known_format(make_model):
    pages, model_id = make_model(b"plain text", name="notes.txt", unread=True)
    assert "of no format" in pages.html(f"/models/{model_id}/network")


def test_the_tree():
    tree = tree_of(
        leaves_of(
            [
                ("a.b.c.w", (2,), "float32"),
                ("a.b.c.v", (2,), "int8"),
                ("a.b.d", (), "object"),
                ("", (3,), "bool"),
            ]
        )
    )
    assert [each.label for each in tree.branches.values()] == ["a.b"]
    (branch,) = tree.branches.values()
    assert (branch.count, branch.parameters, branch.size) == (3, 5, 10)
    assert [each.label for each in branch.leaves] == ["d"]
    assert tree.share == pytest.approx(1)
    deep = tree_of(leaves_of([("a." * 400 + "w", (1,), "float32")]))
    assert deep.count == 1
    slashes = tree_of(leaves_of([("dense.1/kernel", (1,), "float32"), ("dense.1/bias", (1,), "float32")]))
    assert list(slashes.branches) == ["dense.1"]
    assert leaves_of([("x", (3, 3), "int4")])[0].size == 5
