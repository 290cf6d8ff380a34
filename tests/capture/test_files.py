"""What may happen to a file right after its save: digest, path and state are right, or it says lost."""

import os
import signal

import pytest
from toylab import wait_until

pytestmark = pytest.mark.core

SIZES = pytest.mark.parametrize(
    "size",
    [
        pytest.param(1000, id="1KB"),
        pytest.param(1 << 20, id="1MB", marks=pytest.mark.slow),
        pytest.param(20 << 20, id="20MB", marks=pytest.mark.slow),
    ],
)


def _save_then(lab, size, code, **environment):
    done = lab.run(
        f"""
        model = Model.random({size})
        save(model, "m.bin")
        """
        + code
        + """
        print(digest_of(model))
        """,
        **environment,
    )
    assert done.err == ""
    return done.lines[-1]


@SIZES
def test_unlinked_at_once(lab, size):
    digest = _save_then(lab, size, 'os.unlink("m.bin")')
    (snapshot,) = lab.snapshots()
    assert (snapshot.digest, snapshot.state, snapshot.uri) == (digest, "gone", str(lab.work / "m.bin"))


@SIZES
def test_renamed_onto_another_name(lab, size):
    digest = _save_then(lab, size, 'os.replace("m.bin", "final.bin")')
    (snapshot,) = lab.snapshots()
    assert (snapshot.digest, snapshot.state, snapshot.uri) == (digest, "at_path", str(lab.work / "final.bin"))
    assert lab.model().name == "script1 - final"


@SIZES
def test_its_folder_is_renamed(lab, size):
    done = lab.run(f"""
        os.mkdir("run.part")
        model = Model.random({size})
        save(model, "run.part/m.bin")
        os.rename("run.part", "run")
        print(digest_of(model))
    """)
    (snapshot,) = lab.snapshots()
    assert [snapshot.digest] == done.lines
    assert (snapshot.state, snapshot.uri) == ("at_path", str(lab.work / "run" / "m.bin"))


@SIZES
def test_renamed_long_after_the_save(lab, size):
    digest = _save_then(lab, size, 'time.sleep(0.5); os.replace("m.bin", "final.bin")')
    (snapshot,) = lab.snapshots()
    assert (snapshot.digest, snapshot.uri) == (digest, str(lab.work / "final.bin"))


@SIZES
@pytest.mark.parametrize("pause", [0, 0.01])
def test_ten_temporary_files_put_over_one_path(lab, size, pause):
    # Save to a temporary name, then os.replace: within a task one final path is one model.
    done = lab.run(f"""
        models = [Model.random({size}) for _ in range(10)]
        for model in models:
            save(model, "m.tmp")
            os.replace("m.tmp", "final.bin")
            time.sleep({pause})
        print(*map(digest_of, models), sep="\\n")
    """)
    model = lab.model()
    assert [each.digest for each in model.snapshots] == done.lines
    assert [each.version for each in model.snapshots] == list(range(1, 11))
    assert [each.state for each in model.snapshots] == ["overwritten"] * 9 + ["at_path"]
    assert model.snapshots[-1].uri == str(lab.work / "final.bin")
    assert model.name == "script1 - final"


@pytest.mark.slow
def test_two_paths_change_places(lab):
    done = lab.run("""
        models = [Model.random(100_000) for _ in range(2)]
        save(models[0], "a.bin")
        save(models[1], "b.bin")
        time.sleep(0.2)
        os.rename("a.bin", "c.bin"); os.rename("b.bin", "a.bin"); os.rename("c.bin", "b.bin")
        print(*map(digest_of, models), sep="\\n")
    """)
    by_digest = {each.digest: each for each in lab.snapshots()}
    assert by_digest[done.lines[0]].uri == str(lab.work / "b.bin")
    assert by_digest[done.lines[1]].uri == str(lab.work / "a.bin")
    assert {each.state for each in by_digest.values()} == {"at_path"}


