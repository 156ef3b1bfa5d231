"""Time travel over the command line and the gateway: what was known then is asked as today's knowledge is."""

from pathlib import Path

import pytest

from annals.token_file import read_admin_token
from tests.annals.conftest import Up
from tests.annals.pipeline import called, given, refused

QUESTION = "Who leads Quellwerk?"


@pytest.fixture(scope="module")
def then(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document that a generation of its name knows, and that today's read models know otherwise."""
    file = tmp_path_factory.mktemp("past") / "quellwerk.md"
    file.write_text("# Quellwerk\n\nQuellwerk is led by Berta Lindqvist.\n")
    given(up.data, "ingest", str(file), "--wait")
    made = given(up.data, "replay", "--as-of", str(up.status()["position"]), "--name", "quellwerk")
    assert made["rows"]["vector"] >= 1
    file.write_text("# Quellwerk\n\nQuellwerk is led by Carl Magnusson.\n")
    given(up.data, "ingest", str(file), "--wait")
    assert up.caught_up()
    return file


def test_ask(up: Up, then: Path) -> None:
    questions = "SELECT count(*) FROM annals.stored_events WHERE topic = 'ReasoningQueryExecuted'"
    asked = up.rows(questions)
    past = given(up.data, "ask", QUESTION, "--at", "quellwerk")
    assert past["answer"] == "Berta Lindqvist"
    assert (past["recorded"], past["cached"]) == (False, False)
    again = given(up.data, "ask", QUESTION, "--at", "quellwerk")
    assert (again["answer"], again["cached"]) == ("Berta Lindqvist", False)
    assert up.rows(questions) == asked
    assert given(up.data, "ask", QUESTION)["answer"] == "Carl Magnusson"
    assert given(up.data, "ask", QUESTION, "--at", "quellwerk")["answer"] == "Berta Lindqvist"


def test_search_and_show(up: Up, then: Path) -> None:
    for mode in ("text", "vector", "hybrid"):
        found = given(up.data, "search", "Berta Lindqvist", "--mode", mode, "--at", "quellwerk")
        assert "Berta" in found["passages"][0]["text"]
        now = given(up.data, "search", "Berta Lindqvist", "--mode", mode)
        assert not any("Berta" in passage["text"] for passage in now["passages"])
    shown = given(up.data, "show", str(then), "--at", "quellwerk")
    assert "Berta Lindqvist" in {entity["name"] for entity in shown["entities"]}
    assert "Berta Lindqvist" not in {entity["name"] for entity in given(up.data, "show", str(then))["entities"]}
    assert given(up.data, "show", "Berta Lindqvist", "--at", "quellwerk")["passages"] == 1


def test_lists_and_status(up: Up, then: Path) -> None:
    assert given(up.data, "list", "--id", str(then), "--at", "quellwerk")["documents"]
    names = [one["name"] for one in given(up.data, "entity", "list", "Berta", "--at", "quellwerk")["entities"]]
    assert names == ["Berta Lindqvist"]
    assert given(up.data, "entity", "list", "Berta")["entities"] == []
    given(up.data, "relation", "list", "--document", str(then), "--at", "quellwerk")
    status = given(up.data, "status", "--at", "quellwerk")
    assert status["name"] == "quellwerk" and status["documents"] >= 1
    (listed,) = [
        one
        for one in given(up.data, "generations")["generations"]
        if one["purpose"] == "quellwerk" and one["read_model"] == "graph"
    ]
    assert listed["state"] == "ready" and listed["as_of"] == listed["position"]


@pytest.mark.parametrize(
    "command", [("ask", "Who?"), ("search", "Berta"), ("show", "x"), ("list",), ("entity", "list"), ("status",)]
)
def test_a_name_that_there_is_not_is_one_line(up: Up, command: tuple[str, ...]) -> None:
    said = refused(up.data, *command, "--at", "nowhere")
    assert "there is no generation 'nowhere'; annals generations lists those there are" in said


def test_wrong_usage(up: Up) -> None:
    assert "needs --name" in refused(up.data, "replay", "--as-of", "1", exit_code=2)
    assert "go with --as-of" in refused(up.data, "replay", "graph", "--name", "x", exit_code=2)
    assert "cannot name a generation" in refused(up.data, "replay", "--as-of", "1", "--name", "Live!")
    assert "is no moment" in refused(up.data, "replay", "--as-of", "soon", "--name", "soon")
    assert "does not go with --at" in refused(up.data, "show", "x", "--original", "y", "--at", "z", exit_code=2)
    assert "as of position" in called(up.data, "replay", "graph", "--as-of", "1s ago", "--name", "usage").stdout


def test_export(up: Up, then: Path, tmp_path: Path) -> None:
    """The tables of then, beside those of today."""
    texts = {}
    for name, at in (("then", ("--at", "quellwerk")), ("now", ())):
        for model in ("relational", "graph", "vector"):
            given(up.data, "export", model, "--format", "csv", "--to", str(tmp_path / name), *at)
        texts[name] = {file.stem: file.read_text() for file in (tmp_path / name).iterdir()}
    assert set(texts["then"]) == set(texts["now"]) and len(texts["then"]) == 9
    for table in ("entities", "mentions", "graph_nodes", "passages"):
        assert "Berta" in texts["then"][table] and "Carl" not in texts["then"][table], table
        assert "Carl" in texts["now"][table] and "Berta" not in texts["now"][table], table
    lines = called(
        up.data, "export", "vector", "passages", "--at", "quellwerk", "--format", "jsonl", "--to", "-"
    ).stdout
    assert "Berta" in lines
    said = refused(up.data, "export", "graph", "--at", "nowhere", "--format", "csv", "--to", str(tmp_path / "nowhere"))
    assert "there is no generation 'nowhere'" in said and not (tmp_path / "nowhere").exists()


def test_diff(up: Up, then: Path) -> None:
    found = given(up.data, "diff", "quellwerk", "live", "--question", QUESTION)
    (answer,) = found["answers"]["differences"]
    assert (answer["one"], answer["other"]) == ("Berta Lindqvist", "Carl Magnusson")
    assert answer["made_by"]["event_type"] == "DocumentUpdated"
    assert answer["made_by"]["aggregate_id"] == str(then)
    (document,) = [one for one in found["differences"] if one["id"] == str(then)]
    assert document["change"] == "changed" and document["made_by"]["event_type"] == "DocumentUpdated"
    names = {one["name"]: one["change"] for one in found["differences"] if one["kind"] == "entities"}
    assert (names["Berta Lindqvist"], names["Carl Magnusson"]) == ("removed", "added")
    page = given(up.data, "diff", "quellwerk", "--only", "entities", "--limit", "1")
    assert len(page["differences"]) == 1 and page["next"] is not None and page["answers"] is None
    said = called(up.data, "diff", "quellwerk", "quellwerk", "--last", "0").stdout
    assert said == "nothing differs\n"


def test_a_gateway_that_was_named_does_it(up: Up, then: Path) -> None:
    """The same of nothing but its address and a token."""
    server, nothing = up.pipeline.addresses["gateway"], up.data.parent / "nothing"
    token = {"ANNALS_TOKEN": read_admin_token(up.data) or ""}
    other = given(nothing, "--server", server, "diff", "quellwerk", "--only", "entities", env=token)
    assert other["differences"] == given(up.data, "diff", "quellwerk", "--only", "entities")["differences"]
    made = given(nothing, "--server", server, "replay", "--as-of", "1", "--name", "first", env=token)
    assert (made["position"], set(made["rows"])) == (1, {"relational", "graph", "vector"})
    replayed = given(nothing, "--server", server, "replay", "graph", "--rate", "100000", env=token)
    assert set(replayed["rows"]) == {"graph"} and replayed["aggregates"] > 0
    back = given(nothing, "--server", server, "replay", "graph", "--back", env=token)
    assert back["switched"] == ["graph"]
    said = refused(nothing, "--server", server, "replay", "outdated", exit_code=2, env=token)
    assert "--server does not go with outdated" in said
    said = refused(nothing, "--server", server, "replay", "--as-of", "1", "--name", "first", env=token)
    assert "there is a generation 'first' as of position 1" in said
    assert not nothing.exists()
