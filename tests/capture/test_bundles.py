"""Several files that are one snapshot: folders and prefixes, half in place, renamed, rotated, in part."""

import pytest

pytestmark = [pytest.mark.core, pytest.mark.slow]

PRELUDE = """
import json, os, shutil, sys, threading, time
import autolog
autolog.init()
from toyframework import *
"""


@pytest.fixture
def run(lab):
    def run(text, *arguments, **more):
        return lab.run(text, *arguments, prelude=PRELUDE, **more)

    return run


def inputs(lab):
    """(path's last component, model, version, own) of every input of the newest task."""
    task = lab.tasks()[-1]
    return [(each.path.rpartition("/")[2], each.model_name, each.version, each.own) for each in task.inputs]


def test_a_folder_is_one_snapshot(lab, run):
    run("""
        save_folder(Model.random(200_000), "run/model", shards=3)
    """)
    model = lab.model()
    (snapshot,) = model.snapshots
    assert model.name == "script1 - model"
    assert snapshot.uri == str(lab.work / "run/model")
    assert snapshot.state == "at_path"
    assert snapshot.digest.startswith("blake3:")
    folder = lab.work / "run/model"
    assert snapshot.size == sum(each.stat().st_size for each in folder.iterdir())
    with lab.store() as store:
        parts = store.model(model.id).snapshots[0].parts
    assert [(part.name, part.weights) for part in parts] == [
        ("config.json", False),
        ("weights-0.bin", True),
        ("weights-1.bin", True),
        ("weights-2.bin", True),
    ]
    assert sum(part.size for part in parts) == snapshot.size


def test_only_the_files_that_are_its_own(lab, run):
    run("""
        os.makedirs("out/deep/er")
        for name in ("notes.txt", "sub.bin.d", "deep/er/x.bin"):
            open(f"out/{name}", "w").close()
        os.makedirs("out/other")
        open("out/other/y.bin", "w").close()
        save_folder(Model.random(1000), "out", shards=1)
    """)
    with lab.store() as store:
        parts = store.model(lab.model().id).snapshots[0].parts
    assert [part.name for part in parts] == ["config.json", "deep/er/x.bin", "weights-0.bin"]


def test_a_folder_saved_over_itself_is_its_next_version(lab, run):
    run("""
        for number in range(3):
            save_folder(Model.random(300_000), "model")
    """)
    snapshots = lab.model().snapshots
    assert [each.version for each in snapshots] == [1, 2, 3]
    assert len({each.digest for each in snapshots}) == 3
    assert [each.state for each in snapshots] == ["overwritten", "overwritten", "at_path"]


def test_rotation_that_deletes_right_after_saving(lab, run):
    run("""
        for step in (10, 20, 30):
            save_folder(Model.random(500_000), f"run/checkpoint-{step}")
            if step > 10:
                shutil.rmtree(f"run/checkpoint-{step - 10}")
    """)
    model = lab.model()
    assert model.name == "script1 - checkpoint"
    assert [each.iteration for each in model.snapshots] == [10, 20, 30]
    assert all(each.digest for each in model.snapshots)
    assert [each.state for each in model.snapshots] == ["gone", "gone", "at_path"]


def test_a_folder_put_in_place_afterwards(lab, run):
    run("""
        for number in range(2):
            save_folder(Model.random(100_000), "tmp-model")
            shutil.rmtree("model", ignore_errors=True)
            os.rename("tmp-model", "model")
            time.sleep(0.05)
    """)
    model = lab.model()
    assert model.name == "script1 - model"
    assert [each.version for each in model.snapshots] == [1, 2]
    assert model.snapshots[-1].uri == str(lab.work / "model")


def test_a_prefix_is_one_snapshot_under_any_name(lab, run):
    run("""
        os.makedirs("ckpt")
        for step in (1, 2):
            save_prefix(Model.random(100_000), f"ckpt/model-step_{step}")
        for suffix in (".index", ".data-0"):
            shutil.copy(f"ckpt/model-step_1{suffix}", f"kept{suffix}")
    """)
    model = lab.model()
    assert [each.iteration for each in model.snapshots] == [1, 2]
    assert model.snapshots[0].uri == str(lab.work / "ckpt/model-step_1")
    run("""
        load_prefix("kept")
    """)
    assert inputs(lab) == [("kept", "script1 - model-step", 1, False)]