def test_a_file_saved_while_the_agent_is_away_takes_the_place_of_one_that_moved(lab):
    # The first is recorded at a.bin; the second is seen for the first time when it is there, too.
    process = lab.start("""
        models = [Model.random(100_000) for _ in range(2)]
        save(models[0], "a.bin")
        print(digest_of(models[0]), flush=True)
        sys.stdin.readline()
        save(models[1], "b.bin")
        os.rename("a.bin", "c.bin"); os.rename("b.bin", "a.bin"); os.rename("c.bin", "b.bin")
        print(digest_of(models[1]), flush=True)
    """)
    first = process.stdout.readline().strip()
    agent = lab.agent()
    wait_until(lambda: (lab.home / "autolog.db").exists() and lab.snapshots())
    os.kill(agent, signal.SIGSTOP)
    try:
        process.stdin.write("go\n")
        process.stdin.flush()
        second = process.stdout.readline().strip()
    finally:
        os.kill(agent, signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    by_digest = {each.digest: each for each in lab.snapshots()}
    assert by_digest[first].uri == str(lab.work / "b.bin")
    assert by_digest[second].uri == str(lab.work / "a.bin")
    assert {each.state for each in by_digest.values()} == {"at_path"}
    assert len(lab.models()) == 2


def test_a_symlink_stays_and_its_target_is_the_file(lab):
    done = lab.run("""
        os.mkdir("store")
        os.symlink("store/real.bin", "m.bin")
        for number in range(3):
            model = Model.random(1000)
            save(model, "m.bin")
            print(digest_of(model))
        assert os.readlink("m.bin") == "store/real.bin"
    """)
    model = lab.model()
    assert [each.digest for each in model.snapshots] == done.lines
    assert os.path.samefile(model.snapshots[-1].uri, lab.work / "store" / "real.bin")


def test_a_copy_is_another_name_of_the_same_bytes(lab):
    digest = _save_then(
        lab,
        100_000,
        """
        import shutil
        shutil.copy("m.bin", "copy.bin")
        load("copy.bin")""",
    )
    (snapshot,) = lab.snapshots()
    assert (snapshot.digest, snapshot.uri) == (digest, str(lab.work / "m.bin"))
    (used,) = lab.task().inputs
    assert used.own
    assert used.version == 1


def test_a_hard_link_keeps_the_first_name(lab):
    digest = _save_then(lab, 100_000, 'os.link("m.bin", "best.bin")')
    (snapshot,) = lab.snapshots()
    assert (snapshot.digest, snapshot.state, snapshot.uri) == (digest, "at_path", str(lab.work / "m.bin"))


def test_a_hard_link_is_left_when_the_first_name_goes(lab):
    digest = _save_then(lab, 100_000, 'os.link("m.bin", "best.bin"); os.unlink("m.bin")')
    (snapshot,) = lab.snapshots()
    assert snapshot.digest == digest
    assert snapshot.state in ("at_path", "gone")


@SIZES
@pytest.mark.parametrize(
    "change",
    [
        'open("m.bin", "wb").write(os.urandom(os.path.getsize("m.bin")))',
        'open("m.bin", "wb").write(os.urandom(77))',
        'open("m.bin", "ab").write(b"more")',
        'os.truncate("m.bin", 5)',
        'size = os.path.getsize("m.bin"); f = open("m.bin", "r+b"); f.write(os.urandom(size)); f.close()',
        'f = open("m.bin", "r+b"); f.seek(-8, 2); f.write(os.urandom(8)); f.close()',
    ],
    ids=["same size", "other size", "appended", "truncated", "in place", "its end"],
)
def test_overwritten_behind_our_back(lab, size, change):
    digest = _save_then(lab, size, change)
    (snapshot,) = lab.snapshots()
    assert snapshot.digest in (digest, None)
    if snapshot.digest is None:
        assert snapshot.state == "lost"
        assert "overwritten" in snapshot.reason


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0, 0.001, 0.003, 0.01, 0.05])
def test_a_rewrite_at_any_moment_is_never_taken_for_the_save(lab, pause):
    done = lab.run(f"""
        for number in range(30):
            model = Model.random(2_000_000)
            save(model, f"m{{number}}.bin")
            print(digest_of(model))
            time.sleep({pause} * number / 30)
            with open(f"m{{number}}.bin", "r+b") as file:
                file.write(os.urandom(2_000_000))
    """)
    snapshots = lab.snapshots()
    assert len(snapshots) == 30
    for snapshot, digest in zip(snapshots, done.lines, strict=True):
        assert snapshot.digest == digest or (snapshot.digest, snapshot.state) == (None, "lost")


