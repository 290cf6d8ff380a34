"""What a task keeps beside its models, kept and got back."""

import gzip
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from autolog.config import Settings
from autolog.errors import (
    BadName,
    BadValue,
    CacheFull,
    DestinationError,
    IntegrityError,
    NotFound,
    Untrusted,
    WeightsUnavailable,
)
from autolog.events import Started
from autolog.sdk._records import Records
from autolog.sdk.artifacts import Artifacts, delete, upload
from autolog.store import Writer

pytestmark = [pytest.mark.core, pytest.mark.slow]

TASK = "a" * 32


@pytest.fixture
def records(tmp_path):
    """Makes the records of a home, with one task in them: `records(output_uri=...)`."""
    made = []

    def make(**more):
        home = str(tmp_path / "home")
        store, cache = f"sqlite:///{home}/autolog.db", f"{home}/cache"
        found = Records(Settings(**{"home": home, "store": store, "cache_dir": cache, **more}))
        Writer(found.store).started(Started(TASK, 1.0, "digits", "train", "/x/train.py"), 1.0)
        made.append(found)
        return found

    yield make
    for each in made:
        each.store.close()


@pytest.fixture
def here(records):
    return records()


def files_of(records):
    """The files of artifacts in the content store, by their paths there."""
    root = Path(records.home) / "content"
    return {
        str(each.relative_to(root)): each.read_bytes() for each in sorted(root.rglob("*")) if each.is_file()
    }


# -- objects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, "ä \ud800"], "nan": {}},
        [1, "two"],
        "a text\r\nof two lines\n",
        "x" * 2000,
        "a line that can be no path",
        "",
    ],
    ids=["dict", "list", "lines", "long", "words", "empty"],
)
def test_plain_objects_come_back(here, value):
    if value == "":
        with pytest.raises(BadValue, match="empty text"):
            upload(here, TASK, "it", value)
        return
    made = upload(here, TASK, "it", value)
    assert made.type == ("text" if isinstance(value, str) else "json")
    assert made.get() == value
    assert Artifacts(here, TASK)["it"].get() == value
    assert made.preview
    assert made.size == os.path.getsize(made.url)


def test_what_json_keeps_of_other_things(here):
    np = pytest.importorskip("numpy")
    made = upload(here, TASK, "it", {1: (1, 2), "array": np.arange(3), "one": np.float32(0.5)})
    assert made.get() == {"1": [1, 2], "array": [0, 1, 2], "one": 0.5}


def test_arrays(here):
    np = pytest.importorskip("numpy")
    value = np.arange(6, dtype=np.float16).reshape(2, 3)
    made = upload(here, TASK, "it", value)
    again = made.get()
    assert made.type == "array"
    assert again.dtype == value.dtype
    assert (again == value).all()
    assert made.preview.startswith("float16 of shape (2, 3)")
    assert np.load(made.url).shape == (2, 3)
    with pytest.raises(BadValue, match="without pickling"):
        upload(here, TASK, "objects", np.array([object()]))


def test_data_frames(here):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "text": ["007", "NA", float("nan"), 'a,\n"b'],
            "number": [0.1, float("nan"), 1e-300, float("inf")],
            "whole": [1, 2, 3, 4],
            "truth": [True, False, True, False],
            "when": pd.to_datetime(["2026-01-02", None, "2026-01-03", "2020-01-01"]),
        }
    )
    made = upload(here, TASK, "it", frame)
    assert made.type == "table"
    pd.testing.assert_frame_equal(made.get(), frame, check_dtype=False)
    assert made.get()["number"].dtype == frame["number"].dtype
    with gzip.open(made.url, "rt") as source:  # any tool reads it
        assert source.readline() == "text,number,whole,truth,when\n"
    again = upload(here, TASK, "again", frame)
    assert again.hash == made.hash

    indexed = frame.set_index(["text", "whole"])
    pd.testing.assert_frame_equal(upload(here, TASK, "it", indexed).get(), indexed, check_dtype=False)
    numbered = pd.DataFrame([[1, 2], [3, 4]], index=[5, 6])
    pd.testing.assert_frame_equal(upload(here, TASK, "it", numbered).get(), numbered, check_column_type=False)
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert list(upload(here, TASK, "it", twice).get().columns) == ["a", "a"]
    for series in (pd.Series([1, 2], name="s"), pd.Series(["x", "y"], index=["a", "b"])):
        pd.testing.assert_series_equal(upload(here, TASK, "it", series).get(), series, check_dtype=False)

    for bad, message in (
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
    ):
        with pytest.raises(BadValue, match=message):
            upload(here, TASK, "it", bad)
    with pytest.raises(BadValue, match=r"can be kept as \.csv\.gz, \.parquet"):
        upload(here, TASK, "it", frame, extension_name=".xlsx")


