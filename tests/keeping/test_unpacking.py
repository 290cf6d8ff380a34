"""Archives are unpacked whole or not at all, and never beyond their folder."""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile

import pytest

from autolog.errors import TargetError, UnreadableWeights
from autolog.keeping import unpacked, unpacking

pytestmark = pytest.mark.core

FILES = {"model.bin": os.urandom(3000), "sub/deep/config.json": b"{}", "empty": b""}


def tar(*members):
    """A tar of `(name or TarInfo, data)`."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for entry, data in members:
            member = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def special(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zipped(*entries, kind=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return file.getvalue()


def everything_in(folder):
    return {
        os.path.relpath(os.path.join(here, name), folder): open_bytes(os.path.join(here, name))
        for here, _, names in os.walk(folder)
        for name in names
    }


def open_bytes(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture
def unpack(tmp_path):
    """Unpacks these bytes; nothing but the archive and the folder may be there afterwards."""

    def unpack(data, folder="there"):
        (tmp_path / "archive").write_bytes(data)
        try:
            return everything_in(unpacked(str(tmp_path / "archive"), str(tmp_path / folder)))
        finally:
            assert set(os.listdir(tmp_path)) <= {"archive", folder}

    return unpack


@pytest.mark.parametrize(
    "around", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=lambda each: each.__name__
)
def test_a_tar_comes_out_as_it_went_in(unpack, around):
    folders = [(special("sub", tarfile.DIRTYPE), b""), (special("./", tarfile.DIRTYPE), b"")]
    named = [(f"./{name}", data) for name, data in FILES.items()]
    assert unpack(around(tar(*folders, *named))) == FILES


def test_a_zip_comes_out_as_it_went_in(unpack):
    assert unpack(zipped(("sub/", b""), *FILES.items())) == FILES


def test_an_empty_folder_is_filled(unpack, tmp_path):
    (tmp_path / "there").mkdir()
    assert unpack(zipped(*FILES.items())) == FILES


def test_nobodys_files_are_touched(unpack, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_bytes(b"mine")
    with pytest.raises(TargetError, match="exists already"):
        unpack(zipped(*FILES.items()))
    assert everything_in(tmp_path / "there") == {"mine": b"mine"}


@pytest.mark.parametrize("name", ["../out", "/out", "sub/../../out", "a\\..\\out", "sub//out", ".."])
@pytest.mark.parametrize("make", [tar, zipped])
def test_no_name_leads_elsewhere(unpack, tmp_path, make, name):
    with pytest.raises(UnreadableWeights, match="leads elsewhere"):
        unpack(make(("good", b"good"), (name, b"bad")))
    assert not os.path.exists("/out")


@pytest.mark.parametrize(
    ("kind", "target"),
    [(tarfile.SYMTYPE, "/etc"), (tarfile.SYMTYPE, "good"), (tarfile.LNKTYPE, "good"), (tarfile.FIFOTYPE, ""),
     (tarfile.CHRTYPE, "")],
)  # fmt: skip
def test_a_tar_with_links_or_devices_is_refused(unpack, kind, target):
    with pytest.raises(UnreadableWeights, match="link"):
        unpack(tar(("good", b"good"), (special("bad", kind, target), b""), ("bad/out", b"out")))


def test_a_zip_with_a_link_is_refused(unpack):
    link = zipfile.ZipInfo("bad")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnreadableWeights, match="link"):
        unpack(zipped((link, b"/etc"), ("bad/out", b"out")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a")], ids=str)
def test_a_name_stands_there_once(unpack, make, names):
    with pytest.raises(UnreadableWeights, match="twice"):
        unpack(make(*((name, b"x") for name in names)))


@pytest.mark.parametrize(
    "data",
    [
        zipped(("bomb", bytes(3 << 20))),
        zipped(*((f"{number}", bytes(1 << 19)) for number in range(6))),
        gzip.compress(tar(("bomb", bytes(3 << 20)))),
        lzma.compress(tar(("bomb", bytes(3 << 20)))),
    ],
    ids=["zip", "zip of many", "tar.gz", "tar.xz"],
)
def test_what_grows_out_of_measure_is_refused(unpack, monkeypatch, data):
    monkeypatch.setattr(unpacking, "_LARGEST", 1 << 20)  # so that the bombs may be small ones
    with pytest.raises(UnreadableWeights, match="expands"):
        unpack(data)


def test_more_entries_than_any_package_has_are_refused(unpack, monkeypatch):
    monkeypatch.setattr(unpacking, "_MOST_ENTRIES", 10)
    with pytest.raises(UnreadableWeights, match="entries"):
        unpack(tar(*((f"{number}", b"") for number in range(11))))


def test_a_header_that_is_a_bomb_is_refused(unpack):
    header = special("long", tarfile.XHDTYPE)
    data = tar((header, bytes(64 << 20)), ("good", b"good"))
    with pytest.raises(UnreadableWeights, match="header"):
        unpack(gzip.compress(data))


def test_a_zip_that_understates_a_size_is_refused(unpack):
    data = bytearray(zipped(("model.bin", b"x" * 1000), kind=zipfile.ZIP_STORED))
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    with pytest.raises(UnreadableWeights):
        unpack(bytes(data))


def test_an_encrypted_zip_is_refused(unpack):
    data = bytearray(zipped(("model.bin", b"x" * 1000)))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableWeights, match="encrypted"):
        unpack(bytes(data))


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize("around", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_truncated_archive_is_refused(unpack, make, around):
    data = around(make(("model.bin", os.urandom(20_000)), ("other.bin", os.urandom(20_000))))
    with pytest.raises(UnreadableWeights):
        unpack(data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"no archive" * 100, bytes(range(256)) * 20])
def test_what_is_no_archive_is_refused(unpack, data):
    with pytest.raises(UnreadableWeights):
        unpack(data)
