"""The commands as a person or a program uses them, beside a pipeline that is up: taking in, asking, looking."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from click.testing import CliRunner

from annals.cli import group
from annals.cli.commands import COMMANDS
from annals.roles import UP
from tests.annals.conftest import Up
from tests.annals.pipeline import ROOT, called, given, refused
from tests.annals.processes import until

pytestmark = pytest.mark.timeout(300)

QUESTION = "Who designed Skerry Point Lighthouse?"


def document_events(up: Up) -> dict[str, int]:
    return {name: count for name, count in up.status()["events"].items() if not name.startswith("Reasoning")}


def report(folder: Path, last: str) -> Path:
    """A text of several chunks that ends with `last`."""
    path = folder / "report.md"
    parts = [
        f"In its {number}th section the report describes pump {number} of the waterworks at Orrin Vale. "
        f"It was set up by crew {number} and has been repaired {number} times since then, as the books show."
        for number in range(30)
    ]
    path.write_text("\n\n".join(["# Report on the waterworks", *parts, last]))
    return path


def test_the_first_time_everything_is_new(up: Up) -> None:
    count = len(list(up.articles.iterdir()))
    assert count >= 14
    expected = {"documents": count, "ingested": count, "updated": 0, "unchanged": 0, "processed": count}
    assert up.summary | expected == up.summary
    assert up.summary["refused"] == [] and up.summary["failed"] == {}


def test_nothing_is_written_where_it_was_started(up: Up) -> None:
    assert list(ROOT.glob("annals-*-data")) == [] and (up.data / "run" / "faust").is_dir()


def test_the_same_again_changes_nothing(up: Up) -> None:
    assert up.caught_up()
    before = document_events(up)
    summary = given(up.data, "ingest", str(up.articles), "--wait")
    count = up.summary["documents"]
    expected = {"documents": count, "ingested": 0, "updated": 0, "unchanged": count, "processed": count}
    assert summary | expected == summary
    assert document_events(up) == before


def test_of_a_changed_document_only_changed_chunks_are_embedded(up: Up, tmp_path: Path) -> None:
    path = report(tmp_path, "The report was signed in spring.")
    assert given(up.data, "ingest", str(path), "--wait")["ingested"] == 1
    embedded = "SELECT count(*) FROM annals.model_outputs WHERE model = $1"
    (first,) = chunkings(up, path)
    before = up.rows(embedded, first["embedder"])[0][0]

    report(tmp_path, "The report was signed in autumn, by another hand.")
    summary = given(up.data, "ingest", str(path), "--wait")
    assert (summary["updated"], summary["ingested"], summary["processed"]) == (1, 0, 1)
    _, second = chunkings(up, path)
    old, new = ({chunk["input_digest"] for chunk in one["chunks"]} for one in (first, second))
    assert len(new & old) >= 3, "most of the text is as it was"
    assert up.rows(embedded, first["embedder"])[0][0] - before == len(new - old) > 0
    assert up.rows("SELECT text FROM vector.passages WHERE text LIKE '%signed in spring%'") == []


def chunkings(up: Up, path: Path) -> list[dict[str, Any]]:
    events = given(up.data, "history", str(path))["events"]
    return [event["event_data"] for event in events if event["event_type"] == "DocumentChunked"]


def test_what_is_refused_is_named_and_the_rest_are_taken(up: Up, tmp_path: Path) -> None:
    (tmp_path / "empty.md").touch()
    (tmp_path / "binary.txt").write_bytes(b"\x7fELF\xff\x00")
    (tmp_path / "good.md").write_text("# A good one\n\nThe good one is taken.")
    (tmp_path / "large.txt").write_text("x" * 1_048_577)
    lines = ['{"id": "line-1", "title": "One", "text": "Line one is taken."}', "{broken", '{"id": "line-3"}']
    (tmp_path / "lines.jsonl").write_text("\n".join(lines))
    summary = given(up.data, "ingest", str(tmp_path), "--wait", exit_code=1)
    assert (summary["documents"], summary["ingested"], summary["processed"]) == (2, 2, 2)
    reasons = {Path(refusal["name"]).name: refusal["reason"] for refusal in summary["refused"]}
    assert set(reasons) == {"empty.md", "binary.txt", "large.txt", "lines.jsonl:2", "lines.jsonl:3"}
    assert "1,048,577" in reasons["large.txt"] and "1,048,576" in reasons["large.txt"]

    people = called(up.data, "ingest", str(tmp_path))
    assert people.exit_code == 1
    assert "2 documents taken in (2 unchanged), 5 skipped" in people.stdout
    assert [line.split(":")[0] for line in people.stderr.splitlines()] == [f"skipped {tmp_path}/{name}" for name in (
        "binary.txt", "empty.md", "large.txt", "lines.jsonl", "lines.jsonl"
    )]  # fmt: skip


def test_standard_input_is_taken_in(up: Up) -> None:
    line = json.dumps({"id": "from-stdin", "title": "Standard input", "text": "It came by a pipe."}).encode()
    assert given(up.data, "ingest", "-", "--wait", stdin=line)["ingested"] == 1
    assert given(up.data, "show", "from-stdin")["title"] == "Standard input"


def test_an_answer_has_its_sources_and_is_kept_until_something_new_is_known(up: Up, tmp_path: Path) -> None:
    asked = given(up.data, "ask", QUESTION, "-k", "3")
    assert "Ines Marlowe" in asked["answer"]
    assert 0.8 < asked["confidence"] <= 1.0, "the cache keeps answers that are surer than 0.8"
    assert 1 <= len(asked["sources"]) <= 3
    for source in asked["sources"]:
        assert set(source) >= {"document_id", "title", "text", "score"}
        assert Path(source["document_id"]).parent == up.articles
        assert source["text"] in Path(source["document_id"]).read_text()
    scores = [source["score"] for source in asked["sources"]]
    assert scores == sorted(scores, reverse=True)
    assert asked["reasoning_chains"]
    assert asked["cached"] is False

    assert up.caught_up()
    again = given(up.data, "ask", f" {QUESTION} ", "-k", "3")
    assert again["cached"] is True
    same = ("answer", "confidence", "sources", "reasoning_chains")
    assert {name: again[name] for name in same} == {name: asked[name] for name in same}
    assert again["query_id"] != asked["query_id"], "it was asked twice, and the log says so"

    (tmp_path / "new.md").write_text("# Pim Ostler\n\nPim Ostler painted Skerry Point Lighthouse in 1990.")
    given(up.data, "ingest", str(tmp_path / "new.md"), "--wait")
    assert given(up.data, "ask", QUESTION, "-k", "3")["cached"] is False
    events = given(up.data, "history", asked["query_id"])["events"]
    assert [event["event_type"] for event in events] == ["ReasoningQueryExecuted", "ReasoningResultCached"]


@contextmanager
def no_event_is_taken(up: Up) -> Iterator[None]:
    """Appends wait for a lock that somebody else holds; reads go on."""
    with psycopg.connect(up.pipeline.addresses["postgres"]) as other:
        other.execute("LOCK TABLE annals.stored_events IN EXCLUSIVE MODE")
        yield
        other.rollback()


def test_an_answer_is_given_although_the_log_takes_no_event(up: Up) -> None:
    ((head,),) = up.rows("SELECT max(notification_id) FROM annals.stored_events")
    with no_event_is_taken(up):
        done = called(up.data, "ask", QUESTION, "--json")
    asked = json.loads(done.stdout)
    assert done.exit_code == 0 and "Ines Marlowe" in asked["answer"]
    assert asked["recorded"] is False
    assert "the answer is not recorded yet; the gateway goes on trying" in done.stderr.splitlines()
    found = "SELECT FROM annals.stored_events WHERE topic = 'ReasoningQueryExecuted' AND notification_id > $1"
    assert until(lambda: up.rows(found, head) != [], limit_s=60), "it did"
    assert until(lambda: given(up.data, "ask", QUESTION)["recorded"], limit_s=60)


def test_a_command_that_answers_by_itself_says_what_became_of_its_event(up: Up) -> None:
    """The gateway's administrator is of the default tenant; for another one the command has databases and models."""
    with no_event_is_taken(up):
        done = called(up.data, "ask", QUESTION, "--json", env={"ANNALS_TENANT": "elsewhere"})
    asked = json.loads(done.stdout)
    assert (done.exit_code, asked["answer"], asked["recorded"]) == (1, None, False)
    notes = done.stderr.splitlines()
    assert [line for line in notes if line.startswith("the answer is not recorded yet; the log is tried again")]
    assert f"the answer was not recorded: the log has no question {asked['query_id']}; see: annals status" in notes