def test_data_frames_as_parquet(here):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    if importlib.util.find_spec("pyarrow") is None:
        with pytest.raises(BadValue, match="pip install pyarrow"):
            upload(here, TASK, "it", frame, extension_name=".parquet")
        return
    made = upload(here, TASK, "it", frame, extension_name="parquet")
    pd.testing.assert_frame_equal(made.get(), frame)


def test_data_frames_of_polars(here):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"t": ["007", None], "n": [0.1, None], "d": [date(2026, 1, 2), None]})
    made = upload(here, TASK, "it", frame)
    assert made.type == "table"
    assert made.get().equals(frame)
    with pytest.raises(BadValue, match=r"can't be kept as gz"):
        upload(here, TASK, "it", pl.DataFrame({"l": [[1, 2]]}))


def test_images(here):
    image = pytest.importorskip("PIL.Image")
    made = upload(here, TASK, "it", image.new("RGB", (3, 2), (1, 2, 3)))
    again = made.get()
    assert (made.type, again.size, again.getpixel((0, 0))) == ("image", (3, 2), (1, 2, 3))
    assert made.url.endswith(".png")
    with pytest.raises(BadValue, match=r"can't be kept as \.jpg"):
        upload(here, TASK, "it", image.new("RGBA", (1, 1)), extension_name=".jpg")


def test_bytes_that_the_caller_makes(here):
    made = upload(here, TASK, "it", {1, 2}, serialization_function=lambda value: bytes(sorted(value)))
    assert (made.type, made.url[-4:]) == ("file", ".bin")
    assert made.get().read_bytes() == b"\1\2"
    assert made.get(deserialization_function=set) == {1, 2}
    with pytest.raises(BadValue, match="has to return bytes"):
        upload(here, TASK, "it", 1, serialization_function=str)
    with pytest.raises(ZeroDivisionError):
        upload(here, TASK, "it", 1, serialization_function=lambda value: 1 / 0)


def test_nothing_is_pickled_or_unpickled_unless_asked_for(here):
    for value in ({1, 2}, object(), 5, b"bytes", {"a": {1}}, {(1, 2): 3}, None):
        with pytest.raises(BadValue):
            upload(here, TASK, "it", value)
    assert files_of(here) == {}
    made = upload(here, TASK, "it", {"a": {1, 2}}, auto_pickle=True)
    assert made.type == "pickle"
    with pytest.raises(Untrusted, match="trusted=True"):
        made.get()
    assert made.get(trusted=True) == {"a": {1, 2}}
    assert upload(here, TASK, "plain", {"a": 1}, auto_pickle=True).type == "json"
    with pytest.raises(BadValue, match="can't be pickled"):
        upload(here, TASK, "it", lambda: 1, auto_pickle=True)


# -- files --------------------------------------------------------------------------------------------


def test_a_file_is_kept_as_it_is(here, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"first\nsecond\n")
    for given in (path, str(path)):
        made = upload(here, TASK, "it", given)
        assert (made.type, made.size, made.preview) == ("file", 13, "first\nsecond\n")
        assert Path(made.url).name == "notes.txt"
        assert made.get().read_bytes() == b"first\nsecond\n"
        assert made.get().name == "notes.txt"
    assert path.exists()
    binary = tmp_path / "data.bin"
    binary.write_bytes(b"secret")
    assert upload(here, TASK, "b", binary).preview == ""


