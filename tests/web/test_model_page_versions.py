"""The versions of a model as a table, and their bytes as downloads."""

import io
import os
import zipfile

import pytest
from sqlalchemy import delete, update
from weights import import_versions, safetensors

from autolog import config
from autolog.keeping import at_hand, import_file
from autolog.store import Kept, NewModel, alias, create_model, report, schema, sizes_of
from autolog.web import inside
from autolog.web.downloading import Member, download, zipped, zipped_size
from autolog.web.growth import growth_of

pytestmark = [pytest.mark.core, pytest.mark.slow]

SHAPES = {"a.weight": (64, 64), "a.bias": (64,)}


@pytest.fixture
def site(make_pages, home, tmp_path):
    """Three versions of one file; all are kept, and the file has the bytes of the last."""
    pages = make_pages()
    pages.home, pages.path = home, tmp_path / 'näme "x".safetensors'
    pages.files = [safetensors(SHAPES, number) for number in (1, 2, 3)]
    pages.model = import_versions(pages.store, home, pages.path, pages.files)
    return pages


@pytest.fixture
def unkept(make_pages, home, tmp_path):
    """Two versions of one file, of which nothing is kept."""
    pages = make_pages()
    pages.path = tmp_path / "net.safetensors"
    pages.files = [safetensors(SHAPES, number) for number in (1, 2)]
    pages.model = import_versions(pages.store, home, pages.path, pages.files, keep=False)
    return pages


@pytest.fixture
def folder(make_pages, home, tmp_path):
    """One version of three files in a folder."""
    pages = make_pages()
    pages.path = tmp_path / "checkpoint"
    (pages.path / "deeper").mkdir(parents=True)
    pages.contents = {
        "config.json": b"{}",
        "model.safetensors": safetensors(SHAPES, 5),
        "deeper/ö.txt": b"x" * 9,
    }
    for name, data in pages.contents.items():
        (pages.path / name).write_bytes(data)
    settings, kept = config.load(home=str(home)), Kept(pages.store)
    with at_hand(str(pages.path), settings) as at:
        pages.model = import_file(at, pages.store, kept, settings, chosen={}, keep=True).model_id
    kept.close()
    return pages


def set_version(pages, version, **values):
    with pages.store._writing() as connection:
        own = (schema.snapshots.c.model_id == pages.model, schema.snapshots.c.version == version)
        connection.execute(update(schema.snapshots).where(*own).values(**values))


# -- the table ----------------------------------------------------------------------------------------


def test_the_table(site):
    set_version(site, 2, iteration=200, metrics={"val_loss": 0.25})
    report(site.store, site.model, "accuracy", 0.5, iteration=200)
    alias(site.store, site.model, "best", 2)
    page = site.html(f"/models/{site.model}/snapshots")
    assert page.index(">v3</a>") < page.index(">v2</a>") < page.index(">v1</a>")
    assert all(text in page for text in ("val_loss", "accuracy", "0.25", "0.5", "@best", ">kept</span>"))
    twin = site.json(f"/models/{site.model}/snapshots.json")
    assert [each["version"] for each in twin["snapshots"]] == [1, 2, 3]
    assert twin["snapshots"][1]["metrics"] == {"val_loss": 0.25, "accuracy": 0.5}
    assert twin["snapshots"][1]["kept_at"] == [f"{site.home}/content"]
    lines = site.get(f"/models/{site.model}/snapshots.csv").text.splitlines()
    assert (
        lines[0]
        == "version,created,iteration,size,stored,digest,state,aliases,uri,metric.val_loss,metric.accuracy"
    )
    assert lines[2].endswith(",0.25,0.5")
    assert len(lines) == 4


def test_one_version(site):
    page = site.html(f"/models/{site.model}/snapshots?version=1")
    assert '<h2 id="version-title">Version 1</h2>' in page
    assert f"autolog restore {site.model}:v1" in page
    assert ":v0" not in page
    later = site.html(f"/models/{site.model}/snapshots?version=3")
    beside = f"/compare?m={site.model}:v2&m={site.model}:v3"
    assert beside.replace("&", "&amp;") in later
    assert site.get(beside).status_code == 200
    assert "Version 3" in site.html(f"/models/{site.model}/snapshots?version=&page=x")
    assert site.get(f"/models/{site.model}/snapshots?version=9").status_code == 404


def test_states_are_told(unkept):
    for state, words in (("at_path", "at its path"), ("overwritten", "overwritten"), ("gone", "gone"),
                         ("in_memory", "in memory"), ("lost", "lost"), ("pending", "pending")):  # fmt: skip
        set_version(unkept, 1, state=state, reason="that is why")
        page = unkept.html(f"/models/{unkept.model}/snapshots?version=1")
        assert f">{words}</span>" in page
        assert "that is why" in page
        assert (f"/models/{unkept.model}/v1/file" in page) == (state == "at_path")


