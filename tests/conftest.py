"""What every room of the tests shares: the lab, where scripts run with capture on in a home of their own,
and real servers, started when the first test asks for them and ended with the tests.
"""

import gc
import signal
import sys
from pathlib import Path

import pytest

# A job in the background inherits signals that are ignored, and so would every script that a test starts.
for _signal in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _signal == signal.SIGINT else signal.SIG_DFL)

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE / "toy"), str(_HERE / "faults"), str(_HERE / "services")]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is there before the first test stays: collections needn't look through it, nor forks copy it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _faults_of_its_own():
    """What one test has noted of our faults, in this process, is none of the next one's."""
    from autolog import _guard

    yield
    _guard.faults.clear()
    _guard._told.clear()


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A home, a working folder and scripts in it; nothing of ours may be left running afterwards."""
    from toylab import Lab

    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("AUTOLOG_HOME", "AUTOLOG_STORE", "AUTOLOG_PROJECT", "AUTOLOG_TASK"):
        monkeypatch.delenv(name, raising=False)
    lab = Lab(tmp_path)
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def postgres_server():
    """One PostgreSQL server for all tests of this process; tests ask for `postgres`."""
    from postgres_server import PostgresServer

    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def postgres(postgres_server):
    """An empty PostgreSQL database: `.url` is its SQLAlchemy URL; `.stop()`, `.start()`, `.restart()`."""
    from postgres_server import Database

    database = Database(postgres_server)
    yield database
    database.drop()


@pytest.fixture(scope="session")
def s3_server():
    """One server that speaks S3 for all tests of this process; tests ask for `s3`."""
    from s3_server import S3Server

    server = S3Server()
    yield server
    server.close()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """An empty bucket: `.url` for fsspec, `.faults` for what goes wrong, `.environment` for other processes.

    This process, and what `lab` starts, has that environment already.
    """
    import fsspec
    from s3_server import Bucket

    # A process keeps its drivers, with the credentials that they found when they were made.
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    bucket = Bucket(s3_server)
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    yield bucket
    bucket.close()
