"""What tables show of models is what follows from the rows that it is told from, whoever has written what."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from earlier import SHOWN, back_to_version_6
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from autolog.errors import AutologError
from autolog.store import (
    ContentsRecord,
    External,
    NewModel,
    Store,
    add_contents,
    copy_store,
    create_model,
    edit_many,
    edit_task,
    forget_task,
    give,
    publish,
    record_external,
    report,
    take,
)
from autolog.store.editing import edit
from autolog.store.migrations import NEWEST
from autolog.store.racing import put
from autolog.store.removing import remove
from autolog.store.schema import contents, measures, metrics, models, snapshots, tagged, tasks

pytestmark = pytest.mark.core

_ZERO = {"reason": "", "function": "", "metrics": {}, "created": 0.0, "state": "at_path"}


def derived_by_hand(store):
    """`(what models have, measures)` as they should be, and as they are."""
    with store._reading() as connection:
        rows = {
            table.name: connection.execute(select(table)).mappings().all()
            for table in (models, snapshots, contents, tasks, tagged, metrics, measures)
        }
    inside = {row["digest"]: row["parameters"] for row in rows["contents"]}
    makers = {row["id"]: row for row in rows["tasks"]}
    expected = {}
    for model in rows["models"]:
        own = [row for row in rows["snapshots"] if row["model_id"] == model["id"]]
        newest = max(own, key=lambda row: row["version"], default=None)
        maker = makers.get(model["task_id"])
        expected[model["id"]] = (
            len(own),
            *((None,) * 4 if newest is None else (newest[each] for each in ("version", *SHOWN[2:5]))),
            None if newest is None else inside.get(newest["digest"]),
            *((None, None) if maker is None else (maker["user"], maker["name"])),
            min((row["tag"] for row in rows["tagged"] if row["model_id"] == model["id"]), default=None),
        )
    measured = {}
    for row in sorted(rows["metrics"], key=lambda row: row["iteration"]):
        measured.setdefault((row["model_id"], row["name"]), []).append(row)
    told = {}
    for key, own in measured.items():
        values = [row["value"] for row in own if row["value"] is not None]
        ends = (min(values, default=None), max(values, default=None))
        told[key] = (own[-1]["iteration"], own[-1]["value"], *ends)
    found = {model["id"]: tuple(model[each] for each in SHOWN) for model in rows["models"]}
    kept = {
        (row["model_id"], row["name"]): tuple(
            row[each] for each in ("iteration", "last", "lowest", "highest")
        )
        for row in rows["measures"]
    }
    return (expected, told), (found, kept)


def check(store):
    expected, found = derived_by_hand(store)
    assert found == expected


class Writers:
    """Everybody who writes into a store, each asked by number."""

    def __init__(self, store, make_task, other):
        self.store, self.make_task, self.other = store, make_task, other
        self.runs = [make_task("first"), make_task("second")]
        self.events = []

    def model(self, number):
        with self.store._reading() as connection:
            ids = (
                connection.execute(select(models.c.id).order_by(models.c.created, models.c.id))
                .scalars()
                .all()
            )
        return ids[number % len(ids)] if ids else None

    def run(self, number):
        return self.runs[number % len(self.runs)]

    def save(self, a, b, c):
        inside = ContentsRecord("zip", 100 + c % 3, (), {}, ()) if c % 2 else None
        told = {"loss": (1.0, 0.5, None, 0.25, 2.0)[c % 5], "acc": float(b % 3)} if c % 4 else {}
        event = self.run(a).save(
            f"/x/m{b % 4}.pt",
            f"d{c % 7}",
            inode=b % 4 + 1,
            metrics=told,
            iteration=(None, a % 5, a % 3)[b % 3],
            contents=inside,
        )
        self.events.append((self.run(a), event))

    def moved(self, a, b, c):
        if self.events:
            run, event = self.events[a % len(self.events)]
            run.moved(event, f"/x/m{b % 6}.pt")

    def load(self, a, b, c):
        self.run(a).load(f"/y/{b % 4}.pt", f"{'d' if c % 2 else 'f'}{b % 9}")

    def external(self, a, b, c):
        inside = ContentsRecord("zip", 7, (), {}, ()) if c % 2 else None
        record_external(
            self.store, External(f"/z/{a % 3}", f"d{b % 9}", 10 + b, "ext", "p", "Keras", contents=inside)
        )

    def contents(self, a, b, c):
        add_contents(self.store, f"d{a % 9}", ContentsRecord("zip", b, (), {}, ()))

    def edit(self, a, b, c):
        if model := self.model(a):
            tags = [f"t{number}" for number in range(b % 3, c % 4)]
            edit_many(self.store, [model], lambda now: {"tags": tags, "name": f"n{c % 3}"})
            edit(self.store, model, lambda now: {"metadata": {"lr": c}})

    def report(self, a, b, c):
        if model := self.model(a):
            value = (0.5, -1.0, float("nan"), 3.0, float("inf"))[c % 5]
            report(self.store, model, "loss" if b % 2 else "other", value, None if b % 5 == 4 else b % 5)

    def publish(self, a, b, c):
        if model := self.model(a):
            publish(self.store, model)

    def create(self, a, b, c):
        create_model(self.store, NewModel("by hand", "p", self.run(a).id if b % 2 else None, tags=("x", "a")))

    def remove_versions(self, a, b, c):
        with self.store._reading() as connection:
            ids = connection.execute(select(snapshots.c.id).order_by(snapshots.c.id)).scalars().all()
        remove(self.store, [each for each in ids if each % 5 == a % 5], force=True)

    def remove_model(self, a, b, c):
        if model := self.model(a):
            remove(self.store, (), [model], force=True)

    def rename(self, a, b, c):
        edit_task(self.store, self.run(a).id, lambda now: {"name": f"task {b % 3}", "project": "q"})
        with self.store._writing() as connection:
            connection.execute(update(tasks).where(tasks.c.id == self.run(b).id).values(user=f"user {c % 3}"))

    def forget(self, a, b, c):
        run = self.run(a)
        run.writer.ended(run.id, "completed", "", 5.0)
        forget_task(self.store, run.id, force=True)
        self.events = [each for each in self.events if each[0] is not run]
        self.runs[a % len(self.runs)] = self.make_task("another")

    def exchange(self, a, b, c):
        with self.store._reading() as connection:
            ids = connection.execute(select(snapshots.c.id)).scalars().all()
        bundle = give(self.store, [each for each in ids if each % 3 == a % 3])
        try:
            take(self.other, bundle, lambda path: False)
        except AutologError:
            pass  # another version by that number: it was removed here and saved anew
        else:
            take(self.other, bundle, lambda path: False)
        check(self.other)


# Saves are what there is most of.
acts = st.sampled_from(
    ["save"] * 6
    + ["moved", "load", "external", "contents", "edit", "report", "report", "publish", "create"]
    + ["remove_versions", "remove_model", "rename", "forget", "exchange"]
)
sequences = st.lists(st.tuples(acts, *[st.integers(0, 60)] * 3), min_size=1, max_size=30)


@pytest.fixture
def other(tmp_path):
    opened = Store.open(f"sqlite:///{tmp_path}/other.db")
    yield opened
    opened.close()


def test_it_follows_from_the_rows_after_whatever_was_written(store, task, other):
    writers = Writers(store, task, other)
    models = []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(sequences)
    def holds(sequence):
        for act, *numbers in sequence:
            getattr(writers, act)(*numbers)
        check(store)
        models.append(store.counts()["models"])

    holds()
    assert max(models) > 5


def filled(store, task, seed=3):
    """A store with something of everything."""
    chance = random.Random(seed)
    writers = Writers(store, task, None)
    for act in ("save", "report", "edit", "load", "create", "rename", "external", "moved") * 12:
        getattr(writers, act)(*(chance.randrange(60) for _ in range(3)))
    return writers


def test_a_store_of_the_version_before_is_brought_up_to_date(store, task, url):
    filled(store, task)
    (_, before) = derived_by_hand(store)
    with store._writing() as connection:
        back_to_version_6(connection)
    with closing(Store.open(url)) as opened:
        check(opened)
        assert derived_by_hand(opened)[1] == before
        with opened._reading() as connection:
            assert connection.execute(text("SELECT max(number) FROM migrations")).scalar() == NEWEST
        type(task())(opened).save("/x/later.pt", "later", metrics={"loss": 1.0})
        check(opened)


def test_many_open_a_store_of_the_version_before_at_once(store, task, url):
    filled(store, task)
    with store._writing() as connection:
        back_to_version_6(connection)
    begin = threading.Barrier(6)

    def open_it(_):
        begin.wait()
        Store.open(url).close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(open_it, range(6)))
    check(store)


def test_what_an_agent_of_an_earlier_version_still_writes_is_seen(store, task):
    run = task()
    run.save("/x/m.pt", "d1")
    [model] = store.models()
    # As such a one would: it knows none of these columns, and nothing of measures.
    with store._writing() as connection:
        for version in (2, 3):
            row = {
                "model_id": model.id,
                "version": version,
                "event_id": f"old-{version}",
                "size": version,
                **_ZERO,
            }
            connection.execute(insert(snapshots).values(row))
        value = {"model_id": model.id, "name": "loss", "time": 0.0}
        connection.execute(insert(metrics), [{**value, "iteration": n, "value": 1 / n} for n in (1, 2, 4)])
    check(store)
    with store._writing() as connection:
        connection.execute(delete(metrics))
        connection.execute(delete(snapshots))
        connection.execute(delete(models))
    with store._reading() as connection:
        assert connection.execute(select(measures)).first() is None


def test_a_long_series_is_reported_again_and_taken_away(store, task):
    task().save("/x/m.pt", "d1")
    [model] = store.models()
    own = {"model_id": model.id, "name": "loss", "time": 0.0}
    series = [{**own, "iteration": number, "value": 1 / (number + 1)} for number in range(300)]
    for values in (series, [{**each, "value": -each["value"]} for each in series], series):
        with store._writing() as connection:
            put(connection, metrics, values)
        check(store)
    for gone in (metrics.c.iteration == 0, metrics.c.iteration > 200, metrics.c.iteration < 300):
        with store._writing() as connection:
            connection.execute(delete(metrics).where(gone))
        check(store)
    assert derived_by_hand(store)[1][1] == {}


def test_a_copy_has_the_same(store, task, other):
    filled(store, task)
    copy_store(store, other)
    check(other)
    assert derived_by_hand(other)[1] == derived_by_hand(store)[1]


@pytest.mark.slow
def test_many_writers_of_one_model(store, task, url):
    run = task()
    run.save("/x/m.pt", "d0")
    [model] = store.models()
    begin = threading.Barrier(4)

    def write(number):
        with closing(Store.open(url)) as mine:
            begin.wait()
            for turn in range(30):
                act(mine, number, turn)

    def act(mine, number, turn):
        if number == 0:
            type(run)(mine, task_id=run.id).save("/x/m.pt", f"d{turn}", metrics={"loss": turn % 7})
        elif number == 1:
            remove(mine, [each.id for each in mine.model(model.id).snapshots[:-2]][:1])
        elif number == 2:
            report(mine, model.id, "loss", float(turn % 5), turn % 11)
        else:
            edit(mine, model.id, lambda now: {"tags": (f"t{turn % 4}", "z")})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    check(store)
