"""Settings: precedence, the framework filter, and errors that say how to put things right."""

import re
from pathlib import Path

import pytest

from autolog import config, hooks

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    for name in (*config.VARIABLES.values(), "AUTOLOG_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_an_argument_comes_before_the_environment_before_a_file_before_the_users_own(
    monkeypatch, alone, tmp_path
):
    (tmp_path / "user" / "autolog").mkdir(parents=True)
    (tmp_path / "user" / "autolog" / "config.toml").write_text('project = "user"\ntask = "user"\n')
    assert (config.load().project, config.load().task) == ("user", "user")
    (alone / "autolog.toml").write_text('project = "file"\n')
    inner = alone / "deep" / "er"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert (config.load().project, config.load().task) == ("file", "user")
    monkeypatch.setenv("AUTOLOG_PROJECT", "environment")
    assert config.load().project == "environment"
    settings = config.load(project="argument")
    assert settings.project == "argument"
    assert settings.sources["project"] == "argument"
    assert settings.sources["task"].endswith("config.toml")
    assert config.load().sources["project"] == "AUTOLOG_PROJECT"


def test_a_table_in_pyproject_counts_and_a_foreign_pyproject_does_not(alone):
    (alone / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert config.load().project is None
    (alone / "pyproject.toml").write_text("[tool.autolog]\nproject = 'mine'\n")
    assert config.load().project == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("projct = 'x'", "did you mean 'project'"),
        ("project = 3", "must be str"),
        ("project = ", "not valid TOML"),
        ("store = ['x']", "must be str"),
    ],
)
def test_a_bad_file_is_named_with_what_to_do(alone, text, says):
    (alone / "autolog.toml").write_text(text)
    with pytest.raises(config.ConfigurationProblem, match=says) as caught:
        config.load()
    assert "autolog.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("frameworks", "key", "path", "allowed"),
    [
        (True, "pytorch", "/a/b.pt", True),
        (False, "pytorch", "/a/b.pt", False),
        ({}, "pytorch", "/a/b.pt", False),
        ({"pytorch": "*.pt"}, "pytorch", "/a/b.pt", True),
        ({"pytorch": "*.pt"}, "pytorch", "/a/b.bin", False),
        ({"pytorch": ["*.bin", "/a/*"]}, "pytorch", "/a/b.pt", True),
        ({"pytorch": False}, "xgboost", "/a/b.ubj", True),
        ({"pytorch": "*.pt"}, "pytorch", None, False),
        ("pytorch, xgboost=*.ubj", "xgboost", "/a/b.ubj", True),
        ("pytorch, xgboost=*.ubj", "xgboost", "/a/b.json", False),
        ("pytorch", "joblib", "/a/b.joblib", False),
        ("all", "joblib", "/a/b.joblib", True),
        ("none", "joblib", "/a/b.joblib", False),
    ],
)
def test_the_framework_filter(frameworks, key, path, allowed):
    assert config.load(frameworks=frameworks).filter.allows(key, path) is allowed


@pytest.mark.parametrize(
    ("frameworks", "path", "allowed"),
    [
        ({"pytorch": False}, "/a/b.pt", False),
        ({"pytorch": "*.pt"}, "/a/b.pt", True),
        ({"pytorch": "*.pt"}, "/a/b.onnx", False),
        ({"pytorch": False, "torchscript": True}, "/a/b.pt", True),
        ({"pytorch": True, "torchscript": "*.ts"}, "/a/b.pt", False),
        ({"xgboost": False}, "/a/b.pt", True),
        ({}, "/a/b.pt", False),
        ("pytorch", "/a/b.pt", True),
        ("pytorch=*.pt", "/a/b.ts", False),
        ("xgboost", "/a/b.pt", False),
        ("torchscript", "/a/b.pt", True),
    ],
)
def test_a_key_that_is_not_named_goes_by_its_family(frameworks, path, allowed):
    assert config.load(frameworks=frameworks).filter.allows("torchscript", path, "pytorch") is allowed


def test_the_other_way_round_a_family_does_not_go_by_its_members():
    assert not config.load(frameworks="torchscript").filter.allows("pytorch", "/a/b.pt")


def test_every_family_is_the_key_of_a_hook_that_has_none():
    families = {hook.key: hook.family for hook in hooks.discover()}
    assert families["tflite"] == "tensorflow"
    assert {families.get(family, "no such hook") for family in families.values() if family} == {""}


