"""The servers of the tests are real, and each fault is seen by a real client."""

import subprocess
import sys
import threading
import urllib.error
import urllib.request

import fsspec
import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

_PART = 5 << 20

_ANOTHER_PROCESS = """
import sys, fsspec
with fsspec.open(sys.argv[1] + "/a/b.bin", "wb") as file:
    file.write(b"x" * 1000)
with fsspec.open(sys.argv[1] + "/a/b.bin", "rb") as file:
    print(len(file.read()))
"""


@pytest.fixture
def files(s3):
    """A filesystem of its own, which gives up sooner than people would."""
    made = fsspec.filesystem(
        "s3",
        skip_instance_cache=True,
        config_kwargs={"retries": {"max_attempts": 1}, "read_timeout": 1, "connect_timeout": 1},
    )
    made.retries = 1
    return made


def test_postgres_is_real_and_empty(postgres):
    engine = create_engine(postgres.url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version()")).scalar().startswith("PostgreSQL")
    engine.dispose()
    assert postgres.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_postgres_asks_for_its_password(postgres):
    engine = create_engine(postgres.url.replace(postgres.password, "wrong"))
    with pytest.raises(OperationalError, match="password authentication failed"):
        engine.connect()
    engine.dispose()


@pytest.mark.parametrize("kill", [False, True])
def test_postgres_may_be_restarted_and_keeps_what_was_committed(postgres, kill):
    postgres.execute("CREATE TABLE t AS SELECT 7 AS n")
    with psycopg.connect(postgres.url.replace("+psycopg", "")) as connection:
        postgres.stop(kill=kill)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(postgres.url.replace("+psycopg", ""))
    postgres.start()
    assert postgres.execute("SELECT n FROM t") == [(7,)]


def test_another_process_needs_the_environment_and_nothing_else(s3):
    done = subprocess.run(
        [sys.executable, "-c", _ANOTHER_PROCESS, s3.url],
        env=s3.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "1000\n", done.stderr
    assert s3.objects() == {"prefix/a/b.bin": 1000}
    assert s3.read("prefix/a/b.bin") == b"x" * 1000


def test_many_requests_at_once(s3, files):
    def put(number):
        files.pipe_file(f"{s3.name}/{number}", bytes([number]) * 100_000)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert s3.objects() == {str(number): 100_000 for number in range(16)}
    assert set(s3.faults.outcomes()) == {"passed"}


def test_a_server_error_is_answered_as_often_as_asked_for(s3, files):
    s3.faults.fail(500, count=1)
    files.pipe_file(f"{s3.name}/k", b"data")
    assert s3.faults.outcomes("^PUT")[:2] == ["failed 500", "passed"]
    s3.faults.fail(500, count=None)
    with pytest.raises(OSError, match="InternalError"):
        files.pipe_file(f"{s3.name}/k", b"other")
    assert s3.read("k") == b"data"
    s3.faults.clear()
    files.pipe_file(f"{s3.name}/k", b"other")
    assert s3.read("k") == b"other"


def test_throttling_is_said_as_s3_says_it(s3):
    s3.faults.slow_down()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{s3.environment['AWS_ENDPOINT_URL']}/{s3.name}")
    assert caught.value.code == 503
    assert b"<Code>SlowDown</Code>" in caught.value.read()


def test_faults_hit_what_they_are_meant_for(s3, files):
    s3.faults.fail(403, count=None, match=f"^PUT /{s3.name}/secret")
    files.pipe_file(f"{s3.name}/open", b"data")
    with pytest.raises(PermissionError):
        files.pipe_file(f"{s3.name}/secret", b"data")
    assert list(s3.objects()) == ["open"]


def test_a_request_may_never_be_answered(s3, files):
    s3.write("k", b"data")
    s3.faults.hang(count=None)
    with pytest.raises(Exception, match=r"(?i)timed? ?out"):
        files.cat_file(f"{s3.name}/k")
    assert set(s3.faults.outcomes()) == {"hung"}
    s3.faults.clear()
    assert files.cat_file(f"{s3.name}/k") == b"data"


def test_a_connection_cut_in_the_middle_of_a_multipart_upload(s3, files):
    data = bytes(range(256)) * (3 * _PART // 256)
    s3.faults.cut(100_000, count=None, match="PUT .*partNumber=2")
    with pytest.raises(Exception, match=r"(?i)could not connect"):
        files.pipe_file(f"{s3.name}/big", data, chunksize=_PART, max_concurrency=1)
    assert set(s3.faults.outcomes("partNumber=2")) == {"cut"}
    assert s3.objects() == {}
    s3.faults.clear()
    s3.faults.cut(100_000, count=1, match="PUT .*partNumber=2")
    files.pipe_file(f"{s3.name}/big", data, chunksize=_PART, max_concurrency=1)
    assert s3.faults.outcomes("partNumber=2") == ["cut", "passed"]
    assert s3.read("big") == data


def test_an_answer_may_be_cut(s3, files):
    s3.write("k", b"x" * 1_000_000)
    s3.faults.cut_answer(200_000, count=None)
    with pytest.raises(Exception):  # noqa: B017, PT011
        files.cat_file(f"{s3.name}/k")
    assert set(s3.faults.outcomes("^GET")) == {"answer cut"}
    s3.faults.clear()
    assert files.cat_file(f"{s3.name}/k") == b"x" * 1_000_000


def test_the_server_may_be_away_and_come_back_at_the_same_address(s3, files):
    files.pipe_file(f"{s3.name}/k", b"data")
    port = s3.faults.port
    s3.faults.away()
    with pytest.raises(Exception, match=r"(?i)could not connect"):  # botocore's own, no OSError
        files.cat_file(f"{s3.name}/k")
    s3.faults.back()
    assert s3.faults.port == port
    assert files.cat_file(f"{s3.name}/k") == b"data"


def test_a_delayed_request_arrives(s3, files):
    s3.faults.delay(0.05, count=1, match="^PUT")
    files.pipe_file(f"{s3.name}/k", b"data")
    assert s3.faults.outcomes("^PUT") == ["delayed"]
    assert s3.read("k") == b"data"