def test_names_that_are_awkward(lab):
    done = lab.run("""
        os.mkdir("deep")
        names = [b"caf\\xe9.bin", "ünï ✓.bin".encode(), b"new\\nline.bin", b"quote'\\".bin",
                 b"x" * 240 + b".bin", b"%s %d {}.bin", b"-rf.bin", b"a (deleted).bin", b"b (deleted)"]
        for name in names:
            save(Model(name), os.fsdecode(name))
            save(Model(name + name), os.path.join(b"deep", name))
        folder = "deep"
        for level in range(12):
            folder = os.path.join(folder, "d" * 200)
            os.mkdir(folder)
        save(Model(b"very deep"), os.path.join(folder, "m.bin"))
        print(digest(os.path.join(folder, "m.bin")))
    """)
    snapshots = lab.snapshots()
    assert len(snapshots) == 19
    assert {each.state for each in snapshots} == {"at_path"}
    assert snapshots[-1].digest == done.lines[0]
    uris = [each.uri for each in snapshots]
    assert f"{lab.work}/caf\\xe9.bin" in uris
    assert f"{lab.work}/ünï ✓.bin" in uris
    assert f"{lab.work}/a (deleted).bin" in uris
    assert f"{lab.work}/b (deleted)" in uris
    assert len(set(uris)) == 19


def test_relative_paths_and_a_change_of_folder(lab):
    done = lab.run("""
        os.makedirs("a/b")
        for place in ("a", "b"):
            os.chdir(place)
            save(Model(place.encode()), "m.bin")
            save(Model(place.encode() * 2), "./../" + place + "/n.bin")
        print(os.getcwd())
    """)
    assert sorted(each.uri for each in lab.snapshots()) == [
        f"{lab.work}/a/b/m.bin",
        f"{lab.work}/a/b/n.bin",
        f"{lab.work}/a/m.bin",
        f"{lab.work}/a/n.bin",
    ]
    assert done.lines == [f"{lab.work}/a/b"]


def test_a_folder_that_is_gone_and_targets_that_are_no_files(lab):
    done = lab.run(
        """
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        save(Model(b"x"), "../m.bin")
        save(Model(b"y"), os.path.join("..", "n.bin")) if False else None
        save(Model(b"null"), "/dev/null")
        reader, writer = os.pipe()
        with open(writer, "wb") as file:
            save(Model(b"pipe"), file)
        print(len(os.read(reader, 1000)) > 0)
    """,
        status=None,
    )
    assert done.status in (0, 1)  # a bare run can't save below a removed folder either


def test_another_file_in_the_place_of_a_deleted_one(lab):
    # The filesystem gives a freed inode number to the next file at once.
    done = lab.run("""
        models = [Model.random(50_000) for _ in range(20)]
        for number, model in enumerate(models):
            save(model, f"part{chr(97 + number)}.bin")
            os.unlink(f"part{chr(97 + number)}.bin")
            with open("other.txt", "wb") as file:
                file.write(b"not a model")
            os.unlink("other.txt")
        print(*map(digest_of, models), sep="\\n")
    """)
    snapshots = lab.snapshots()
    assert [each.digest for each in snapshots] == done.lines
    assert [each.uri for each in snapshots] == [f"{lab.work}/part{chr(97 + n)}.bin" for n in range(20)]
    assert {each.state for each in snapshots} <= {"gone", "overwritten"}


def test_across_filesystems(lab):
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(lab.work).st_dev:
        pytest.skip("there is no other filesystem to write to here")
    done = lab.run("""
        import shutil, tempfile
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            model = Model.random(500_000)
            save(model, os.path.join(folder, "m.bin"))
            shutil.move(os.path.join(folder, "m.bin"), "moved.bin")
            load("moved.bin")
        print(digest_of(model))
    """)
    (snapshot,) = lab.snapshots()
    assert [snapshot.digest] == done.lines
    assert snapshot.state == "gone"
    (used,) = lab.task().inputs
    assert used.own


def test_the_same_bytes_under_two_names_are_two_models_with_all_that_the_file_tells(lab):
    lab.run("""
        checkpoint = {"model": Model.random(1000), "epoch": 7}
        save(checkpoint, "last.bin")
        save(checkpoint, "final.bin")
    """)
    first, second = sorted(lab.snapshots(), key=lambda each: each.uri)
    assert first.digest == second.digest
    assert (first.iteration, second.iteration) == (7, 7)


def test_what_is_no_model_is_told_once_though_two_functions_wrote_it(lab):
    lab.run("""
        from toyframework import try_rates
        for name in ("a.bin", "a.bin", "b.bin"):
            try_rates(Model.random(1000), name)
        save(Model.random(1000), "c.bin")
    """)
    assert lab.model().name == "script1 - c"
    assert sorted((os.path.basename(each.path), each.rule, each.count) for each in lab.task().skipped) == [
        ("a.bin", "framework scratch", 2),
        ("b.bin", "framework scratch", 1),
    ]
