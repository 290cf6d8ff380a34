"""The same weights in other bytes: lineage follows them."""

from later import needs

pytestmark = needs("torch")

_PRELUDE = """
import autolog
autolog.init()
import torch
"""


def run(lab, text):
    lab.run(text, prelude=_PRELUDE)
    return lab.tasks()[-1]


def test_lineage_follows_weights_through_another_container(lab):
    maker = run(
        lab,
        """
        torch.manual_seed(0)
        model = torch.nn.Linear(30, 30)
        torch.save({"model_state_dict": model.state_dict(), "epoch": 3}, "trained.pt")
        """,
    )
    # Nobody here sees this: the files are made by a script without capture.
    lab.run(
        """
        import torch
        from safetensors.torch import save_file
        state = torch.load("trained.pt")["model_state_dict"]
        save_file(state, "converted.safetensors")
        torch.save(state, "renamed.pt")
        state["weight"][0, 0] += 1
        save_file(state, "changed.safetensors")
        """,
        prelude="",
    )
    for path in ("converted.safetensors", "renamed.pt", "changed.safetensors"):
        loader = run(
            lab,
            f"""
            from safetensors.torch import load_file
            path = "{path}"
            load_file(path) if path.endswith("safetensors") else torch.load(path)
            """,
        )
        (found,) = loader.inputs
        is_same = found.model_id == maker.outputs[0].model_id
        assert is_same == (path != "changed.safetensors"), path
        assert found.version == 1


def test_kept_saves_in_quick_succession_are_all_looked_into(lab):
    lab.run(
        """
        torch.manual_seed(0)
        for number in range(4):
            state = {"weight": torch.randn(600, 600), "bias": torch.randn(number + 1)}
            torch.save(state, "weights.pt")
        """,
        prelude="import autolog\nautolog.init(output_uri=True)\nimport torch\n",
    )
    lab.settle()
    found = [each.contents for each in lab.snapshots()]
    assert [each and each.parameters for each in found] == [360_001, 360_002, 360_003, 360_004]
