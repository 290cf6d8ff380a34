"""What is captured and what people set by hand, together: neither undoes the other."""

import json
import os
import shutil

import pytest
from toylab import PRELUDE

pytestmark = [pytest.mark.core, pytest.mark.slow]


def _said(done):
    return json.loads(done.out.splitlines()[-1])


def test_what_people_set_stays_when_the_script_saves_again(lab):
    done = lab.run("""
        import json
        save(Model(b"first"), "net.bin")
        model = autolog.current_task().models.output["net"]
        model.name, model.labels["cat"], model.config_text = "mine", 7, "by hand"
        model.framework = "my own"
        save(Model(b"second"), "net.bin")
        os.rename("net.bin", "other.bin")
        save(Model(b"third"), "other.bin")
        model = autolog.get("mine")
        said = [model.name, dict(model.labels), model.config_text, model.framework]
        print(json.dumps([*said, len(model.snapshots)]))
    """)
    name, labels, design, framework, versions = _said(done)
    assert (name, labels, design, framework) == ("mine", {"cat": 7}, "by hand", "my own")
    assert versions >= 2


def test_a_file_that_is_also_a_model_by_hand_is_still_there(lab):
    done = lab.run("""
        import json
        save(Model(b"weights"), "net.bin")
        made = autolog.OutputModel(name="by hand")
        made.update_weights("net.bin", iteration=3)
        found = autolog.current_task().models.output
        first = [(each.name, each.snapshots[0]) for each in found]
        print(json.dumps([[name, each.state, each.digest] for name, each in first]))
    """)
    (first, state, digest), (second, same_state, same_digest) = _said(done)
    assert sorted((first, second)) == ["by hand", "script1 - net"]
    assert state == same_state == "at_path"
    assert digest == same_digest


def test_a_manual_version_stays_its_models_when_the_file_moves(lab):
    lab.run("""
        made = autolog.OutputModel(name="net")
        for step in range(3):
            open("tmp.bin", "wb").write(b"%d" % step)
            made.update_weights("tmp.bin", iteration=step)
            os.rename("tmp.bin", f"{step}.bin")
    """)
    model = lab.model()
    assert [(each.version, each.iteration) for each in model.snapshots] == [(1, 0), (2, 1), (3, 2)]
    assert [each.digest is not None for each in model.snapshots] == [True, True, True]


def test_saving_over_a_published_model_starts_another(lab):
    done = lab.run("""
        import json
        save(Model(b"first"), "net.bin")
        autolog.current_task().models.output["net"].publish()
        save(Model(b"second"), "net.bin")
        task = autolog.current_task()
        print(json.dumps([[each.status, len(each.snapshots)] for each in task.models.output]))
    """)
    assert _said(done) == [["published", 1], ["draft", 1]]


def test_callbacks_filter_rename_and_fail_without_harm(lab):
    done = lab.run(
        """
        import json
        from autolog import WeightsFileHandler
        task = autolog.current_task()
        task.output_uri = "kept"
        seen = []

        @autolog.on_save
        def no_scratch(info):
            return "scratch" not in info.path

        def named(kind, info):
            if kind == "save":
                info.upload_filename = "weights.bin"
            return info

        def fails(kind, info):
            raise ValueError("a fault of the callback's")

        WeightsFileHandler.add_pre_callback(named)
        def after(kind, info):
            seen.append((kind, info.model.name))

        WeightsFileHandler.add_post_callback(after)
        save(Model(b"scratch"), "scratch.bin")
        save(Model(b"kept"), "net.bin")
        WeightsFileHandler.add_pre_callback(fails)
        save(Model(b"again"), "net.bin")
        load("net.bin")
        print(json.dumps([seen, [each.url.rpartition("/")[2] for each in task.models.output]]))
        """,
        AUTOLOG_STRICT="0",
    )
    seen, urls = _said(done)
    assert seen == [["save", "script1 - net"], ["save", "script1 - net"], ["load", "script1 - net"]]
    assert urls == ["weights.bin"]
    assert done.err.count("a fault of the callback's") == 1
    (skipped,) = lab.task().skipped
    assert (skipped.rule, skipped.path.rpartition("/")[2]) == ("callback", "scratch.bin")


def test_the_destination_changes_for_what_is_captured_from_then_on(lab):
    done = lab.run("""
        import json
        task = autolog.current_task()
        save(Model(b"first"), "net.bin")
        task.output_uri = "elsewhere"
        save(Model(b"second"), "net.bin")
        task.output_uri = True
        save(Model(b"third"), "net.bin")
        task.output_uri = None
        save(Model(b"fourth"), "net.bin")
        print(json.dumps([each.is_kept for each in task.models.output["net"].snapshots]))
    """)
    assert _said(done) == [False, True, True, False]
    (kept,) = (lab.work / "elsewhere").rglob("net.bin")
    assert kept.parent.name == "v2"


def test_a_forked_worker_reads_and_writes_the_store(lab):
    done = lab.run("""
        import json
        made = autolog.OutputModel(name="net")
        made.tags.add("parent")
        pid = os.fork()
        if not pid:
            made.tags.add("child")
            save(Model(b"of the child"), "child.bin")
            assert autolog.current_task().flush()
            os._exit(0)
        os.waitpid(pid, 0)
        names = sorted(each.name for each in autolog.current_task().models.output)
        print(json.dumps([list(made.tags), names]))
    """)
    assert _said(done) == [["parent", "child"], ["net", "script1 - child"]]


def test_a_task_has_a_type_and_goes_on_while_the_store_is_away(lab):
    prelude = PRELUDE.replace("autolog.init()", "import sys")
    done = lab.run(
        """
        task = autolog.Task.init("p", "t", task_type="testing")
        assert "sqlalchemy" not in sys.modules
        save(Model(b"first"), "net.bin")
        task.close()
        again = autolog.Task.init("p", "t", continue_last_task=True)
        assert again.id == task.id
        print(again.status)
        save(Model(b"second"), "net.bin")
        """,
        prelude=prelude,
    )
    assert done.out == "running\n"
    record = lab.task()
    assert (record.kind, record.status) == ("testing", "completed")
    assert len(lab.model().snapshots) == 2
    away = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    lab.run("autolog.Task.init('p', 't', task_type='testing')", prelude=prelude, AUTOLOG_STORE=away)


def test_what_was_in_an_archive_is_unpacked_once_for_all(lab):
    """Also for another process, and within what the cache may hold."""
    lab.run("""
        import shutil
        for name in ("a", "b"):
            os.makedirs("parts", exist_ok=True)
            open(f"parts/{name}.bin", "wb").write(name.encode() * 1000)
        autolog.OutputModel(name="packed").update_weights(shutil.make_archive("net", "zip", "parts"))
    """)
    text = """
        model = autolog.get("packed")
        print(model.get_weights(extract_archive=True, raise_on_error=True))
    """
    paths = {lab.run(text).out.strip() for _ in range(2)}
    (folder,) = paths
    assert sorted(os.listdir(folder)) == ["a.bin", "b.bin"]
    assert folder.startswith(str(lab.home / "cache"))
    shutil.rmtree(lab.home / "cache")
    (lab.folder / "config/autolog").mkdir(parents=True)
    (lab.folder / "config/autolog/config.toml").write_text("[cache]\nmax_bytes = 1000\n")
    done = lab.run(text, status=1)
    assert "CacheFull" in done.err