def test_excluded_paths_win():
    filter_ = config.load(frameworks=True, exclude=["*/tmp/*", "scratch*"]).filter
    assert not filter_.allows("pytorch", "/x/tmp/a.pt")
    assert not filter_.allows("pytorch", "/x/scratch-1.pt")
    assert filter_.allows("pytorch", "/x/a.pt")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql+psycopg://me:secret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("s3://bucket/x?token=abc&part=1", "s3://bucket/x?token=***&part=1"),
        ("sqlite:////home/me/a.db", "sqlite:////home/me/a.db"),
        ("/no/url", "/no/url"),
        ("https://u:p@ss@host/x", "https://u:***@host/x"),
    ],
)
def test_credentials_are_masked(url, masked):
    assert config.mask(url) == masked


def test_the_defaults(tmp_path):
    settings = config.load(home=tmp_path / "home")
    assert settings.cache_dir == str(tmp_path / "home" / "cache")
    assert (settings.cache_max_bytes, settings.cache_min_free_bytes) == (20 << 30, 1 << 30)
    assert (settings.upload_retries, settings.upload_workers) == (3, 2)
    assert (settings.storage_options, settings.path_substitution, settings.strict) == ({}, (), False)
    assert settings.sources == {"home": "argument"}


def test_each_key_of_a_table_is_looked_for_by_itself(monkeypatch, alone, tmp_path):
    (tmp_path / "user" / "autolog").mkdir(parents=True)
    own = tmp_path / "user" / "autolog" / "config.toml"
    own.write_text(
        """
        cache = {dir = "/own", max_bytes = "1GiB", min_free_bytes = 5}
        [upload]
        workers = 4
        [storage_options."s3://"]
        profile = "me"
        [storage_options."s3://team"]
        profile = "me, too"
        """
    )
    near = alone / "autolog.toml"
    near.write_text(
        """
        cache.max_bytes = "1.5 MB"
        upload = {retries = 0}
        [storage_options."s3://team"]
        client_kwargs = {endpoint_url = "http://minio"}
        """
    )
    monkeypatch.setenv("AUTOLOG_CACHE_DIR", "/environment")
    settings = config.load(upload={"workers": 1})
    assert settings.cache_dir == "/environment"
    assert (settings.cache_max_bytes, settings.cache_min_free_bytes) == (1_500_000, 5)
    assert (settings.upload_retries, settings.upload_workers) == (0, 1)
    assert settings.storage_options == {
        "s3://team": {"client_kwargs": {"endpoint_url": "http://minio"}},
        "s3://": {"profile": "me"},
    }
    assert settings.sources == {
        "upload.workers": "argument",
        "cache.dir": "AUTOLOG_CACHE_DIR",
        "cache.max_bytes": str(near),
        "upload.retries": str(near),
        "storage_options.s3://team": str(near),
        "cache.min_free_bytes": str(own),
        "storage_options.s3://": str(own),
    }


def test_substitutions_are_tables_or_pairs(alone):
    (alone / "autolog.toml").write_text('path_substitution = [{from = "/data/", to = "mnt"}, ["/a", "/b"]]')
    assert config.load().path_substitution == (("/data", str(alone / "mnt")), ("/a", "/b"))


@pytest.mark.parametrize(("text", "strict"), [("1", True), ("true", True), ("0", False), ("off", False)])
def test_strict_in_the_environment(monkeypatch, text, strict):
    monkeypatch.setenv("AUTOLOG_STRICT", text)
    assert config.load().strict is strict
    assert config.load(strict=not strict).strict is not strict


@pytest.mark.parametrize(("text", "disabled"), [("1", True), ("yes", True), ("0", False), ("false", False)])
def test_disabled_in_the_environment(monkeypatch, text, disabled):
    monkeypatch.setenv("AUTOLOG_DISABLED", text)
    assert config.load().enabled is not disabled


