"""The code version of a run: commit and branch as git's own files say, dirty as git itself says."""

import subprocess

import pytest

pytestmark = pytest.mark.core


def _git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _repository(lab):
    _git(lab.work, "init", "-q", "-b", "trunk")
    (lab.work / "train.txt").write_text("one\n")
    _git(lab.work, "add", "train.txt")
    _git(lab.work, "commit", "-q", "-m", "one")
    return _git(lab.work, "rev-parse", "HEAD")


def _save(lab):
    lab.run('save(Model.random(100), "m.bin")')
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
