"""Settings: precedence, the framework filter, and errors that say how to put things right."""

import pytest

from autolog import config, hooks

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    for name in ("HOME", "STORE", "PROJECT", "TASK", "FRAMEWORKS", "DISABLED"):
        monkeypatch.delenv(f"AUTOLOG_{name}", raising=False)
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
