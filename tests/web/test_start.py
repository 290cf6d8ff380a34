"""The start page, and the pages of what went wrong."""

import sqlite3

import pytest

from autolog.store import indexes

pytestmark = pytest.mark.core


def test_an_empty_store_says_how_to_begin(make_pages):
    pages = make_pages()
    text = pages.html("/")
    assert "import autolog; autolog.init()" in text
    assert "data-copy" in text
    assert "No models yet" in pages.html("/models")
    assert "The archive is empty" in pages.html("/archive")
    assert pages.json("/models.json")["models"] == []
    assert pages.html("/models/filters")
    assert pages.html("/models/columns")
    assert pages.json("/index.json")["model_count"] == 0


def test_what_happened_lately(pages):
    text = pages.html("/")
    assert "train-00000" in text
    found = pages.json("/index.json")
    assert found["model_count"] == 120
    assert len(found["versions"]) == 8
    assert found["tasks"][0]["name"] == "train-00000"


def test_nothing_here(pages):
    answer = pages.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.text
    assert pages.get("/nowhere.json").json()["status"] == 404
    assert pages.get("/models/nobody.json").json()["error"].startswith("no model has the id")


def test_a_bug_of_ours_shows_no_traceback(pages, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("the secret of line 12")

    monkeypatch.setattr("autolog.web.pages.start.lately", broken)
    for path in ("/", "/index.json"):
        answer = pages.get(path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_store_that_is_away(make_pages, postgres):
    pages = make_pages(3, url=postgres.url)
    postgres.stop()
    try:
        answer = pages.get("/models")
        assert answer.status_code == 503
        assert "The store is away" in answer.text
        assert pages.get("/models.json").status_code == 503
    finally:
        postgres.start()
    assert pages.get("/models").status_code == 200


def test_a_store_that_was_taken_away(pages, home):
    with sqlite3.connect(home / "autolog.db") as connection:
        connection.execute("DROP TABLE measures")
    connection.close()
    answer = pages.get("/models?sort=metric.x")
    assert answer.status_code == 500
    assert "The store can" in answer.text


def test_the_new_indexes_are_there_in_old_stores(make_pages, home):
    pages = make_pages(1)
    names = {str(each.name) for each in indexes.for_tables("sqlite")}
    pages.store.close()

    def there():
        with sqlite3.connect(home / "autolog.db") as connection:
            found = {
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
            }
        connection.close()
        return found

    assert names <= there()
    with sqlite3.connect(home / "autolog.db") as connection:
        for name in names:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("DELETE FROM migrations WHERE number >= 7")
    connection.close()
    make_pages()
    assert names <= there()