@pytest.mark.parametrize("given", [Path("s3://bucket/models"), "s3:/bucket/models", "file:/models"])
def test_a_url_that_has_lost_a_slash_is_no_folder(given):
    meant = "file:///models" if str(given).startswith("file") else "s3://bucket/models"
    with pytest.raises(config.ConfigurationProblem, match=meant):
        config.load(output_uri=given)
    with pytest.raises(config.ConfigurationProblem, match=meant):
        config.load(content_store=given)
    assert config.load(output_uri="./s3:/bucket").output_uri.endswith("/s3:/bucket")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cach = {}", "unknown setting 'cach' in .*; did you mean 'cache"),
        ("cache = {max_byte = 1}", "unknown setting 'cache.max_byte' in .*; did you mean 'cache.max_bytes'"),
        ("max_bytes = 1", "did you mean 'cache.max_bytes'"),
        ("cache = 3", "cache in .* must be a table"),
        ("cache = {max_bytes = -1}", "cache.max_bytes in .* is -1: a size can't be negative"),
        ("cache = {max_bytes = true}", "it must be a number of bytes, or a size such as 20GiB"),
        ("cache = {min_free_bytes = 1.5}", "it must be a number of bytes"),
        ("cache = {max_bytes = nan}", "it must be a number of bytes"),
        ('waiting_limit = "20 giga"', "'20 giga' is no size"),
        ('waiting_limit = "-1GB"', "is no size"),
        ('memory_limit = "GB"', "is no size"),
        ("cache = {dir = 3}", "must be str"),
        ('upload = {retries = "many"}', "upload.retries in .* is 'many': .* a whole number of at least 0"),
        ("upload = {retries = -1}", "at least 0"),
        ("upload = {workers = 0}", "from 1 to 64"),
        ("upload = {workers = 1000}", "from 1 to 64"),
        ("upload = {worker = 2}", "did you mean 'upload.workers'"),
        ('strict = "banana"', "it must be true or false"),
        ("enabled = 1", "must be bool"),
        ("exclude = [3]", "list of str"),
        ("retention = {keep_lst = 3}", "'keep_lst' is unknown in it; did you mean 'keep_last'"),
        ("retention = 5", "it must be a table"),
        ('path_substitution = "/a"', "it must be a list"),
        ('path_substitution = [["/a"]]', "recorded prefix"),
        ('path_substitution = [{from = "/a"}]', "recorded prefix"),
        ('path_substitution = [{form = "/a", to = "/b"}]', "'form' is unknown in it; did you mean 'from'"),
        ("storage_options = 3", "must be a table"),
        ("storage_options = {s3 = {anon = true}}", "did you mean 's3://'"),
        ('storage_options = {"s3://a" = 3}', "storage_options.s3://a in .*: it must be a table"),
        ('storage_options = {"s3://a" = {b = {c = 2026-01-01}}}', "b.c is a date; write text, numbers"),
    ],
)
def test_what_can_not_be_is_refused_with_what_may_be_meant(alone, text, says):
    (alone / "autolog.toml").write_text(text)
    with pytest.raises(config.ConfigurationProblem, match=says) as caught:
        config.load()
    assert str(alone / "autolog.toml") in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"s3://a": "hunter2"},
        {"key": "hunter2", "secret": "hunter2"},
        {"s3://me:hunter2@host": 3},
        {"s3://a": {"secret": "hunter2", "when": object()}},
        "hunter2",
    ],
)
def test_a_problem_with_options_shows_no_secret(options):
    with pytest.raises(config.ConfigurationProblem) as caught:
        config.load(storage_options=options)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GiB", 20 << 30), ("500 MB", 500_000_000), ("1.5kb", 1500), ("1024", 1024), (" 2 TiB ", 2 << 40)],
)
def test_sizes(text, size):
    assert config.bytes_of(text) == size
    assert config.load(waiting_limit=text).waiting_limit == size


def test_secrets_among_options_are_concealed():
    options = {
        "key": "AKIA",
        "secret": "s1",
        "token": None,
        "client_kwargs": {"endpoint_url": "https://me:s2@host/x?sig=s3", "aws_session_token": "s4"},
        "connection_string": "AccountKey=s5",
        "headers": [{"Authorization": "s6"}, "plain"],
        "anon": False,
    }
    assert config.conceal(options) == {
        "key": "***",
        "secret": "***",
        "token": None,
        "client_kwargs": {"endpoint_url": "https://me:***@host/x?sig=***", "aws_session_token": "***"},
        "connection_string": "***",
        "headers": [{"Authorization": "***"}, "plain"],
        "anon": False,
    }
    assert set(config.secrets_in(options)) == {"AKIA", "s1", "s4", "AccountKey=s5", "s6"}


def test_the_readme_lists_exactly_the_settings_there_are():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    section = text.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| ")][1:]
    listed = [name for names, _ in rows for name in re.findall(r"`([a-z_.]+)`", names)]
    assert sorted(listed) == sorted(config.KEYS)
    variables = {name for _, told in rows for name in re.findall(r"AUTOLOG_[A-Z_]+", told)}
    assert variables == {*config.VARIABLES.values(), "AUTOLOG_DISABLED", "AUTOLOG_WAIT"}
