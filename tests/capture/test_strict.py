"""`strict` in a file does what AUTOLOG_STRICT=1 does, in the script and in its agent."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.core

SCRIPT = """
from autolog import _guard
save(Model(b"m"), "m.toy")
print(_guard.is_strict(), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(
    ("text", "variable", "strict"),
    [
        ("strict = true", None, True),
        ("strict = true", "0", False),
        ("strict = false", "1", True),
        ("", None, False),
    ],
)
def test_a_file_says_so_unless_the_environment_does(lab, text, variable, strict):
    (lab.work / "autolog.toml").write_text(text)
    process = lab.start(SCRIPT, AUTOLOG_STRICT=variable)
    assert process.stdout.readline() == f"{strict}\n"
    told = Path(f"/proc/{lab.agent()}/environ").read_bytes().split(b"\0")
    assert (b"AUTOLOG_STRICT=1" in told) is strict
    process.communicate("\n", timeout=60)
