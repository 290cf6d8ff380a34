"""Who may come in, who may change something, and what is made of names that mean harm."""

import re

import pytest
from sqlalchemy import insert, update

from autolog.store import schema
from autolog.web.guarding import LARGEST_BODY

pytestmark = [pytest.mark.core, pytest.mark.slow]


def test_nothing_without_the_token(pages):
    for path in ("/", "/models", "/models.json", "/models.csv", "/archive", "/index.json", "/nowhere"):
        answer = pages.stranger.get(path)
        assert answer.status_code == 401, path
        assert pages.options.csrf not in answer.text
        assert "train-" not in answer.text
    assert pages.stranger.get("/models.json").json()["status"] == 401
    assert pages.stranger.get("/static/site.css").status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/nowhere.js", "/static/", "/static/%2e%2e/site.py", "/favicon.icon"]
)
def test_what_is_not_there_says_nothing_to_a_stranger(pages, path):
    answer = pages.stranger.get(path)
    assert answer.status_code == 404
    assert pages.options.csrf not in answer.text
    assert pages.store.name not in answer.text
    assert pages.options.csrf in pages.get("/nowhere").text


def test_an_address_of_any_length(pages):
    (model, *_) = pages.json("/models.json")["models"]
    for path in (f"/models/{model['id']}/v{'9' * 5_000}/file", "/" + "x" * 5_000, "/static/" + "x" * 5_000):
        assert pages.get(path).status_code == 414
    assert pages.get(f"/models/{model['id']}/v{'9' * 500}/file").status_code == 404


@pytest.mark.parametrize("token", ["", "nonsense", "é", "x" * 10_000])
def test_a_wrong_token(pages, token):
    answer = pages.stranger.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_token_becomes_a_strict_cookie(pages):
    answer = pages.stranger.get(f"/models?token={pages.options.token}&q=a%26b")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert pages.options.token not in cookie
    assert 'content="0;url=/models?q=a%26b"' in answer.text
    pages.stranger.cookies.clear()
    name, value = answer.headers["set-cookie"].split(";")[0].split("=")
    assert pages.stranger.get("/models", headers={"cookie": f"{name}={value}"}).status_code == 200


def test_a_ticket_opens_the_pages_once(pages):
    for status in (200, 401):
        answer = pages.stranger.get(f"/models?token={pages.options.ticket}")
        assert answer.status_code == status
        assert ("set-cookie" in answer.headers) == (status == 200)
        pages.stranger.cookies.clear()
    assert pages.stranger.get("/models?token=").status_code == 401
    # Who goes back to that address, and has come in meanwhile, comes in again.
    assert pages.get(f"/models?token={pages.options.ticket}").status_code == 200
    assert pages.stranger.get(f"/?token={pages.options.token}").status_code == 200


def test_the_token_leads_nowhere_else(pages):
    answer = pages.stranger.get(f"/%2Fevil.example/?token={pages.options.token}")
    assert "url=/evil.example/" in answer.text


def test_a_program_shows_the_token_in_a_header(pages):
    headers = {"authorization": f"Bearer {pages.options.token}"}
    assert pages.stranger.get("/models.json", headers=headers).status_code == 200
    body = {"ids": [pages.json("/models.json")["models"][0]["id"]]}
    assert pages.stranger.post("/models/actions/archive", json=body, headers=headers).status_code == 200
    assert pages.stranger.get("/models.json", headers={"authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8265",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:8265",
        "",
        "a b",
        "192.168.0.7:8265",
    ],
)
def test_another_host(pages, host):
    answer = pages.get("/models", host=host)
    assert answer.status_code == 400
    assert "train-" not in answer.text
    assert pages.get("/static/site.css", host=host).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8265", "localhost:8265", "LOCALHOST:8265", "[::1]:8265"])
def test_our_hosts(pages, host):
    assert pages.get("/models", host=host).status_code == 200