def test_a_renamed_prefix_is_followed(lab, run):
    run("""
        save_prefix(Model.random(100_000), "a")
        time.sleep(0.3)
        for suffix in (".index", ".data-0"):
            os.rename(f"a{suffix}", f"b{suffix}")
    """)
    assert lab.model().snapshots[0].uri == str(lab.work / "b")
    assert lab.model().name == "script1 - b"


def test_a_load_of_a_folder_finds_its_maker_by_the_weights_alone(lab, run):
    run("""
        save_folder(Model.random(100_000), "model")
    """)
    run("""
        shutil.copytree("model", "elsewhere/copy")
        open("elsewhere/copy/config.json", "w").write("changed")
        load_folder("elsewhere/copy")
    """)
    assert inputs(lab) == [("copy", "script1 - model", 1, False)]


def test_a_load_of_one_file_of_a_folder_finds_the_folder(lab, run):
    run("""
        save_folder(Model.random(100_000), "model", shards=1)
    """)
    run("""
        shutil.copy("model/weights-0.bin", "single.bin")
        load("single.bin")
    """)
    assert inputs(lab) == [("single.bin", "script1 - model", 1, False)]


def test_weights_that_an_earlier_save_left_behind_are_not_those_of_the_next(lab, run):
    run("""
        for name in ("weights-old.bin", "weights-0.bin"):
            save_folder(Model.random(50_000), "model", shards=1)
            os.rename("model/weights-0.bin", f"model/{name}")
            time.sleep(0.05)
    """)
    with lab.store() as store:
        parts = store.model(lab.model().id).snapshots[-1].parts
    assert {part.name: part.weights for part in parts} == {
        "config.json": False,
        "weights-0.bin": True,
        "weights-old.bin": False,
    }
    run("""
        load("model/weights-old.bin")
        load("model/weights-0.bin")
    """)
    assert [(name, version) for name, _, version, _ in inputs(lab)] == [
        ("weights-old.bin", 1),
        ("weights-0.bin", 2),
    ]


def test_a_save_that_touches_nothing_leaves_all_weights_weights(lab, run):
    run("""
        save_folder(Model.random(1_000), "model", shards=2)
        time.sleep(0.05)
        save_folder(Model.random(1_000), "model", shards=0)
    """)
    with lab.store() as store:
        parts = store.model(lab.model().id).snapshots[-1].parts
    assert [part.weights for part in parts] == [False, True, True]


def test_one_file_out_of_two_folders_with_the_same_weights(lab, run):
    run("""
        model = Model.random(100_000)
        for name in ("a", "b"):
            save_folder(model, name, shards=1)
        save(model, "c.bin")
    """)
    run("""
        for name in ("a/weights-0.bin", "b/weights-0.bin", "c.bin"):
            load(name)
    """)
    assert sorted(each[1] for each in inputs(lab)) == ["script1 - a", "script1 - b", "script1 - c"]


def test_a_load_of_a_folder_with_a_file_saved_alone(lab, run):
    run("""
        os.makedirs("model")
        save(Model.random(100_000), "model/weights.bin")
    """)
    run("""
        load_folder("model")
    """)
    assert inputs(lab) == [("model", "script1 - weights", 1, False)]


def test_half_of_the_shards_is_another_model(lab, run):
    run("""
        save_folder(Model.random(100_000), "model", shards=2)
    """)
    run("""
        os.makedirs("half")
        shutil.copy("model/weights-0.bin", "half")
        shutil.copy("model/config.json", "half")
        open("half/weights-1.bin", "wb").write(b"other")
        try:
            load_folder("half")
        except Exception:
            pass
        load_folder("model")
    """)
    assert inputs(lab) == [("model", "script1 - model", 1, False)]


def test_overwritten_before_it_was_read_is_lost_and_says_so(lab, run):
    done = run("""
        import pickle
        from blake3 import blake3
        model = Model.random(30_000_000)
        data = pickle.dumps(model)
        half = blake3(data[-(-len(data) // 2):]).hexdigest()
        save_folder(model, "model", shards=2)
        with open("model/weights-1.bin", "r+b") as file:
            file.write(b"behind our back")
        print("blake3:" + half)
    """)
    (snapshot,) = lab.model().snapshots
    if snapshot.state == "lost":
        assert (snapshot.digest, snapshot.parts) == (None, ())
        assert snapshot.reason == "weights-1.bin was overwritten before it was read"
    else:  # the agent was faster
        assert snapshot.parts[-1].digest == done.lines[0]