def test_a_model_says_why_it_cannot_be_downloaded(unkept):
    assert f"/models/{unkept.model}/download" in unkept.html(f"/models/{unkept.model}")
    # Another machine may have put another file there, in a folder that both have.
    os.truncate(unkept.path, 1)
    page = unkept.html(f"/models/{unkept.model}/labels")
    assert f"/models/{unkept.model}/download" not in page
    assert "is another one by now" in page
    os.unlink(unkept.path)
    page = unkept.html(f"/models/{unkept.model}/labels")
    assert f"/models/{unkept.model}/download" not in page
    assert "There is no file at" in page
    for number in (1, 2):
        set_version(unkept, number, state="overwritten")
    assert "v2 can&#39;t be downloaded. A later save took the place of its file, and no bytes were kept." in (
        unkept.html(f"/models/{unkept.model}")
    )
    answer = unkept.get(f"/models/{unkept.model}/download", accept="application/json")
    assert (answer.status_code, "took the place" in answer.json()["error"]) == (404, True)


def test_a_version_whose_file_is_gone_is_not_offered(unkept):
    """As the head of the page says: a link would only lead to an error."""
    address = f"/models/{unkept.model}/v2/file"
    assert unkept.html(f"/models/{unkept.model}/snapshots").count(address) == 2
    os.unlink(unkept.path)
    page = unkept.html(f"/models/{unkept.model}/snapshots")
    assert address not in page
    assert page.count("There is no file at") == 2


def test_very_many_versions(pages):
    model_id = pages.json("/models.json")["models"][0]["id"]
    last = pages.store.model(model_id).snapshots[-1]
    with pages.store._writing() as connection:
        rest = {"model_id": model_id, "uri": "/x", "state": "overwritten", "reason": "", "function": "f"}
        rows = [
            {
                **rest,
                "version": number,
                "event_id": f"many-{number}",
                "size": number,
                "metrics": {},
                "created": 1.0,
            }
            for number in range(last.version + 1, 401)
        ]
        connection.execute(schema.snapshots.insert(), rows)
    page = pages.html(f"/models/{model_id}/snapshots")
    assert page.count("<tr") == 101
    assert "Version 400" in page
    older = pages.html(f"/models/{model_id}/snapshots?page=4")
    assert ">v1</a>" in older
    assert "Older" not in older
    picture = growth_of(sizes_of(pages.store, model_id))
    assert len(picture.bars) <= 180
    assert (picture.first, picture.last) == (1, 400)


def test_no_picture_of_one(pages):
    model_id = pages.json("/models.json")["models"][0]["id"]
    with pages.store._writing() as connection:
        gone = schema.snapshots.delete().where(schema.snapshots.c.model_id == model_id)
        connection.execute(gone.where(schema.snapshots.c.version > 1))
    assert growth_of(sizes_of(pages.store, model_id)) is None


def test_a_model_without_versions(pages):
    model_id = pages.json("/models.json")["models"][0]["id"]
    with pages.store._writing() as connection:
        connection.execute(schema.snapshots.delete().where(schema.snapshots.c.model_id == model_id))
    for tab in ("", "/snapshots", "/network", "/labels", "/metadata", "/snapshots.json", "/network.json"):
        assert pages.get(f"/models/{model_id}{tab}").status_code == 200
    assert pages.get(f"/models/{model_id}/download").status_code == 404


# -- downloads ----------------------------------------------------------------------------------------


def test_a_model_that_never_had_a_version_is_not_told_that_they_were_deleted(pages):
    """As one that a script makes and describes before it has weights of it."""
    made = create_model(pages.store, NewModel("net", "p", f"{0:032x}", "PyTorch"))
    assert "none was saved yet" in pages.html(f"/models/{made}/snapshots")
    for path in ("", "/snapshots", "/network", "/lineage"):
        assert "any more" not in pages.html(f"/models/{made}{path}")
    assert "none was saved yet" in pages.json(f"/models/{made}/download.json")["why"]


def test_a_kept_version(site):
    for version, data in enumerate(site.files, 1):
        answer = site.get(f"/models/{site.model}/v{version}/file")
        assert answer.content == data
        assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    said = answer.headers["content-disposition"]
    assert (
        said
        == "attachment; filename=\"n_me _x_.safetensors\"; filename*=UTF-8''n%C3%A4me%20%22x%22.safetensors"
    )
    head = site.client.head(f"/models/{site.model}/v1/file")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(site.files[0])))
    newest = site.client.get(f"/models/{site.model}/download", follow_redirects=False)
    assert newest.headers["location"] == f"/models/{site.model}/v3/file"


def test_only_who_has_come_in(site):
    assert site.stranger.get(f"/models/{site.model}/v1/file").status_code == 401


@pytest.mark.parametrize(
    "path", ["v9/file", "v0/file", "v-1/file", "vx/file", "v1/files/1", "v1/files/../../x"]
)
def test_what_is_not_there(site, path):
    assert site.get(f"/models/{site.model}/{path}").status_code == 404
    assert site.get(f"/models/nobody/{path}").status_code == 404


