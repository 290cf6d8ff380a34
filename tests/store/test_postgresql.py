"""What only a server does: it asks for passwords, goes away, comes back, and has several writers."""

import subprocess
import sys
import threading

import pytest
from earlier import back_to_version_6
from sqlalchemy import select, text

from autolog.errors import StoreAway, StoreError, StoreLocked, StoreRefused
from autolog.store import Browsing, Filters, Store, report
from autolog.store.connecting import address
from autolog.store.migrations import NEWEST
from autolog.store.racing import repeated
from autolog.store.schema import measures, metrics, snapshots, tasks

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def url(postgres):
    return postgres.url


def test_short_urls_mean_psycopg_3():
    for written in ("postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"):
        assert address(written).render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h/d"


def test_without_the_driver_it_is_said_what_to_install(postgres):
    code = """
import sys
sys.modules["psycopg"] = None
from autolog.store import Store
try:
    Store.open(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, postgres.url], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("StoreError no driver for the store postgresql+psycopg://postgres:***@")
    assert 'pip install "autolog-models[postgres]"' in done.stdout
    assert postgres.password not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("postgres:", "nobody:"), "password authentication failed"),
        (lambda url: url + "_nowhere", "does not exist"),
        (lambda url: url.replace("127.0.0.1", "127.0.0.9"), "can't be reached"),
        (lambda url: url + "?sslmode=nonsense", "sslmode"),
    ],
)
def test_errors_are_one_line_and_hold_no_password(postgres, change, words):
    with pytest.raises(StoreError, match=words) as caught:
        Store.open(change(postgres.url))
    assert postgres.password not in str(caught.value)
    assert "***@" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kill", [False, True])
def test_an_open_store_survives_a_restart(postgres, store, task, kill):
    run = task()
    run.save("/x/m.pt", "d1")
    postgres.stop(kill=kill)
    with pytest.raises(StoreAway, match="can't be reached") as caught:
        run.save("/x/m.pt", "d2")
    assert postgres.password not in str(caught.value)
    postgres.start()
    run.save("/x/m.pt", "d3")
    assert [each.versions for each in store.models()] == [2]
    postgres.restart(kill=kill)
    assert [each.versions for each in store.models()] == [2]


def test_a_transaction_that_breaks_leaves_nothing(postgres, store, task):
    run = task()

    def write():
        with store._writing() as connection:
            connection.execute(tasks.update().values(name="other"))
            postgres.restart(kill=True)
            connection.execute(tasks.update().values(name="another"))

    with pytest.raises(StoreAway):
        write()
    assert store.task(run.id).name == "train"


def test_readers_see_one_moment_and_writers_what_was_committed(store):
    with store._reading() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
    with pytest.raises(StoreError):
        with store._reading() as connection:
            connection.execute(tasks.delete())
    with store._writing() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "1min"


def test_who_holds_a_lock_for_too_long_is_told_apart_from_a_server_that_is_away(store, task):
    task()

    def write():
        with store._writing() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            connection.execute(tasks.update().values(name="x"))

    with store._writing() as connection:
        connection.exec_driver_sql("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreLocked):
            write()


def test_two_that_block_each_other_both_get_through(store, task):
    first, second = task("first"), task("second")
    meeting, through = threading.Barrier(2, timeout=20), threading.Event()

    class Crossing:
        def __init__(self, order):
            self.order, self.tries = order, 0

        @repeated
        def go(self):
            self.tries += 1
            # Back before the other one has woken, it would take what that waits for, and they clash again.
            assert self.tries == 1 or through.wait(20)
            with store._writing() as connection:
                for task_id in self.order:
                    connection.execute(tasks.update().where(tasks.c.id == task_id).values(reason="crossed"))
                    if self.tries == 1 and task_id == self.order[0]:
                        meeting.wait()
            through.set()

    crossing = [Crossing([first.id, second.id]), Crossing([second.id, first.id])]
    threads = [threading.Thread(target=each.go) for each in crossing]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(each.tries for each in crossing) == [1, 2]
    assert {each.reason for each in store.tasks()} == {"crossed"}


def test_one_that_waits_to_change_a_metric_sees_what_the_other_wrote(store, task):
    task().save("/x/m.pt", "d")
    [model] = store.models()
    for number, value in ((1, 1.0), (2, 2.0)):
        report(store, model.id, "loss", value, number)

    def change(number, value, wait=lambda: None):
        own = (metrics.c.model_id == model.id, metrics.c.iteration == number)
        with store._writing() as connection:
            connection.execute(metrics.update().where(*own).values(value=value))
            wait()

    def until_it_waits():
        thread.start()
        query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        while thread.is_alive():
            with store._reading() as connection:
                if connection.execute(query).scalar():
                    return

    thread = threading.Thread(target=change, args=(2, 4.0))
    change(1, 3.0, until_it_waits)
    thread.join()
    with store._reading() as connection:
        ends = connection.execute(select(measures.c.lowest, measures.c.highest)).one()
    assert tuple(ends) == (3.0, 4.0)


def test_a_version_that_is_committed_after_a_later_one_is_news_all_the_same(store, task):
    run, browsing = task(), Browsing(store)
    run.save("/x/m.pt", "d1")
    [model] = store.models()

    def save(version, meanwhile=lambda: None):
        row = {"model_id": model.id, "version": version, "event_id": f"v{version}", "state": "at_path"}
        row |= {"reason": "", "function": "", "metrics": {}, "created": 0.0}
        with store._writing() as connection:
            connection.execute(snapshots.insert().values(row))
            meanwhile()

    seen = []

    def later():
        # Another model's: two versions of one wait for each other.
        task("other").save("/x/other.pt", "d2")
        seen.append(browsing.news(Filters(), None).mark)

    save(2, later)
    news = browsing.news(Filters(), seen[0])
    assert (news.versions, news.models) == (1, 1)
    assert browsing.news(Filters(), news.mark).versions == 0


def test_a_row_that_is_there_for_good_is_refused_in_the_end(store, task):
    run = task()
    run.save("/x/m.pt", "d")
    with pytest.raises(StoreRefused):
        with store._writing() as connection:
            connection.exec_driver_sql("INSERT INTO tasks SELECT * FROM tasks")
    run.save("/x/m.pt", "d2")


def test_a_store_of_before_text_was_compared_alike_is_brought_up_to_date(postgres, store, task, url):
    task("b").save("/x/m.pt", "d")
    with store._writing() as connection:
        back_to_version_6(connection)
    for statement in (
        'ALTER TABLE models ALTER COLUMN name TYPE text COLLATE "default"',
        'ALTER TABLE tasks ALTER COLUMN "user" TYPE text COLLATE "default"',
        "DROP INDEX ix_models_name",
        "CREATE INDEX ix_models_name ON models (name)",
        "DROP INDEX ix_snapshots_uri",
        "CREATE INDEX ix_snapshots_uri ON snapshots (uri)",
        "DROP INDEX models_of_task",
        "CREATE INDEX models_of_task ON models (task_id, key)",
        "DELETE FROM migrations WHERE number > 2",
    ):
        postgres.execute(statement)
    # Whether a text is called `text` or `character varying` makes no difference but in how it is written.
    looked = r"""
        SELECT indexname, regexp_replace(indexdef, '\((\w+|"\w+")\)::text', '\1', 'g')
        FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1
    """
    Store.open(url).close()
    assert postgres.execute("SELECT max(number) FROM migrations") == [(NEWEST,)]
    brought_up = postgres.execute(looked)
    assert dict(brought_up)["ix_models_name"].endswith("USING hash (name)")
    others = postgres.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
    )
    assert others == []
    # And it is what a store that is made today looks like.
    postgres.execute("DROP SCHEMA public CASCADE")
    postgres.execute("CREATE SCHEMA public")
    Store.open(url).close()
    assert postgres.execute(looked) == brought_up


def test_connections_are_few_and_given_back(postgres, store, task):
    runs = [task(f"t{number}") for number in range(6)]
    threads = [threading.Thread(target=run.save, args=("/x/m.pt", "d")) for run in runs]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ="
    assert postgres.execute(f"{count} 'autolog'") == [(1,)]
    assert len(store.models()) == 6
