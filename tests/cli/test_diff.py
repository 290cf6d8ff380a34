"""`autolog diff`: which tensors changed, and by how much."""

import json

import pytest
from later import needs

pytestmark = needs("torch")

_PRELUDE = "import autolog\nautolog.init()\nimport torch\n"
_SCRIPT = """
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 8))
torch.save(model.state_dict(), "m.pt")
with torch.no_grad():
    model[1].weight[0, 0] += 3
    model[1].weight[0, 1] -= 4
torch.save({**model.state_dict(), "extra": torch.ones(2)}, "m.pt")
"""


@pytest.fixture
def two(lab):
    lab.run(_SCRIPT, prelude=_PRELUDE, name="train.py", AUTOLOG_OUTPUT_URI="true")
    return lab


def run(lab, *words, status=0):
    text = "import sys\nfrom autolog.cli import main\nmain()\n"
    return lab.run(text, *words, prelude="", status=status)


def test_what_changed_is_told_by_tensor(two):
    answer = run(two, "diff", "m:v1", "m:v2", "--json")
    found = json.loads(answer.out)
    assert {each["name"]: each["kind"] for each in found["tensors"]} == {
        "1.weight": "changed",
        "extra": "added",
    }
    (changed,) = (each for each in found["tensors"] if each["kind"] == "changed")
    assert changed["norm"] == pytest.approx(5.0, rel=1e-5)
    assert changed["largest"] == pytest.approx(4.0, rel=1e-5)
    assert changed["share"] == pytest.approx(2 / 512)
    assert found["unchanged"] == 3
    shown = run(two, "diff", "m:v1", "m:v2").out
    assert "1.weight" in shown
    assert "0.weight" not in shown
    assert "0.weight" in run(two, "diff", "m:v1", "m:v2", "--all").out


def test_exit_code_says_whether_anything_differs(two):
    run(two, "diff", "m:v1", "m:v1", "--exit-code")
    run(two, "diff", "m:v1", "m:v2", "--exit-code", status=1)


def test_the_same_bytes_have_all_tensors_unchanged(two):
    found = json.loads(run(two, "diff", "m:v1", "m:v1", "--all", "--json").out)
    assert (found["unchanged"], found["details"], found["problem"]) == (4, {}, "")
    assert {each["kind"] for each in found["tensors"]} == {"unchanged"}
    shown = run(two, "diff", "m:v1", "m:v1").out
    assert "(4 unchanged)" in shown
    assert "0.weight" not in shown


def test_versions_that_are_not_there(two):
    answer = run(two, "diff", "m:v1", "m:v9", status=4)
    assert "v9" in answer.err


def test_bytes_that_were_not_kept(lab):
    lab.run(_SCRIPT, prelude=_PRELUDE, name="train.py")
    answer = run(lab, "diff", "m:v1", "m:v2", status=4)
    assert "output_uri" in answer.err