def test_from_its_own_path_if_it_still_is_what_was_saved(unkept):
    assert unkept.get(f"/models/{unkept.model}/v2/file").content == unkept.files[1]
    assert unkept.get(f"/models/{unkept.model}/v1/file").status_code == 404
    changed = bytearray(unkept.files[1])
    changed[-1] ^= 1
    unkept.path.write_bytes(changed)
    answer = unkept.get(f"/models/{unkept.model}/v2/file")
    assert answer.status_code == 404
    assert "another one by now" in answer.text
    unkept.path.unlink()
    os.mkfifo(unkept.path)
    assert unkept.get(f"/models/{unkept.model}/v2/file").status_code == 404


def test_bytes_kept_for_another_one(site, home, tmp_path):
    other = tmp_path / "copy.safetensors"
    model_id = import_versions(site.store, home, other, [site.files[0]], keep=False)
    other.unlink()
    set_version(site, 1, state="overwritten")
    assert site.get(f"/models/{model_id}/v1/file").content == site.files[0]
    # They are looked into there, too.
    inside._found.clear()
    with site.store._writing() as connection:
        connection.execute(delete(schema.contents))
    assert len(site.json(f"/models/{model_id}/network.json")["tensors"]) == len(SHAPES)


def packs(home):
    return sorted((home / "content").rglob("*.pack"))


def test_damaged_packs_are_no_download(site):
    for each in packs(site.home):
        data = bytearray(each.read_bytes())
        data[12] ^= 255
        each.chmod(0o644)
        each.write_bytes(data)
    answer = site.get(f"/models/{site.model}/v1/file")
    assert answer.status_code == 500
    assert answer.content != site.files[0]
    for each in packs(site.home):
        each.unlink()
    assert site.get(f"/models/{site.model}/v1/file").status_code in (500, 503)


def test_a_folder(folder):
    answer = folder.get(f"/models/{folder.model}/v1/file")
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        found = {each: archive.read(each) for each in archive.namelist()}
    assert found == {f"checkpoint/{name}": data for name, data in folder.contents.items()}
    listed = folder.json(f"/models/{folder.model}/snapshots.json")["snapshots"][0]["files"]
    table = folder.get(f"/models/{folder.model}/v1/files.csv").text.splitlines()
    assert table == ["path,size,digest", *(f"{e['path']},{e['size']},{e['digest']}" for e in listed)]
    for number, each in enumerate(listed):
        part = folder.get(f"/models/{folder.model}/v1/files/{number}")
        assert part.content == folder.contents[each["path"]]
        assert part.headers["content-disposition"].startswith("attachment")
    assert folder.get(f"/models/{folder.model}/v1/files/3").status_code == 404


@pytest.mark.parametrize("count", [0, 1, 3, 70_000])
def test_the_size_of_a_zip_is_told_beforehand(count):
    members = [Member(f"ü/{number}", 2, lambda: iter([b"ab"])) for number in range(count)]
    assert sum(map(len, zipped(members))) == zipped_size(members)


def test_the_size_of_a_zip_beyond_the_limits_of_32_bits(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    monkeypatch.setattr("autolog.web.downloading._ZIP64", 1000)
    for sizes in ((10, 2000, 10), (999, 1001), (400, 400, 400), (900,)):
        members = [
            Member(f"{at}" * 9, size, lambda n=size: iter([b"x" * n])) for at, size in enumerate(sizes)
        ]
        made = b"".join(zipped(members))
        assert len(made) == zipped_size(members)
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            assert archive.testzip() is None


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", 'a"; filename=b', "a\r\nb: c", "\udce4", "a%41;b"]
)
def test_names_of_downloads_stay_within_their_header(name):
    said = download([], name, 0).headers["content-disposition"]
    assert said.startswith('attachment; filename="')
    assert said.count('"') == 2
    assert not {"\r", "\n", "/", "\\"} & set(said)


@pytest.mark.parametrize("uri", ["/data/..", "/data/. .", "", "/data/a\\..\\b"])
def test_no_file_of_a_zip_leads_out_of_its_folder(folder, uri):
    set_version(folder, 1, uri=uri or None)
    with folder.store._writing() as connection:
        connection.execute(update(schema.models).values(name="../../up/ - net"))
    answer = folder.get(f"/models/{folder.model}/v1/file")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
    assert len(names) == 3
    assert all(each not in ("", ".", "..") for name in names for each in name.split("/"))
    assert "\\" not in "".join(names)
    assert len({name.split("/")[0] for name in names}) == 1


def test_a_long_name_keeps_its_suffix(site):
    set_version(site, 1, uri="/data/" + "ü" * 5_000 + ".safetensors")
    said = site.get(f"/models/{site.model}/v1/file").headers["content-disposition"]
    assert len(said) < 2_000
    assert said.endswith(".safetensors")