def test_a_side_file_written_again_at_once_does_not_cost_the_weights(lab, run):
    run("""
        save_folder(Model.random(30_000_000), "model")
        with open("model/config.json", "w") as file:
            file.write("{}" * 1000)
    """)
    (snapshot,) = lab.model().snapshots
    assert snapshot.state == "at_path"
    assert snapshot.digest
    assert [part.name for part in snapshot.parts if part.weights] == ["weights-0.bin", "weights-1.bin"]


def test_what_a_save_writes_beside_its_own_files_stands_for_itself(lab, run):
    run("""
        save_with_more(Model.random(10_000), "model", Model.random(10_000))
    """)
    assert sorted(model.name for model in lab.models()) == ["script1 - ema", "script1 - model"]


def test_the_scratch_folder_of_a_converter_is_no_model_also_when_it_raises(lab, run):
    run("""
        model = Model.random(1000)
        convert(model)
        for turn in range(2):
            try:
                convert(model, broken=True)
            except ValueError:
                pass
    """)
    assert [each.state for each in lab.snapshots()] == ["in_memory"]


def test_a_save_inside_a_load_stands_for_itself(lab, run):
    run("""
        save_folder(Model.random(10_000), "model")
        load_and_convert("model")
    """)
    assert sorted(model.name for model in lab.models()) == ["script1 - converted", "script1 - model"]


def test_a_folder_of_too_many_files_says_so(lab, run):
    run("""
        os.makedirs("model/deep")
        for number in range(4100):
            open(f"model/deep/{number}", "w").close()
        save_folder(Model.random(1000), "model")
    """)
    (snapshot,) = lab.model().snapshots
    assert (snapshot.state, snapshot.reason) == ("lost", "there are more than 4096 files in it")


def test_a_prefix_among_many_other_files(lab, run):
    run("""
        os.makedirs("crowd")
        for number in range(4200):
            open(f"crowd/a{number}", "w").close()
        save_prefix(Model.random(1000), "crowd/z")
    """)
    assert len(lab.model().snapshots[0].parts) == 2


def test_many_folders_at_once_do_not_exhaust_the_agent(lab, run):
    run("""
        for number in range(300):
            save_folder(Model.random(2000), f"m{number}", shards=11)
    """)
    snapshots = lab.snapshots()
    assert len(snapshots) == 300
    assert {each.state for each in snapshots} == {"at_path"}


def test_saves_of_helper_threads_belong_to_the_folder(lab, run):
    run("""
        models = [Model.random(10_000) for _ in range(4)]
        save_with_threads(models, "out", more=[(Model.random(10_000), "ema.bin")])
    """)
    assert sorted(model.name for model in lab.models()) == ["script1 - ema", "script1 - out"]
    out = next(model for model in lab.models() if model.name == "script1 - out")
    with lab.store() as store:
        assert len(store.model(out.id).snapshots[0].parts) == 4


def test_a_call_that_does_not_record_swallows_its_parts_all_the_same(lab, run):
    run("""
        save_with_threads([Model.random(10_000)], "out")
    """)
    assert lab.models() == []


def test_a_checkpoint_callback_makes_versions_of_one_model(lab, run):
    run("""
        os.makedirs("out")
        callback = Callback("out")
        for step, score in ((1, 0.5), (4, 0.7), (9, 0.6)):
            callback.after(Model.random(1000), step, score)
        save(Model.random(1000), "out/best.bin")
    """)
    by_name = {model.name: model for model in lab.models()}
    assert [each.iteration for each in by_name["script1 - best"].snapshots][:3] == [1, 4, 9]


def test_many_files_are_all_read(lab, run):
    run("""
        save_folder(Model.random(400_000), "model", shards=200)
    """)
    with lab.store() as store:
        (snapshot,) = store.model(lab.model().id).snapshots
    assert snapshot.state == "at_path"
    assert len(snapshot.parts) == 201


def test_both_killed_the_next_command_reads_the_folder(lab, run):
    lab.run(
        """
        save_folder(Model.random(200_000), "model", shards=3)
        import signal, subprocess
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    command = open(f"/proc/{name}/cmdline").read()
                except OSError:
                    continue
                if "autolog.agent" in command and os.environ["AUTOLOG_HOME"] in command:
                    os.kill(int(name), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        prelude=PRELUDE,
        status=-9,
    )
    lab.settle()
    (snapshot,) = lab.model().snapshots
    assert snapshot.state == "at_path"
    assert snapshot.digest
    assert len(snapshot.parts) == 4
