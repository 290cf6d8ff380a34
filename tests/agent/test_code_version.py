"""The code version of a run: commit and branch as git's own files say, dirty as git itself says."""

import subprocess

import pytest

from autolog.store import changes_of

pytestmark = [pytest.mark.core, pytest.mark.slow]


def _git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _repository(lab):
    _git(lab.work, "init", "-q", "-b", "trunk")
    (lab.work / "train.txt").write_text("one\n")
    _git(lab.work, "add", "train.txt")
    _git(lab.work, "commit", "-q", "-m", "one")
    return _git(lab.work, "rev-parse", "HEAD")


def _save(lab, **environment):
    lab.run('save(Model.random(100), "m.bin")', **environment)
    lab.quiet()
    return lab.tasks()[-1].git


def test_a_clean_tree(lab):
    commit = _repository(lab)
    assert _save(lab) == {"root": str(lab.work), "commit": commit, "branch": "trunk", "dirty": False}


def test_a_dirty_tree_on_packed_references(lab):
    commit = _repository(lab)
    _git(lab.work, "checkout", "-q", "-b", "some/branch")
    _git(lab.work, "pack-refs", "--all")
    (lab.work / "train.txt").write_text("two\n")
    assert _save(lab) == {"root": str(lab.work), "commit": commit, "branch": "some/branch", "dirty": True}


def test_a_detached_head(lab):
    commit = _repository(lab)
    _git(lab.work, "checkout", "-q", "--detach")
    found = _save(lab)
    assert (found["commit"], found["branch"]) == (commit, None)


def test_a_worktree(lab):
    commit = _repository(lab)
    other = lab.work / "other"
    _git(lab.work, "worktree", "add", "-q", "-b", "side", str(other))
    lab.work = other
    assert _save(lab) == {"root": str(other), "commit": commit, "branch": "side", "dirty": False}


def test_outside_of_a_repository(lab):
    assert _save(lab) == {}


def _changes(lab):
    with lab.store() as store:
        return changes_of(store, store.tasks()[-1].id)


def test_what_is_not_committed_is_recorded_and_can_be_applied(lab, tmp_path):
    commit = _repository(lab)
    (lab.work / "picture.png").write_bytes(bytes(range(256)))
    _git(lab.work, "add", "picture.png")
    _git(lab.work, "commit", "-q", "-m", "two")
    (lab.work / "train.txt").write_text("one\nlr\t= 0.1\nurl = 'postgresql://me:secret@db/x'\n")
    (lab.work / "picture.png").write_bytes(bytes(reversed(range(256))))
    (lab.work / "new file.py").write_text("print(1)\n")
    _git(lab.work, "add", "new file.py")
    (lab.work / "notes.txt").write_text("not in git")
    before = (lab.work / ".git" / "index").read_bytes()
    assert _save(lab)["dirty"] is True
    found = _changes(lab)
    assert (lab.work / ".git" / "index").read_bytes() == before
    assert found.binary == ("picture.png",)
    assert {"notes.txt", "m.bin"} <= set(found.untracked)
    assert "postgresql://me:***@db/x" in found.diff
    assert "secret" not in found.diff
    assert (found.altered, found.cut_bytes, found.problem) == (1, 0, "")
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", str(lab.work), str(clone))
    (tmp_path / "changes.diff").write_text("# a line before it\n" + found.diff)
    _git(clone, "apply", str(tmp_path / "changes.diff"))
    assert (clone / "new file.py").read_text() == "print(1)\n"
    assert (clone / "train.txt").read_text() == "one\nlr\t= 0.1\nurl = 'postgresql://me:***@db/x'\n"
    assert commit != _git(clone, "rev-parse", "HEAD")


def test_a_repository_runs_nothing(lab):
    _repository(lab)
    lab.home.mkdir(exist_ok=True)
    trap = lab.home / "trap"
    trap.write_text(f"#!/bin/sh\necho ran >> {lab.home}/ran\ncat\n")
    trap.chmod(0o755)
    (lab.work / ".gitattributes").write_text("*.txt filter=trap diff=trap\n")
    hooks = lab.home / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit"):
        (hooks / name).symlink_to(trap)
    for name in ("filter.trap.clean", "filter.trap.process", "diff.trap.command", "diff.trap.textconv",
                 "core.fsmonitor", "diff.external", "core.pager"):  # fmt: skip
        _git(lab.work, "config", name, str(trap))
    _git(lab.work, "config", "filter.trap.required", "true")
    _git(lab.work, "config", "core.hooksPath", str(hooks))
    (lab.work / "train.txt").write_text("two\n")
    assert _save(lab)["dirty"] is True
    assert "+two" in _changes(lab).diff
    assert not (lab.home / "ran").exists()


def test_what_is_long_is_cut_at_a_line(lab):
    _repository(lab)
    (lab.work / "train.txt").write_text("".join(f"line {number}\n" for number in range(200_000)))
    assert _save(lab)["dirty"] is True
    found = _changes(lab)
    assert 1_040_000 < len(found.diff) <= 1 << 20
    assert found.diff.endswith("\n")
    assert found.diff.count("\n") + found.cut_lines == 200_000 + 6
    assert found.cut_bytes > 1_000_000


def test_the_difference_can_be_switched_off(lab):
    _repository(lab)
    (lab.work / "train.txt").write_text("two\n")
    assert _save(lab, AUTOLOG_GIT_DIFF="0")["dirty"] is True
    assert _changes(lab) is None
