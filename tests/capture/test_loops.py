"""Many saves to one path in a tight loop: every version is recorded, with the digest it had."""

import pytest

pytestmark = [pytest.mark.core, pytest.mark.slow]

SIZES = pytest.mark.parametrize("size", [1 << 10, 1 << 20, 20 << 20], ids=["1KB", "1MB", "20MB"])


@SIZES
@pytest.mark.parametrize("function", ["save", "save_by_replacing"])
def test_ten_saves_to_one_path(lab, size, function):
    done = lab.run(f"""
        models = [Model.random({size}) for _ in range(10)]
        digests = [digest_of(model) for model in models]
        for model in models:
            {function}(model, "m.bin")
        print(*digests, sep="\\n")
    """)
    model = lab.model()
    assert [each.digest for each in model.snapshots] == done.lines
    assert [each.version for each in model.snapshots] == list(range(1, 11))
    assert [each.state for each in model.snapshots] == ["overwritten"] * 9 + ["at_path"]
    assert {each.uri for each in model.snapshots} == {str(lab.work / "m.bin")}
    assert done.err == ""


@SIZES
def test_ten_saves_into_files_that_are_opened_anew(lab, size):
    # `open(path, "wb")` truncates before any save is called, so there is no place for a barrier:
    # each version is right, or says that it is lost, and the last one is there in any case.
    done = lab.run(f"""
        models = [Model.random({size}) for _ in range(10)]
        digests = [digest_of(model) for model in models]
        for model in models:
            with open("m.bin", "wb") as file:
                save(model, file)
        print(*digests, sep="\\n")
    """)
    model = lab.model()
    assert len(model.snapshots) == 10
    assert model.snapshots[-1].digest == done.lines[-1]
    for snapshot, digest in zip(model.snapshots, done.lines, strict=True):
        assert snapshot.digest == digest or (snapshot.digest is None and snapshot.state == "lost")


def test_saves_far_enough_apart_are_all_there_whatever_way_they_are_written(lab):
    done = lab.run("""
        for number in range(5):
            model = Model.random(100_000)
            with open("m.bin", "wb") as file:
                save(model, file)
            print(digest_of(model))
            assert autolog.current_task().flush()  # as long as it takes; 0.3 s would do but for other work
    """)
    assert [each.digest for each in lab.model().snapshots] == done.lines


def test_a_slow_writer_is_recorded_when_it_is_done(lab):
    done = lab.run("""
        for number in range(5):
            model = Model.random(100_000)
            save_slowly(model, "m.bin")
            print(digest_of(model))
    """)
    assert [each.digest for each in lab.model().snapshots] == done.lines


def test_several_saves_into_one_open_file_are_one_snapshot(lab):
    done = lab.run("""
        with open("m.bin", "wb") as file:
            save(Model.random(1000), file)
            save(Model.random(1000), file)
        print(digest("m.bin"))
        left_open = open("left.bin", "wb")
        save(Model.random(1000), left_open)
        del file
    """)
    first, second = lab.snapshots()
    assert [first.digest] == done.lines
    assert second.uri == str(lab.work / "left.bin")
    assert second.digest is not None


def test_many_quick_saves(lab):
    done = lab.run("""
        for number in range(600):
            save(Model(b"%d" % number), "m.bin")
        print(digest("m.bin"))
    """)
    model = lab.model()
    assert len(model.snapshots) == 600
    assert model.snapshots[-1].digest == done.lines[0]
    assert not [each for each in model.snapshots if each.digest is None]
    assert done.err == ""


def test_joblib_in_a_loop(lab):
    pytest.importorskip("joblib")
    pytest.importorskip("sklearn")
    done = lab.run("""
        import joblib, numpy
        from sklearn.linear_model import LinearRegression
        for number in range(10):
            model = LinearRegression()
            model.coef_ = numpy.random.rand(50_000)
            joblib.dump(model, "m.joblib")
            print(digest("m.joblib"))
    """)
    assert [each.digest for each in lab.model().snapshots] == done.lines


@pytest.mark.parametrize("opened", [False, True], ids=["path", "file"])
@pytest.mark.parametrize("width", [10, 1500])
def test_torch_in_a_loop(lab, opened, width):
    pytest.importorskip("torch")
    done = lab.run(f"""
        import torch
        models = [torch.nn.Linear({width}, {width}) for _ in range(6)]
        for model in models:
            if {opened}:
                with open("m.pt", "wb") as file:
                    torch.save(model.state_dict(), file)
            else:
                torch.save(model.state_dict(), "m.pt")
            if not {opened}:
                print(digest("m.pt"))
        if {opened}:
            print(digest("m.pt"))
    """)
    snapshots = lab.model().snapshots
    assert len(snapshots) == 6
    if opened:
        assert snapshots[-1].digest == done.lines[0]
        assert all(each.digest is not None or each.state == "lost" for each in snapshots)
        assert len({each.digest for each in snapshots if each.digest}) == sum(
            each.digest is not None for each in snapshots
        )
    else:
        assert [each.digest for each in snapshots] == done.lines