def test_without_evidence_there_is_no_answer(up: Up) -> None:
    asked = given(up.data, "ask", "Which spice does Zanzibar export?", exit_code=1)
    assert asked["answer"] is None
    assert asked["confidence"] == 0.0
    assert asked["sources"] == asked["reasoning_chains"] == []


def test_search_finds_by_words_and_by_meaning(up: Up) -> None:
    for query, title in (
        ("tide clock", "Tobias Renn"),
        ("windows and lenses made from melted sand", "Brennick Glassworks"),
    ):
        passages = given(up.data, "search", query, "-k", "3")["passages"]
        assert len(passages) == 3
        assert title in [passage["title"] for passage in passages]
        assert all(set(passage) >= {"document_id", "title", "text", "score"} for passage in passages)


def test_show_and_history_of_a_document(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(up.articles.parent)
    shown = given(up.data, "show", "articles/tarrow.md")
    assert (shown["document_id"], shown["title"]) == (str(up.articles / "tarrow.md"), "Tarrow")
    assert shown["stage"] == "processed"
    assert len(shown["chunks"]) == 1
    assert "River Aldous" in [entity["name"] for entity in shown["entities"]]
    history = given(up.data, "history", "articles/tarrow.md")
    assert [event["aggregate_version"] for event in history["events"]] == list(range(1, len(history["events"]) + 1))
    assert history["events"][0]["event_type"] == "DocumentIngested"
    assert history["events"][-1]["event_type"] == "DocumentProcessed"
    assert called(up.data, "history", "articles/tarrow.md").stdout.splitlines()[0].endswith("/articles/tarrow.md")


def test_the_request_that_took_a_document_in_is_traced(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(up.articles.parent)
    traced = given(up.data, "trace", "articles/tarrow.md")
    steps = [step for step in traced["steps"] if step["aggregate_id"].endswith("tarrow.md")]
    assert steps[0]["event_type"] == "DocumentIngested" and steps[-1]["event_type"] == "DocumentProcessed"
    assert all(step["after_s"] > 0 and step["cause_type"] for step in steps[1:])
    assert [one["read_model"] for one in traced["read_models"] if one["done"]] == ["relational", "graph", "vector"]
    told = called(up.data, "trace", traced["correlation_id"]).stdout
    assert "after its cause" in told and "relational: has all" in told
    assert given(up.data, "trace", steps[1]["event_id"], "--limit", "1")["correlation_id"] == traced["correlation_id"]


def test_a_source_is_cited_with_its_headings_and_a_chunk_shown_with_what_is_around(up: Up, tmp_path: Path) -> None:
    path = tmp_path / "kelp notes.md"
    path.write_text("# Kelp\n\nIt grows.\n\n## Harvest\n\nKelp at Thornsea is harvested by Odalys Brandt.\n")
    given(up.data, "ingest", str(path), "--wait")
    question = "Who harvests kelp at Thornsea?"
    (listed,) = given(up.data, "list", "--language", "en", "--id", str(tmp_path))["documents"]
    assert (listed["document_id"], listed["attributes"]["language"]) == (str(path), "en")
    assert given(up.data, "list", "--language", "de", "--id", str(tmp_path))["documents"] == []
    facets = given(up.data, "search", "Thornsea language:en", "--mode", "text", "--facet", "language")["facets"]
    assert facets == {"language": {"en": 1}}
    (found,) = given(up.data, "search", '"Odalys Brandt"', "--mode", "text")["passages"]
    source = given(up.data, "ask", question)["sources"][0]
    for one in (found, source):
        assert one["citation"] == {"file": path.as_uri(), "page": None, "last_page": None, "headings": ["Kelp"]}
    chunk = given(up.data, "show", found["chunk_id"])
    assert (chunk["chunk_id"], chunk["text"], chunk["citation"]) == (
        found["chunk_id"],
        found["text"],
        found["citation"],
    )
    told = f"kelp notes.md, Kelp, characters {found['start']}-{found['end']}"
    for arguments in (("ask", question), ("search", '"Odalys Brandt"'), ("show", found["chunk_id"])):
        assert told in called(up.data, *arguments).stdout


def test_show_an_entity(up: Up) -> None:
    shown = given(up.data, "show", "ines marlowe")
    assert shown["name"] == "Ines Marlowe"
    assert shown["passages"] >= 2
    assert any("Ines Marlowe" in (edge["source"], edge["target"]) for edge in shown["edges"])


def test_status_says_how_far_everything_is(up: Up) -> None:
    assert up.caught_up()
    status = up.status()
    assert status["documents"] >= up.summary["documents"]
    assert status["chunks"] >= status["documents"]
    assert status["entities"] > 0 and status["relations"] > 0
    assert isinstance(status["dead_letters"], int)
    assert set(status["projections"]) == {"relational", "graph", "vector"}
    for where in status["projections"].values():
        assert where == {"position": status["position"], "lag": 0, "seconds": 0}
    assert status["relay"] == {"lag": 0, "seconds": 0}
    assert (status["unknown"], status["silent"], status["kafka"]["health"]) == ({}, {}, "healthy")
    metrics = {f"metrics_{role}" for role in UP}
    assert set(status["addresses"]) == {"broker", "gateway", "postgres", "inbox_topic", *metrics}
    assert set(status["processes"]) == {"postgres", "broker", *UP}
    assert all(len(pids) == 1 for pids in status["processes"].values())
    people = called(up.data, "status").stdout
    for word in ("documents", "dead letter", "relational", "projector"):
        assert word in people


def test_what_ends_is_up_again(up: Up) -> None:
    (before,) = up.pipeline.pids("relay")
    up.pipeline.kill("relay")
    assert until(lambda: up.pipeline.pids("relay") not in ([], [before]))
    assert up.status()["processes"]["relay"] == up.pipeline.pids("relay")


def test_the_topics_are_as_they_should_be(up: Up, tmp_path: Path) -> None:
    assert given(up.data, "topics", "diff") == {"differences": []}
    assert given(up.data, "topics", "apply") == {"changes": []}
    assert "no broker is up" in refused(tmp_path, "topics", "diff")


def test_documents_are_listed_a_page_at_a_time(up: Up) -> None:
    listed = given(up.data, "list", "--limit", "3")
    assert len(listed["documents"]) == 3 and listed["next"]
    behind = given(up.data, "list", "--limit", "3", "--after", listed["next"])
    ids = [one["document_id"] for one in (*listed["documents"], *behind["documents"])]
    assert ids == sorted(set(ids)) and len(ids) == 6

    said = called(up.data, "list", "--id", str(up.articles), "--title", "TARROW", "--state", "processed")
    [line] = said.stdout.splitlines()
    assert line.startswith("processed ") and line.split("  ")[2].endswith("/articles/tarrow.md")
    assert called(up.data, "list", "--limit", "1").stderr.startswith("there are more: the same command with --after ")
    assert called(up.data, "list", "--title", "nowhere").stdout == "no such documents\n"


def test_documents_are_listed_by_their_attributes(up: Up, tmp_path: Path) -> None:
    lines = [
        {"id": "listed-1", "title": "One", "text": "Ada sang.", "attributes": {"shelf": "7", "lent": True}},
        {"id": "listed-2", "title": "Two", "text": "Ada sang.", "attributes": {"shelf": 7, "lent": False}},
    ]
    file = tmp_path / "listed.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    given(up.data, "ingest", str(file), "--wait")
    for wanted, ids in ((["shelf=7"], [1, 2]), (["shelf=7", "lent=true"], [1]), (["shelf=NaN"], []), (["lent="], [])):
        options = [option for one in wanted for option in ("--attribute", one)]
        found = given(up.data, "list", *options)["documents"]
        assert [one["document_id"] for one in found] == [f"listed-{number}" for number in ids]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--attribute", "shelf"), "is not NAME=VALUE"),
        (("list", "--attribute", "a=1", "--attribute", "a=2"), "is given twice"),
        (("list", "--state", "lost"), "is not one of"),
        (("entity", "list", "--limit", "0"), "--limit"),
    ],
)
def test_a_list_that_cannot_be_is_refused(up: Up, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(up.data, *arguments, exit_code=2)


def test_a_cursor_of_nothing_is_refused(up: Up) -> None:
    assert refused(up.data, "entity", "list", "--after", "x").startswith("This is no cursor of this list; ")


def test_entities_are_listed_by_name_and_type(up: Up) -> None:
    [ines] = given(up.data, "entity", "list", "ines mar", "--type", "PERSON")["entities"]
    assert ines["name"] == "Ines Marlowe" and ines["documents"] >= 1
    assert called(up.data, "entity", "list", "ines mar").stdout.startswith("Ines Marlowe (PERSON), ")
    assert given(up.data, "entity", "list", "ines mar", "--type", "GPE")["entities"] == []
    page = given(up.data, "entity", "list", "--limit", "5")
    behind = given(up.data, "entity", "list", "--limit", "5", "--after", page["next"])
    names = [one["name"].lower() for one in (*page["entities"], *behind["entities"])]
    assert len(names) == 10 and names == sorted(names)


@pytest.mark.parametrize("command", ["show", "history", "delete"])
def test_an_id_that_nobody_knows(up: Up, command: str) -> None:
    assert "'no-such-thing'" in refused(up.data, command, "no-such-thing")


def test_a_blank_question_is_refused(up: Up) -> None:
    assert "blank" in refused(up.data, "ask", "  ")
    assert "4096" in refused(up.data, "ask", "x" * 4097).replace(",", "")
    assert "blank" in refused(up.data, "search", " ")


def commands() -> list[list[str]]:
    found: list[list[str]] = [[]]
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, sub] for sub in command.commands]
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_teaches(path: list[str]) -> None:
    done = CliRunner().invoke(group, [*path, "--help"], prog_name="annals")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: {' '.join(['annals', *path])}")
    command: click.Command = group
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)  # type: ignore[assignment]  # None fails below
    assert command.help and len(command.help.split()) >= 3
    explained = " ".join(done.stdout.split("\n", 1)[1].split())
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            shown = re.findall("[A-Z_]+", parameter.metavar or (parameter.name or "").upper())
            assert shown and all(word in explained for word in shown), "the text speaks of its argument"
        elif isinstance(parameter, click.Option) and parameter.name != "help":
            assert parameter.opts[-1] in explained
            assert parameter.help, parameter.name
    if isinstance(command, click.Group):
        assert all(name in explained for name in command.list_commands(click.Context(command)))
