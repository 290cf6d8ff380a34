"""`autolog config`: every setting, where it came from, and no secret."""

import json

import pytest

from autolog.config import KEYS

pytestmark = pytest.mark.core

SECRET = "hunter2hunter2"
FILE = f"""
store = "postgresql+psycopg://me:{SECRET}@server/db"
project = "digits"
exclude = ["*.tmp"]
cache = {{max_bytes = "1GiB"}}
path_substitution = [{{from = "/data", to = "/mnt"}}]
retention = {{keep_last = 5}}
[storage_options."s3://bucket"]
key = "AKIA{SECRET}"
secret = "{SECRET}"
client_kwargs = {{endpoint_url = "http://me:{SECRET}@localhost:9000", region_name = "here"}}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "work" / "autolog.toml"
    path.write_text(FILE)
    return path


def test_every_setting_is_there_with_its_source(autolog, home, file, monkeypatch):
    monkeypatch.setenv("AUTOLOG_CACHE_DIR", "/scratch")
    found = autolog("config", "--json", "--store", "/tmp/other.db").json["settings"]
    assert {name.partition(".s3:")[0] for name in found} == set(KEYS)
    assert found["home"] == {"value": str(home), "source": "AUTOLOG_HOME"}
    assert found["store"] == {"value": "sqlite:////tmp/other.db", "source": "argument"}
    assert found["project"] == {"value": "digits", "source": str(file)}
    assert found["cache.dir"] == {"value": "/scratch", "source": "AUTOLOG_CACHE_DIR"}
    assert found["cache.max_bytes"] == {"value": 1 << 30, "source": str(file)}
    assert found["upload.retries"] == {"value": 3, "source": "default"}
    assert found["path_substitution"]["value"] == [{"from": "/data", "to": "/mnt"}]
    assert found["retention"]["value"] == {"keep_last": 5}
    assert found["storage_options.s3://bucket"] == {
        "value": {
            "key": "***",
            "secret": "***",
            "client_kwargs": {"endpoint_url": "http://me:***@localhost:9000", "region_name": "here"},
        },
        "source": str(file),
    }
    assert found["task"] == {"value": None, "source": "default"}


def test_the_table(autolog, file):
    lines = autolog("config").out.splitlines()
    assert lines[0].split() == ["NAME", "VALUE", "FROM"]
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[1:]}
    assert rows["project"] == f"digits {file}"
    assert rows["enabled"] == "true default"
    assert rows["exclude"] == f'["*.tmp"] {file}'
    assert rows["task"] == "default"
    assert rows["store"] == f"postgresql+psycopg://me:***@server/db {file}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("project", "digits"),
        ("task", ""),
        ("upload.workers", "2"),
        ("strict", "true"),
        ("frameworks", "true"),
        ("output_uri", ""),
        ("cache.max_bytes", str(1 << 30)),
        ("upload", '{"retries": 3, "workers": 2}'),
    ],
)
def test_one_value(autolog, file, key, value):
    answer = autolog("config", key)
    assert (answer.status, answer.out, answer.err) == (0, f"{value}\n", "")


def test_options_as_a_whole_and_by_their_url(autolog, file):
    whole = json.loads(autolog("config", "storage_options").out)
    assert whole["s3://bucket"]["secret"] == "***"
    assert json.loads(autolog("config", "storage_options.s3://bucket").out) == whole["s3://bucket"]


def test_one_value_as_json(autolog, file):
    found = autolog("config", "upload", "--json").json
    assert found == {
        "schema": 1,
        "settings": {
            "upload.retries": {"value": 3, "source": "default"},
            "upload.workers": {"value": 2, "source": "default"},
        },
    }


@pytest.mark.parametrize("arguments", [[], ["--json"], ["storage_options"], ["store"]], ids=str)
def test_no_secret_is_shown(autolog, file, arguments):
    answer = autolog("config", *arguments)
    assert answer.status == 0
    assert "***" in answer.out
    assert SECRET not in answer.out + answer.err


def test_doctor_shows_no_secret_either(autolog, file):
    answer = autolog("doctor", "--store", "x.db")
    assert "storage_options.s3://bucket" in answer.out
    assert SECRET not in answer.out + answer.err


def test_an_unknown_key_is_wrong_usage(autolog, file):
    answer = autolog("config", "uplaod.retries")
    assert answer.status == 2
    assert "did you mean 'upload.retries'" in answer.err
    assert answer.out == ""


def test_a_file_that_can_not_be_used_is_said(autolog, file):
    file.write_text("[upload]\nretry = 3\n")
    answer = autolog("config")
    assert (answer.status, answer.out) == (2, "")
    assert f"unknown setting 'upload.retry' in {file}; did you mean 'upload.retries'" in answer.err
