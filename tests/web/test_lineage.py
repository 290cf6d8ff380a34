"""The lineage of models and tasks: the table, the graph, and its exports."""

import csv
import io
import re
import sys
from pathlib import Path

import pytest

from autolog.store import lineage_of
from autolog.web.graph import MOST_DRAWN, collapsed, graph_of

sys.path.insert(0, str(Path(__file__).parent))

from histories import History, chain, fan

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def chained(make_pages):
    pages = make_pages()
    return pages, chain(pages.store)


def rows(text):
    body = text.split('<table class="plain uses">')[1].split("</table>")[0]
    return re.findall(r'<a class="clip long-name"[^>]*title="([^"]*)"', body)


def test_the_table(chained):
    pages, ids = chained
    base = f"/models/{ids['tuned']}/lineage"
    text = pages.html(base)
    found = rows(text)
    assert found == ["fine-tune", "evaluate 2", "evaluate 1", "evaluate 0", "distil", "fine-tune"]
    assert "made it" in text
    assert rows(pages.html(f"{base}?q=EVALUATE+1")) == ["evaluate 1"]
    assert rows(pages.html(f"{base}?tag=best")) == ["fine-tune", "fine-tune"]
    assert rows(pages.html(f"{base}?status=failed")) == ["distil"]
    assert rows(pages.html(f"{base}?tag=evaluation&q=ATE+2")) == ["evaluate 2"]
    assert "No task meets these filters" in pages.html(f"{base}?q=nobody")
    assert "imported" in pages.html(f"/models/{ids['base']}/lineage")


def test_pages_of_the_table(make_pages):
    pages = make_pages()
    root = fan(pages.store, 120)
    base = f"/models/{root}/lineage"
    seen, address = [], base
    while address:
        text = pages.html(address)
        seen += rows(text)
        link = re.search(r'rel="next" href="([^"#]*)', text)
        address = link[1].replace("&amp;", "&") if link else ""
    assert len(seen) == len(set(seen)) == 121
    assert pages.html(f"{base}?before=nonsense")


def test_the_graph(chained):
    pages, ids = chained
    text = pages.html(f"/models/{ids['tuned']}/lineage")
    drawn = text.split("<svg", 1)[1]
    for each in ("tuned", "encoder", "base"):
        assert f'href="/models/{ids[each]}/lineage"' in drawn
    assert f'href="/tasks/{ids["fine-tune"]}/lineage"' in drawn
    assert text.count('aria-current="true"') == 1
    assert 'class="edge own"' in drawn
    assert "small &lt;b&gt;" in drawn
    assert "<b>&" not in drawn
    assert "style=" not in text
    task = pages.html(f"/tasks/{ids['distil']}/lineage")
    assert f'href="/models/{ids["tuned"]}/lineage"' in task


def test_a_large_graph_is_summed_up(make_pages):
    pages = make_pages()
    root = fan(pages.store, 300)
    whole = graph_of(lineage_of(pages.store, model_id=root), root)
    assert len(whole.nodes) == 602
    drawn = collapsed(whole)
    assert len(drawn.nodes) <= MOST_DRAWN
    more = [each for each in drawn.nodes.values() if each.kind == "more"]
    assert [(each.name, each.url) for each in more] == [("288 more", "#tasks")]
    assert "288 more" in pages.html(f"/models/{root}/lineage")
    # Seen from one of those, the others are behind the model.
    other = next(
        each.id for each in lineage_of(pages.store, model_id=root).models.values() if each.id != root
    )
    near = pages.html(f"/models/{other}/lineage")
    assert "made 0" in near


def test_a_long_chain_is_cut_where_it_is_far(make_pages):
    pages = make_pages()
    history = History(pages.store)
    model = history.model("m0", None)
    middle = ""
    for number in range(1, 201):
        task = history.task(f"t{number}")
        history.load(task, model)
        model = history.model(f"m{number}", task)
        middle = model if number == 100 else middle
    graph = collapsed(graph_of(lineage_of(pages.store, model_id=middle), middle))
    assert len(graph.nodes) <= MOST_DRAWN
    more = [each for each in graph.nodes.values() if each.kind == "more"]
    assert [each.name for each in more] == ["1 more", "1 more"]
    assert all(re.fullmatch(r"/(models|tasks)/\w+/lineage", each.url) for each in more)


def test_exports(chained):
    pages, ids = chained
    base = f"/models/{ids['tuned']}/lineage"
    found = pages.json(f"{base}.json")
    assert found["focus"] == {"kind": "model", "id": ids["tuned"]}
    assert {each["name"] for each in found["tasks"]} >= {"prepare", "fine-tune", "distil"}
    (own,) = [each for each in found["loads"] if each["own"]]
    assert (own["task_id"], own["version"]) == (ids["fine-tune"], 3)
    assert len(found["uses"]) == 6
    assert [each["task"] for each in pages.json(f"{base}.json?status=failed")["uses"]] == ["distil"]
    lines = list(csv.DictReader(io.StringIO(pages.get(f"{base}.csv?tag=best").text)))
    assert [(each["role"], each["version"], each["tags"]) for each in lines] == [
        ("made", "", "best, gpu"),
        ("loaded", "3", "best, gpu"),
    ]
    dot = pages.get(f"{base}.dot").text
    assert dot.startswith("digraph lineage {")
    assert '\\"quoted\\"' in dot
    assert dot.count(" -> ") == pages.get(f"{base}.mermaid").text.count("> n")
    mermaid = pages.get(f"{base}.mermaid").text
    assert mermaid.startswith("flowchart LR\n")
    assert "small #60;b#62;#38;#34;quoted#34; 模型" in mermaid
    task = pages.json(f"/tasks/{ids['distil']}/lineage.json")
    assert task["focus"] == {"kind": "task", "id": ids["distil"]}
    assert "uses" not in task
    for ending in (".dot", ".mermaid"):
        assert pages.get(f"/tasks/{ids['distil']}/lineage{ending}").status_code == 200


def test_what_is_not_there(chained):
    pages, ids = chained
    for ending in ("", ".json", ".csv", ".dot", ".mermaid"):
        assert pages.get(f"/models/nobody/lineage{ending}").status_code == 404
    assert pages.get("/tasks/nobody/lineage").status_code == 404
    assert pages.post(f"/models/{ids['base']}/lineage", {}).status_code == 405
    assert pages.stranger.get(f"/models/{ids['base']}/lineage").status_code == 401
