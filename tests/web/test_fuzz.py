"""Whatever is asked of the pages, no answer is a fault of ours: every route, with values of every kind."""

from __future__ import annotations

import json
import os
import re
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from autolog.web.pages import routes

pytestmark = [pytest.mark.core, pytest.mark.slow]

ROUTES = [each for each in routes() if isinstance(each, Route)]
READ = [each.path for each in ROUTES if "GET" in (each.methods or ())]
WRITTEN = [each.path for each in ROUTES if "POST" in (each.methods or ())]

#: What pages go by in their addresses.
KEYS = """
q re sort page limit columns column tag tags framework status project user task updated created metric.loss
min.loss max.loss meta.key view model m base all since id version where name axis smooth x group state depth
from.updated to.updated from.metric.loss to.metric.loss archived show what side at before points smooth
strength y
"""
NASTY = (
    *(
        "",
        "0",
        "-1",
        "1",
        "99999999999999999999",
        "1e400",
        "nan",
        "..",
        "0..1",
        "..0.2",
        "-",
        "a:v3",
        "a@best",
    ),
    *("'", '"', "%", "\\", "*", "[", "(a+)+$", "<script>", "\x00", "\ud800", "é" * 300, "2026-01-31", "7d"),
    *("../../etc/passwd", "{{7*7}}", "a and", "tags in", "size > 1GB", "=cmd()", "__$all", "v1", "1:2", ","),
    *("&", "#", "true", "name,-name", "a@best"),
)
VALUES = st.sampled_from(NASTY) | st.text(max_size=12)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
WORDS = """
ids all value force name id tags add remove labels metadata key type design comment project alias version
archived published task model_id model names description text
"""
ASKED = settings(
    max_examples=int(os.environ.get("AUTOLOG_TEST_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _of(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split())


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture
def ids(pages):
    """What is in the store: models and tasks, by their ids."""
    models = [each["id"] for each in pages.json("/models.json")["models"][:3]]
    return models + [each.id for each in pages.store.tasks()[:3]]


def _path(data, path: str, ids: list[str]) -> str:
    """A path of a route with something in the place of each of its parameters."""
    known = st.sampled_from(ids)
    return re.sub(r"\{[^}]*\}", lambda _: _encoded(data.draw(known | known | VALUES)), path)


@ASKED
@given(data=st.data())
def test_reading(pages, ids, data):
    path = _path(data, data.draw(st.sampled_from(READ)), ids)
    pairs = data.draw(
        st.lists(st.tuples(_of(KEYS) | st.text(max_size=8), st.sampled_from(ids) | VALUES), max_size=4)
    )
    query = "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in pairs)
    answer = pages.client.get(f"{path}?{query}", follow_redirects=False)
    assert answer.status_code < 500, (path, query, answer.text)
    if answer.headers.get("content-type", "").startswith("application/json"):
        json.loads(answer.text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON: {path}?{query}"))


@ASKED
@given(data=st.data())
def test_writing(pages, ids, data):
    path = _path(data, data.draw(st.sampled_from(WRITTEN)), ids)
    some = st.lists(st.sampled_from(ids) | VALUES, max_size=3)
    body = data.draw(st.dictionaries(_of(WORDS), st.sampled_from(ids) | some | BODIES, max_size=4) | BODIES)
    sent = json.dumps(body).encode()
    if data.draw(st.integers(0, 20)) == 0:
        sent = data.draw(st.binary(max_size=20))
    headers = {
        "origin": "http://127.0.0.1:8265",
        "x-csrf-token": pages.options.csrf,
        "content-type": "application/json",
    }
    answer = pages.client.post(path, content=sent, headers=headers)
    assert answer.status_code < 500, (path, sent, answer.text)


def test_both_are_there():
    assert len(READ) > 20
    assert len(WRITTEN) > 1
