"""Looking for models: the same answer as going through all of them by hand, in either database."""

import fnmatch
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from autolog.store import Selection, Store
from autolog.store.describing import describe
from autolog.store.schema import metrics, models, snapshots
from autolog.store.tags import tags_condition
from autolog.store.where import And, Not, Tagged

COUNT = 5000
TAGS = ("best", "old", "Best", "ünï", "a b", "50%", "_")
KEYS = ("dataset", "lr", "seed", "final", "note")
METRICS = ("val_loss", "acc")


def random_models(chance):
    """What there is to be found: a dict for each model."""
    found = []
    for number in range(COUNT):
        meta = {
            key: chance.choice(["v1", "v2", "10", 1, 2.5, 10, True, False, None, [1], ""])
            for key in KEYS
            if chance.random() < 0.4
        }
        values = {
            name: [(step, chance.choice([0.1, 0.2, 0.25, 1.0])) for step in range(chance.randint(1, 3))]
            for name in METRICS
            if chance.random() < 0.6
        }
        found.append(
            {
                "id": f"{number:032x}",
                "project": chance.choice(["digits", "Digits", "mnist"]),
                "name": chance.choice(["resnet", "ResNet-50", "vit_b", "vit b", "a%c"]),
                "framework": chance.choice(["PyTorch", "Keras"]),
                "status": chance.choice(["draft", "published"]),
                "archived": chance.random() < 0.2,
                "tags": chance.sample(TAGS, chance.randint(0, 3)),
                "metadata": meta,
                "updated": float(chance.randrange(100)),
                "sizes": [chance.choice([10, 20, 1_000_000]) for _ in range(chance.randint(0, 2))],
                "metrics": values,
            }
        )
    return found


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shelf(request, tmp_path_factory):
    """A store with many random models, and those models."""
    if request.param == "sqlite":
        url, database = f"sqlite:///{tmp_path_factory.mktemp('store')}/autolog.db", None
    else:
        from postgres_server import Database

        database = Database(request.getfixturevalue("postgres_server"))
        url = database.url
    store = Store.open(url)
    found = random_models(random.Random(7))
    fixed = {"key": "", "model_type": "", "labels": {}, "comment": "", "created": 0.0}
    columns = ("id", "project", "name", "framework", "status", "archived", "tags", "metadata", "updated")
    with store._writing() as connection:
        connection.execute(insert(models), [{**{c: m[c] for c in columns}, **fixed} for m in found])
        saved = [
            {"model_id": m["id"], "version": version, "event_id": f"{m['id']}-{version}", "size": size,
             "state": "at_path", "reason": "", "function": "", "metrics": {}, "created": 0.0}
            for m in found
            for version, size in enumerate(m["sizes"], 1)
        ]  # fmt: skip
        connection.execute(insert(snapshots), saved)
        told = [
            {"model_id": m["id"], "name": name, "iteration": step, "value": value, "time": 0.0}
            for m in found
            for name, series in m["metrics"].items()
            for step, value in series
        ]
        connection.execute(insert(metrics), told)
        for each in found:
            describe(connection, each["id"], each["tags"], each["metadata"])
    yield store, found
    store.close()
    if database is not None:
        database.drop()


# -- going through all of them ------------------------------------------------------------------------


def like(value, glob):
    lowered = ["".join(c.lower() if c.isascii() else c for c in text) for text in (value, glob)]
    return fnmatch.fnmatchcase(lowered[0], lowered[1].replace("[", "[[]"))


def same(one, other):
    """Equal, and of one kind: `1` is no `True`."""
    return isinstance(one, bool) == isinstance(other, bool) and type(one) is not list and one == other


