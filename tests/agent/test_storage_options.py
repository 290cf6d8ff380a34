"""A bucket whose address and keys are in autolog.toml alone: all who reach it have them, nobody tells."""

import os
import secrets
import signal
import subprocess
import sys

import pytest
from toyframework import digest
from toylab import wait_until

SECRET = "q" + secrets.token_hex(12)
TOML = """
output_uri = {output_uri}
content_store = "{content_store}"
[storage_options."s3://{bucket}"]
key = "K{secret}"
secret = "{secret}"
client_kwargs = {{endpoint_url = "{endpoint}", region_name = "us-east-1"}}
"""
SAVES = """
for number in range(3):
    save(Model([float(number)] * 5_000), "m.toy")
    print(digest("m.toy"))
"""


@pytest.fixture
def bucket(lab, s3, monkeypatch):
    """The bucket, of which the environment says nothing."""
    endpoint = s3.environment["AWS_ENDPOINT_URL"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)

    def configure(kind):
        packs = s3.url if kind == "packs" else ""
        text = TOML.format(
            output_uri="true" if packs else f'"{s3.url}"',
            content_store=packs,
            bucket=s3.name,
            secret=SECRET,
            endpoint=endpoint,
        )
        (lab.work / "autolog.toml").write_text(text)
        return s3

    return configure


def command(lab, *arguments, status=0):
    """Run a command where the scripts run; what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "autolog", *arguments],
        cwd=lab.work,
        env=lab.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done.stdout


def telling(folder):
    """The files below a folder that have the secret in them."""
    return [each for each in folder.rglob("*") if each.is_file() and SECRET.encode() in each.read_bytes()]


@pytest.mark.parametrize("kind", ["packs", "plain"])
def test_a_run_keeps_its_weights_there_and_they_come_back(lab, bucket, kind):
    s3 = bucket(kind)
    done = lab.run(SAVES)
    assert done.err == ""
    wait_until(lambda: [each.keeping for each in lab.snapshots()] == ["kept"] * 3, 30)
    assert len(s3.objects()) == 3
    (lab.work / "m.toy").unlink()
    for version, told in enumerate(done.out.split(), 1):
        command(lab, "restore", f"m:v{version}", f"back{version}.toy")
        assert digest(lab.work / f"back{version}.toy") == told
    command(lab, "verify", "--deep")
    assert command(lab, "config", "output_uri") == ("true\n" if kind == "packs" else f"{s3.url}\n")
    for arguments in ("config", "doctor", "show m --json", "diff m:v1 m:v2", "tasks --json"):
        command(lab, *arguments.split())
    command(lab, "export", "m", "bundle")
    command(lab, "gc", "--keep-last", "1", "--yes")
    assert len(s3.objects()) == 1
    assert telling(lab.home) == []
    assert telling(lab.work) == [lab.work / "autolog.toml"]


@pytest.mark.parametrize("kind", ["packs", "plain"])
def test_what_waits_has_no_secret_and_a_command_brings_it_there(lab, bucket, kind):
    s3 = bucket(kind)
    with (lab.work / "autolog.toml").open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write("upload = {retries = 0}\n" + text)
    s3.faults.away()
    try:
        done = lab.run(SAVES)
        assert "Weights wait in" in done.err
        assert SECRET not in done.err + lab.log
        os.kill(lab.agent(), signal.SIGKILL)
        wait_until(lambda: not lab.agents())
        assert {each.keeping for each in lab.snapshots()} == {"waiting"}
        assert telling(lab.home) == []
    finally:
        s3.faults.back()
    command(lab, "sync")
    assert [each.keeping for each in lab.snapshots()] == ["kept"] * 3
    assert len(s3.objects()) == 3
    assert telling(lab.home) == []