def test_on_another_address_numbers_are_ours_and_names_are_not(make_pages):
    pages = make_pages(3, hosts=("localhost", "box"), any_address=True)
    assert pages.get("/models", host="192.168.0.7:8265").status_code == 200
    assert pages.get("/models", host="box:8265").status_code == 200
    assert pages.get("/models", host="evil.example:8265").status_code == 400
    assert pages.stranger.get("/models", headers={"host": "192.168.0.7:8265"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"x-csrf-token": ""}, 403),
        ({"x-csrf-token": "é"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"origin": "http://["}, 403),
        ({"content-length": "x"}, 411),
        ({"content-length": "9" * 5_000}, 411),
        ({"content-length": str(LARGEST_BODY + 1)}, 413),
    ],
)
def test_writes_from_elsewhere(pages, headers, status):
    model_id = pages.json("/models.json")["models"][0]["id"]
    headers = {name: value.encode() for name, value in headers.items()}
    answer = pages.post("/models/actions/archive", {"ids": [model_id]}, **headers)
    assert answer.status_code == status
    assert not pages.store.head(model_id).archived


def test_without_a_session_no_csrf_token_helps(pages):
    headers = {"origin": "http://127.0.0.1:8265", "x-csrf-token": pages.options.csrf}
    answer = pages.stranger.post("/models/actions/archive", json={"ids": ["x"]}, headers=headers)
    assert answer.status_code == 401


def test_read_only(make_pages):
    pages = make_pages(3, read_only=True)
    model_id = pages.json("/models.json")["models"][0]["id"]
    for action in ("archive", "publish", "tag", "move", "delete"):
        assert pages.post(f"/models/actions/{action}", {"ids": [model_id], "value": "x"}).status_code == 403
    assert 'data-action="archive"' not in pages.html("/models")
    assert "read only" in pages.html("/models")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "NONSENSE"])
def test_methods(pages, method):
    for path in ("/models", "/models/actions/archive", "/static/site.css"):
        assert pages.client.request(method, path).status_code == 405


def test_a_page_is_not_posted_to_and_an_action_is_not_a_page(pages):
    assert pages.post("/models", {}).status_code == 405
    assert pages.get("/models/actions/archive").status_code == 405
    override = {"x-http-method-override": "POST"}
    assert pages.get("/models/actions/archive", **override).status_code == 405


@pytest.mark.parametrize(
    "path", ["/", "/models", "/models.json", "/nowhere", "/static/site.css", "/favicon.ico"]
)
def test_what_every_answer_says(pages, path):
    headers = pages.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    ["/", "/models?view=split&q=a", "/archive", "/models/filters", "/models/columns", "/nowhere", "/keys"],
)
def test_no_script_and_no_style_in_a_page(pages, path):
    text = pages.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../site.py",
        "/static/%2e%2e/site.py",
        "/static/..%2fsite.py",
        "/models/..%2f..%2fetc/passwd",
        "/static//etc/passwd",
    ],
)
def test_paths_that_lead_out(pages, path):
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text
    assert "root:" not in answer.text


HARM = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\x1b[2J</title>"


def test_text_stays_text(make_pages):
    pages = make_pages(3)
    model_id = pages.json("/models.json")["models"][0]["id"]
    with pages.store._writing() as connection:
        table = schema.models
        connection.execute(
            update(table)
            .where(table.c.id == model_id)
            .values(
                name=HARM,
                project=HARM,
                framework=HARM,
                comment=HARM,
                tags=[HARM],
                metadata={HARM: HARM},
                design=HARM,
            )
        )
        connection.execute(update(schema.tasks).values(name=HARM, user=HARM))
        connection.execute(insert(schema.tagged), [{"model_id": model_id, "tag": HARM}])
        connection.execute(
            insert(schema.described), [{"model_id": model_id, "key": HARM, "kind": "text", "text": HARM}]
        )
        connection.execute(
            insert(schema.metrics),
            [{"model_id": model_id, "name": HARM, "iteration": 1, "value": 1.0, "time": 0.0}],
        )
    asked = {
        "q": "<script>",
        "columns": f"name,description,meta.{HARM},metric.{HARM}",
        "tag": HARM,
        "framework": HARM,
    }
    for path in ("/", "/models", "/models/filters", "/models/columns", f"/models/{model_id}"):
        answer = pages.client.get(path, params=asked if path.startswith("/models") else None)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(.{0,5})", answer.text)
    found = pages.client.get("/models.json", params={"tag": HARM}).json()["models"]
    assert [each["name"] for each in found] == [HARM]


def test_a_formula_in_a_spreadsheet(make_pages):
    pages = make_pages(1)
    with pages.store._writing() as connection:
        connection.execute(update(schema.models).values(name='=HYPERLINK("http://x")'))
    assert "'=HYPERLINK" in pages.get("/models.csv").text