OPERATORS = {
    "=": lambda a, b: same(a, b),
    "!=": lambda a, b: not same(a, b),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def value_of(model, field):
    kind, _, name = field.partition(".")
    if kind == "meta":
        return model["metadata"].get(name)
    if kind == "metric":
        return model["metrics"][name][-1][1] if name in model["metrics"] else None
    if field == "size":
        return model["sizes"][-1] if model["sizes"] else None
    if field == "versions":
        return len(model["sizes"])
    return model["status"] == "published" if field == "published" else model[field]


def holds(condition, model):
    what, *rest = condition
    if what == "and":
        return all(holds(part, model) for part in rest)
    if what == "or":
        return any(holds(part, model) for part in rest)
    if what == "not":
        return not holds(rest[0], model)
    if what == "tag":
        return rest[0] in model["tags"]
    field, operator, wanted = rest
    value = value_of(model, field)
    if operator in ("is none", "is not none"):
        return (value is None) == (operator == "is none")
    if value is None:
        return False
    if operator == "in":
        return any(same(value, each) for each in wanted)
    if operator == "~":
        return isinstance(value, str) and like(value, wanted)
    if operator not in ("=", "!="):
        kinds = [bool if isinstance(each, bool) else str if isinstance(each, str) else float for each in
                 (value, wanted)]  # fmt: skip
        if kinds[0] is not kinds[1] or isinstance(value, list):
            return False
    return OPERATORS[operator](value, wanted)


def written(condition):
    what, *rest = condition
    if what in ("and", "or"):
        return "(" + f" {what} ".join(written(part) for part in rest) + ")"
    if what == "not":
        return f"not {written(rest[0])}"
    if what == "tag":
        return f"{quoted(rest[0])} in tags"
    field, operator, wanted = rest
    if operator in ("is none", "is not none"):
        return f"{field} {operator}"
    if operator == "in":
        return f"{field} in ({', '.join(quoted(each) for each in wanted)})"
    return f"{field} {operator} {quoted(wanted)}"


def quoted(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)


texts = st.sampled_from(["resnet", "ResNet-50", "digits", "PyTorch", "v1", "10", "", "ünï"])
globs = st.sampled_from(["res*", "RESNET", "*", "vit?b", "a%c", "*_*", "?igits", "[r]*"])
numbers = st.sampled_from([0, 1, 2, 2.5, 10, 20, 0.1, 0.2, 0.25, 1.0, 1e30, -3, 1 << 70])
comparing = st.sampled_from([*OPERATORS])
nothing = st.tuples(st.sampled_from(["is none", "is not none"]), st.none())


def compared(fields, values):
    return st.one_of(
        st.tuples(st.just("compare"), fields, comparing, values),
        st.tuples(st.just("compare"), fields, st.just("in"), st.lists(values, min_size=1, max_size=3)),
        st.builds(lambda field, end: ("compare", field, *end), fields, nothing),
    )


words = st.sampled_from(["name", "project", "framework", "status"])
singles = st.one_of(
    compared(words, texts),
    st.tuples(st.just("compare"), words, st.just("~"), globs),
    compared(st.sampled_from(["size", "versions", "metric.val_loss", "metric.acc"]), numbers),
    st.tuples(
        st.just("compare"),
        st.sampled_from(["published", "archived"]),
        st.sampled_from(["=", "!="]),
        st.booleans(),
    ),
    st.tuples(
        st.just("compare"),
        st.sampled_from([f"meta.{key}" for key in KEYS]),
        st.sampled_from(["=", "!="]),
        st.one_of(texts, numbers, st.booleans()),
    ),
    compared(st.sampled_from([f"meta.{key}" for key in KEYS]), st.one_of(texts, numbers)),
    st.tuples(st.just("tag"), st.sampled_from(TAGS)),
)
conditions = st.recursive(
    singles,
    lambda inner: st.one_of(
        st.builds(lambda parts: ("and", *parts), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda parts: ("or", *parts), st.lists(inner, min_size=2, max_size=3)),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=5,
)
some_tags = st.lists(st.sampled_from(TAGS), max_size=2)
described = st.dictionaries(
    st.sampled_from(KEYS), st.sampled_from(["v1", "10", 10, 2.5, True, None]), max_size=1
)
orders = st.lists(
    st.sampled_from(
        ["name", "-name", "-updated", "size", "-size", "metric.acc", "-metric.val_loss", "versions"]
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda each: each.lstrip("-"),
)

within = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@within
@given(conditions)
def test_a_condition_finds_what_it_says(shelf, condition):
    store, found = shelf
    selection = Selection(where=written(condition), archived=None)
    expected = {each["id"] for each in found if holds(condition, each)}
    assert store.count_models(selection) == len(expected), selection.where
    assert {each.id for each in store.models(selection)} == expected, selection.where


operators = st.sampled_from(["__$all", "__$and", "__$any", "__$or", "__$not"])


@within
@given(st.lists(st.sampled_from([*TAGS, "-old"]) | operators, max_size=6).map(lambda each: [*each, "best"]))
def test_a_list_of_tags_with_operators(shelf, words):
    store, found = shelf
    expected = {each["id"] for each in found if has(tags_condition(words), each["tags"])}
    assert {each.id for each in store.models(Selection(tags=words, archived=None))} == expected


def has(condition, tags):
    if isinstance(condition, Tagged):
        return condition.tag in tags
    if isinstance(condition, Not):
        return not has(condition.inner, tags)
    return (all if isinstance(condition, And) else any)(has(part, tags) for part in condition.parts)


@within
@given(some_tags, some_tags, some_tags, described, st.none() | globs, st.none() | st.booleans(),
       st.none() | st.booleans(), orders, st.integers(1, 50), st.integers(0, 200))  # fmt: skip
def test_everything_together_in_order_and_a_page_of_it(
    shelf, any_of, all_of, none_of, meta, name, published, archived, order, limit, offset
):
    store, found = shelf
    selection = Selection(
        tags_any=any_of, tags_all=all_of, tags_not=none_of, metadata=meta, name=name, published=published,
        archived=archived,
    )  # fmt: skip
    expected = [
        each
        for each in found
        if (not any_of or set(any_of) & set(each["tags"]))
        and set(all_of) <= set(each["tags"])
        and not set(none_of) & set(each["tags"])
        and all(
            key in each["metadata"] and is_just(each["metadata"][key], value) for key, value in meta.items()
        )
        and (name is None or like(each["name"], name))
        and (published is None or (each["status"] == "published") == published)
        and (archived is None or each["archived"] == archived)
    ]
    for word in reversed(order):
        field, is_down = word.lstrip("-"), word.startswith("-")
        there = [each for each in expected if value_of(each, field) is not None]
        there.sort(key=lambda each: value_of(each, field), reverse=is_down)
        expected = there + [each for each in expected if value_of(each, field) is None]
    page = store.models(selection, order=",".join(order), limit=limit, offset=offset)
    assert [each.id for each in page] == [each["id"] for each in expected[offset : offset + limit]]
    assert store.count_models(selection) == len(expected)


def is_just(one, other):
    return one is None if other is None else one is not None and same(one, other)