def test_a_path_where_nothing_is(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for given in (
        "missing.csv",
        "checkpoints",
        "my notes.txt",
        Path("missing"),
        "missing/a b",
        "*.none",
        "empty",
    ):
        with pytest.raises(NotFound, match=r"there (is nothing|are no files)"):
            upload(here, TASK, "it", given)
    (tmp_path / "with blank").write_text("x")
    assert upload(here, TASK, "it", "with blank").type == "file"
    assert files_of(here).popitem()[1] == b"x"


def test_a_folder_is_a_zip_that_is_always_the_same(here, tmp_path):
    def fill(folder):
        (folder / "in/ner").mkdir(parents=True)
        (folder / "in/ner/b.txt").write_text("b" * 1000)
        (folder / "a.sh").write_text("a")
        (folder / "a.sh").chmod(0o755)
        (folder / "loop").symlink_to(folder)
        (folder / "linked.txt").symlink_to(folder / "a.sh")
        os.mkfifo(folder / "pipe")

    one, two = tmp_path / "one", tmp_path / "two"
    fill(one)
    made = upload(here, TASK, "it", one)
    fill(two)
    assert upload(here, TASK, "other", str(two)).hash == made.hash
    assert made.type == "folder"
    with zipfile.ZipFile(made.url) as archive:
        assert archive.namelist() == ["a.sh", "in/ner/b.txt", "linked.txt"]
        assert archive.getinfo("a.sh").external_attr >> 16 == 0o100755
    folder = made.get()
    assert (folder / "in/ner/b.txt").read_text() == "b" * 1000
    assert made.get_local_copy() == str(folder)
    assert zipfile.is_zipfile(made.get_local_copy(extract_archive=False))
    (folder / "a.sh").write_text("changed")
    assert (made.get(force_download=True) / "a.sh").read_text() == "a"


def test_a_glob_is_a_zip_of_what_it_finds(here, tmp_path):
    (tmp_path / "d/e").mkdir(parents=True)
    for name in ("a.txt", "b.log", "d/c.txt", "d/e/f.txt"):
        (tmp_path / name).write_text(name)

    def names(made):
        with zipfile.ZipFile(made.url) as archive:
            return archive.namelist()

    assert names(upload(here, TASK, "it", f"{tmp_path}/*.txt")) == ["a.txt"]
    assert names(upload(here, TASK, "it", tmp_path / "**/*.txt")) == ["a.txt", "d/c.txt", "d/e/f.txt"]
    assert names(upload(here, TASK, "it", f"{tmp_path}/d*")) == ["d/c.txt", "d/e/f.txt"]


def test_only_a_file_that_was_named_is_deleted_and_only_if_asked_for(here, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a")
    upload(here, TASK, "it", path)
    assert path.exists()
    made = upload(here, TASK, "it", path, delete_after_upload=True)
    assert not path.exists()
    assert made.get().read_text() == "a"
    assert upload(here, TASK, "json", {"a": 1}, delete_after_upload=True).get() == {"a": 1}
    upload(here, TASK, "it", made.url, delete_after_upload=True)  # which is the file that we keep
    assert made.get().read_text() == "a"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/b.txt").write_text("b")
    for given in (tmp_path / "folder", f"{tmp_path}/folder/*"):
        with pytest.raises(BadValue, match="takes away one file"):
            upload(here, TASK, "many", given, delete_after_upload=True)
    assert (tmp_path / "folder/b.txt").exists()
    assert list(Artifacts(here, TASK)) == ["it", "json"]


def test_a_file_that_can_not_be_read(here, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path = tmp_path / "a.txt"
    path.write_text("a")
    path.chmod(0)
    for given in (path, f"{tmp_path}/a.*"):
        with pytest.raises(BadValue, match="can't be read"):
            upload(here, TASK, "it", given)


# -- records and bytes --------------------------------------------------------------------------------


def test_what_is_said_of_an_artifact(here):
    made = upload(here, TASK, "a/b ä", {"a": 1}, metadata={"lr": 0.1, "n": [1]}, preview=12)
    assert (made.name, made.type, made.metadata, made.preview) == (
        "a/b ä",
        "json",
        {"lr": 0.1, "n": [1]},
        "12",
    )
    assert made.hash.startswith("blake3:")
    assert made.timestamp.tzinfo is not None
    assert made.url.startswith(f"{here.home}/content/artifacts/{TASK}/a_b ä/")
    assert repr(made) == f"<Artifact 'a/b ä' json {made.size} bytes>"
    found = Artifacts(here, TASK)
    assert list(found) == ["a/b ä"]
    assert found.get("nothing") is None
    with pytest.raises(KeyError):
        found["nothing"]
    assert repr(found) == "<Artifacts a/b ä>"


def test_the_same_name_again_replaces_it(here):
    first = upload(here, TASK, "it", {"a": 1})
    old = list(files_of(here))
    second = upload(here, TASK, "it", "a text\n")
    assert not set(old) & set(files_of(here))
    assert len(files_of(here)) == 1
    assert len(Artifacts(here, TASK)) == 1
    assert second.get() == "a text\n"
    with pytest.raises(IntegrityError):
        first.get()
    upload(here, TASK, "it", "a text\n")
    assert second.get() == "a text\n"


def test_deleting(here):
    upload(here, TASK, "a/b", [1])
    upload(here, TASK, "a_b", [1])  # the very same file
    upload(here, TASK, "c", [2])
    assert delete(here, TASK, ["a/b"]) is True
    assert Artifacts(here, TASK)["a_b"].get() == [1]
    assert delete(here, TASK, ["a_b", "missing"]) is False
    assert delete(here, TASK, "c") is True
    assert len(Artifacts(here, TASK)) == 0
    assert files_of(here) == {}
    assert not os.path.exists(f"{here.home}/content/artifacts")


def test_what_can_not_be_uploaded(here, tmp_path):
    for name in ("", " ", "a" * 251, "a\nb", "a\0", "\x7f", None, 3, "\ud800"):
        with pytest.raises(BadName):
            upload(here, TASK, name, [1])
    circle = {}
    circle["a"] = circle
    for metadata in ({"a": {1}}, [1], "text", {(1, 2): 3}, circle, {"a": "x" * 1_000_001}):
        with pytest.raises(BadValue, match="metadata"):
            upload(here, TASK, "it", [1], metadata=metadata)
    for retries in (1.5, "many", -1):
        with pytest.raises(BadValue, match="retries"):
            upload(here, TASK, "it", [1], retries=retries)
    with pytest.raises(NotFound, match="no task"):
        upload(here, "0" * 32, "it", [1])
    for extension in ("../x", ".a/b", "a b", ".yaml"):
        with pytest.raises(BadValue, match="extension_name"):
            upload(here, TASK, "it", [1], extension_name=extension)
    assert list(Artifacts(here, TASK)) == []
    assert files_of(here) == {}


def test_damaged_and_missing_bytes_are_refused(here):
    made = upload(here, TASK, "it", {"a": 1})
    data = Path(made.url).read_bytes()
    Path(made.url).write_bytes(data[:-1] + b" ")
    with pytest.raises(IntegrityError, match="does not match"):
        made.get()
    with pytest.raises(IntegrityError):
        made.get_local_copy()
    assert made.get_local_copy(raise_on_error=False) is None
    Path(made.url).unlink()
    with pytest.raises(IntegrityError, match="gone"):
        made.get()
    assert upload(here, TASK, "it", {"a": 1}).url == made.url
    assert made.get() == {"a": 1}
    assert delete(here, TASK, "it") is True


def test_names_stay_in_their_folder(here):
    for name in ("..", ".", "../../up", "/etc/passwd", "C:\\x", "a" * 250, "ä" * 250, "con.txt."):
        made = upload(here, TASK, name, [1])
        assert made.get() == [1]
        assert os.path.realpath(made.url).startswith(
            os.path.realpath(f"{here.home}/content/artifacts/{TASK}/")
        )
    assert len(Artifacts(here, TASK)) == 8


def test_copies_are_in_the_cache_and_checked(records, tmp_path):
    found = records(cache_dir=str(tmp_path / "cache"))
    made = upload(found, TASK, "it", {"a": 1})
    path = made.get_local_copy()
    assert path.startswith(str(tmp_path / "cache"))
    assert json.loads(Path(path).read_text()) == {"a": 1}
    Path(path).write_text("damaged")
    assert made.get_local_copy() == path
    assert json.loads(Path(path).read_text()) == {"a": 1}
    Path(made.url).unlink()
    assert made.get_local_copy() == path  # it is there
    with pytest.raises(IntegrityError):
        made.get_local_copy(force_download=True)
    assert sorted(os.listdir(Path(path).parent)) == sorted([".autolog", Path(path).name])


def test_what_is_larger_than_the_cache(records, tmp_path):
    found = records(cache_dir=str(tmp_path / "cache"), cache_max_bytes=100)
    with pytest.raises(CacheFull):
        upload(found, TASK, "it", "x" * 2000).get_local_copy()


def test_a_folder_as_destination(records, tmp_path):
    found = records(output_uri=str(tmp_path / "out"))
    made = upload(found, TASK, "it", [1])
    assert made.url.startswith(f"{tmp_path}/out/artifacts/{TASK}/it/")
    assert made.get() == [1]
    assert upload(records(output_uri="true"), TASK, "it", [2]).url.startswith(found.home)
    assert not os.path.exists(tmp_path / "out/artifacts")  # where the earlier one was


def test_a_destination_that_can_not_be_written(records, tmp_path):
    (tmp_path / "file").write_text("")
    found = records(output_uri=str(tmp_path / "file"))
    with pytest.raises(DestinationError):
        upload(found, TASK, "it", [1], retries=2)
    assert list(Artifacts(found, TASK)) == []


def test_a_folder_of_another_machine(records):
    found = records()
    made = upload(found, TASK, "it", [1])
    other = replace(made._record.place, url="/somewhere/else", host="another-host")
    made._record = replace(made._record, place=other)
    with pytest.raises(WeightsUnavailable, match="another-host"):
        made.get()


def test_a_bucket(records, s3, tmp_path):
    found = records(output_uri=f"{s3.url}/models")
    path = tmp_path / "a.txt"
    path.write_text("a")
    made = upload(found, TASK, "file", path)
    upload(found, TASK, "json", {"a": 1})
    assert len(s3.objects()) == 2
    assert all(f"models/artifacts/{TASK}/" in key for key in s3.objects())
    assert made.get().read_text() == "a"
    assert Artifacts(found, TASK)["json"].get() == {"a": 1}
    upload(found, TASK, "json", {"a": 2})
    assert len(s3.objects()) == 2
    assert delete(found, TASK, ["file", "json"]) is True
    assert s3.objects() == {}


def test_a_home_that_was_copied_still_has_them(here, records, tmp_path):
    upload(here, TASK, "it", [1])
    os.rename(here.home, tmp_path / "moved")
    moved = records(home=str(tmp_path / "moved"), store=f"sqlite:///{tmp_path}/moved/autolog.db")
    assert Artifacts(moved, TASK)["it"].get() == [1]


def test_ranks_that_use_one_name_leave_one_whole_artifact(here):
    code = """
import sys
from autolog.config import Settings
from autolog.sdk._records import Records
from autolog.sdk.artifacts import upload
records = Records(Settings(home=sys.argv[1], store=f"sqlite:///{sys.argv[1]}/autolog.db"))
for number in range(5):
    upload(records, "a" * 32, "it", {"rank": sys.argv[2], "number": number})
"""
    ranks = [subprocess.Popen([sys.executable, "-c", code, here.home, str(rank)]) for rank in range(3)]
    assert [each.wait() for each in ranks] == [0, 0, 0]
    assert Artifacts(here, TASK)["it"].get()["number"] == 4
    assert len(files_of(here)) == 1


def test_a_pickle_in_the_place_of_another_kind_is_not_run(here, tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    path = tmp_path / "a.npy"
    path.write_bytes(pickle.dumps(Harm()))
    made = upload(here, TASK, "file", path)
    assert made.get().read_bytes() == path.read_bytes()
    made._record = replace(made._record, kind="array")
    with pytest.raises(IntegrityError, match="pickle"):
        made.get()
    assert not (tmp_path / "harm").exists()
