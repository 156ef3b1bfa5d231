"""Every event type of the specification: emitted by a command beside a pipeline, and seen where it is read; whichever
databases hold the read models."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from click.testing import Result

from annals.event_commands import EMITTED
from tests.annals.pipeline import ROOT, Pipeline, called, given
from tests.annals.processes import until
from tests.inference.tiny import make_classifier

QUESTION = "Who designed Skerry Point Lighthouse?"
PARSER = "en_core_web_sm"
ENV = {"ANNALS_METRICS_PORT": "0", "ANNALS_SERVICES": "processes"}
NONE_ORPHANED: dict[str, Any] = {"orphaned": [], "next": None}


class Installed:
    """A pipeline with the examples and a report of several chunks."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.data, self.articles = folder / "data", folder / "articles"
        self.articles.mkdir()
        for article in (ROOT / "examples").glob("*.md"):
            shutil.copy(article, self.articles)
        self.report = self.articles / "report.md"
        self.write_report("It was set up by Ada Lovelace.")
        self.env = {**env, **ENV}
        self.pipeline = Pipeline(self.data, env=self.env)

    def write_report(self, last: str) -> None:
        """A text of several chunks; every sentence is its own."""
        parts = [
            f"In its {number}th section the report describes pump {number} of the waterworks at Orrin Vale. "
            f"It was set up by crew {number} and has been repaired {number} times since then, as the books show."
            for number in range(30)
        ]
        self.report.write_text(
            "\n\n".join(["# Report on the waterworks", *parts, "Ada Lovelace met Bob Tables.", last])
        )

    def do(self, *arguments: str) -> Any:
        """A command's JSON."""
        return given(self.data, *arguments, env=self.env)

    def called(self, *arguments: str) -> Result:
        """A command, however it ends."""
        return called(self.data, *arguments, env=self.env)

    def relations(self, of: Path) -> dict[tuple[str, str], dict[str, Any]]:
        """What a document states, by subject and object."""
        found = self.do("relation", "list", "--document", str(of))["relations"]
        return {(one["subject"], one["object"]): one for one in found}

    def edges(self, name: str) -> set[tuple[str, str, str]]:
        """Of an entity in the graph, without its mentions."""
        return {(one["source"], one["label"], one["target"]) for one in self.do("show", name)["edges"]}

    def chunks(self) -> list[str]:
        """Ids of the report's, in its order."""
        return [one["chunk_id"] for one in self.do("chunk", "list", str(self.report))["chunks"]]

    def found(self, query: str, mode: str = "text") -> list[str]:
        """Ids of the chunks that a search finds, best first."""
        return [one["chunk_id"] for one in self.do("search", query, "--mode", mode)["passages"]]


@contextlib.contextmanager
def installed_with(folder: Path, env: Mapping[str, str]) -> Iterator[Installed]:
    """For all tests of a class; they go on from each other."""
    one = Installed(folder, env)
    try:
        yield one
    finally:
        one.pipeline.stop()


class EventTypesContract:
    """Subclass in a module with a fixture `installed` of the scope `module`."""

    def test_documents_are_taken_in_and_processed(self, installed: Installed) -> None:
        summary = installed.do("ingest", str(installed.articles), "--wait")
        assert summary["failed"] == {} and summary["ingested"] == summary["processed"] >= 10
        shown = installed.do("show", str(installed.report))
        assert shown["stage"] == "processed" and len(shown["chunks"]) > 3
        assert {"Ada Lovelace", "Bob Tables"} <= {one["name"] for one in shown["entities"]}
        assert ("Ada Lovelace", "Bob Tables") in installed.relations(installed.report)
        assert set(installed.do("models", "list")["serving"]) == {"embedding", "entities", "relations"}

    def test_a_relation_is_corrected_and_that_undone(self, installed: Installed) -> None:
        one = installed.relations(installed.report)["Ada Lovelace", "Bob Tables"]
        changed = installed.do(
            "relation", "correct", one["relation_id"], "--predicate", "married", "--reason", "letter"
        )
        assert changed["changed"] is True
        shown = installed.do("relation", "show", one["relation_id"])
        assert (shown["predicate"], shown["sentence"]) == ("married", "Ada Lovelace met Bob Tables")
        assert ("Ada Lovelace", "married", "Bob Tables") in installed.edges("Ada Lovelace")

        installed.do("relation", "undo", one["relation_id"], "--reason", "misread")
        assert installed.relations(installed.report)["Ada Lovelace", "Bob Tables"] == one
        installed.do("relation", "correct", one["relation_id"], "--predicate", "married")

    def test_a_relation_is_rejected(self, installed: Installed) -> None:
        one = installed.relations(installed.report)["Ada Lovelace", "Bob Tables"]
        before = installed.do("status")["relations"]
        installed.do("relation", "reject", one["relation_id"], "--reason", "no source")
        assert installed.do("relation", "show", one["relation_id"])["valid"] is False
        assert installed.do("status")["relations"] == before - 1
        assert ("Ada Lovelace", "married", "Bob Tables") not in installed.edges("Ada Lovelace")
        installed.do("relation", "validate", one["relation_id"])
        assert ("Ada Lovelace", "married", "Bob Tables") in installed.edges("Ada Lovelace")

    def test_chunks_are_updated_merged_and_restored(self, installed: Installed) -> None:
        before = installed.chunks()
        first, second = (one["end"] for one in installed.do("chunk", "list", str(installed.report))["chunks"][:2])
        longer = installed.do("chunk", "update", before[0], "--start", "0", "--end", str((first + second) // 2))["id"]
        assert installed.chunks() == [longer, *before[1:]]
        assert longer in installed.found("report describes pump 1 of the waterworks", "vector")

        merged = installed.do("chunk", "merge", longer, before[1], "--reason", "one thing")["id"]
        assert installed.chunks() == [merged, *before[2:]]
        assert {merged} <= set(installed.found('"pump 1 of the waterworks"')) and longer not in installed.found("pump")

        installed.do("chunk", "undo", merged)
        assert installed.chunks() == [longer, *before[1:]]
        assert installed.do("show", str(installed.report))["stage"] == "processed"

    def test_an_answer_is_kept_and_not_given_again_once_its_chain_is_rejected(self, installed: Installed) -> None:
        asked = installed.do("ask", QUESTION)
        assert asked["cached"] is False and asked["confidence"] > 0.8
        # Until one is kept each may be: the last one stays.
        kept_for = [asked["query_id"]]

        def is_cached() -> bool:
            found = installed.do("ask", QUESTION)
            if not found["cached"]:
                kept_for.append(found["query_id"])
            return bool(found["cached"])

        assert until(is_cached, limit_s=60)
        for query_id in kept_for:
            installed.do("chain", "reject", query_id, "--reason", "wrong man")
        again = installed.do("ask", QUESTION)
        assert again["answer"] == asked["answer"] and again["cached"] is False
        assert again["confidence"] <= 0.5 and "wrong man" in again["note"]
        for query_id in kept_for:
            installed.do("chain", "undo", query_id)
        assert installed.do("ask", QUESTION)["cached"] is True

    def test_entities_are_renamed_merged_and_judged(self, installed: Installed) -> None:
        installed.do("entity", "rename", "Bob Tables", "Robert Tables", "--wait")
        assert "Robert Tables" in {one["name"] for one in installed.do("entity", "list", "robert")["entities"]}
        assert any("Robert Tables" in edge for edge in installed.edges("Ada Lovelace"))
        installed.do("entity", "reject", "Robert Tables", "--wait")
        (rejected,) = installed.do("entity", "list", "robert tables")["entities"]
        assert rejected["valid"] is False
        installed.do("entity", "merge", "Robert Tables", "Ada Lovelace", "--wait")
        assert installed.do("entity", "list", "robert tables")["entities"] == []
        installed.do("entity", "undo", rejected["entity_id"], "--wait")
        assert len(installed.do("entity", "list", "robert tables")["entities"]) == 1

    def test_what_people_decided_stays_when_the_document_comes_back(self, installed: Installed) -> None:
        chunks = installed.chunks()
        installed.write_report("It was set up by Charles Babbage.")
        assert installed.do("ingest", str(installed.report), "--wait")["updated"] == 1
        one = installed.relations(installed.report)["Ada Lovelace", "Bob Tables"]
        assert (one["predicate"], one["valid"]) == ("married", True)
        assert installed.chunks()[0] == chunks[0], "the corrected chunk is there again"
        assert installed.do("relation", "list", "--orphaned")["orphaned"] == []

        text = installed.report.read_text().replace("Ada Lovelace met Bob Tables.", "")
        installed.report.write_text(text.replace("pump 1 of", "fountain 1 of"))
        installed.do("ingest", str(installed.report), "--wait")
        (orphan,) = installed.do("relation", "list", "--orphaned")["orphaned"]
        assert (orphan["predicate"], orphan["valid"]) == ("married", True)
        (recut,) = installed.do("chunk", "orphaned")["orphaned"]
        assert recut["chunk_id"] == chunks[0]
        installed.do("relation", "undo", orphan["relation_id"])
        installed.do("chunk", "undo", recut["chunk_id"])
        assert installed.do("relation", "list", "--orphaned") == installed.do("chunk", "orphaned") == NONE_ORPHANED

    def test_what_a_model_said_is_thrown_away(self, installed: Installed) -> None:
        models = installed.do("models", "list")
        parser = models["serving"]["relations"]
        assert models["kept"][parser] > 0
        assert installed.do("cache", "clear", parser, "--reason", "test")["entries"] == models["kept"][parser]
        assert parser not in installed.do("models", "list")["kept"]
        refused = installed.called("cache", "clear", models["serving"]["embedding"])
        assert refused.exit_code == 1 and "passages have their vectors" in refused.stderr

    def test_a_document_is_deleted(self, installed: Installed) -> None:
        installed.do("delete", str(installed.report))
        assert installed.found('"waterworks at Orrin Vale"') == []
        assert str(installed.report) not in {one["document_id"] for one in installed.do("list")["documents"]}

    def test_a_deletion_is_undone(self, installed: Installed) -> None:
        deletion = installed.do("history", str(installed.report))["events"][-1]
        assert deletion["event_type"] == "DocumentDeleted" and deletion["can_be_undone"]
        undone = installed.do("undo", deletion["event_id"], "--reason", "the wrong file")
        assert (undone["event_type"], undone["aggregate_id"]) == ("DocumentDeleted", str(installed.report))
        again = installed.called("undo", deletion["event_id"], "--reason", "twice")
        assert again.exit_code == 1 and "was undone already, by event" in again.stderr and again.stderr.count("\n") == 1
        assert until(lambda: installed.found('"waterworks at Orrin Vale"') != [], limit_s=120)
        assert until(lambda: installed.do("show", str(installed.report))["stage"] == "processed", limit_s=120)
        events = installed.do("history", str(installed.report))["events"]
        restored = next(one for one in events if one["event_type"] == "DocumentRestored")
        assert restored["undoes"] == deletion["event_id"] and restored["event_data"]["reason"] == "the wrong file"
        told = installed.called("history", str(installed.report)).stdout
        assert f"{deletion['event_id']}, undone by {restored['event_id']}" in told

    def test_the_read_models_are_what_the_events_say(self, installed: Installed) -> None:
        assert installed.called("verify").exit_code == 0

    def test_a_service_that_fails_is_told(self, installed: Installed) -> None:
        name = "storage"
        (pid, *_) = installed.pipeline.pids(f"service-{name}")
        os.kill(pid, signal.SIGSTOP)
        try:
            assert until(lambda: "SystemHealthChanged" in installed.do("status")["events"], limit_s=120)
        finally:
            with contextlib.suppress(ProcessLookupError):  # whoever hangs is ended by its supervisor
                os.kill(pid, signal.SIGKILL)
        events = installed.do("history", f"service/{name}")["events"]
        assert events[0]["event_data"]["health"] == "down"

    def test_another_model_takes_over(self, installed: Installed, tmp_path: Path) -> None:
        classifier = make_classifier(tmp_path / "classifier")
        before = installed.do("models", "list")["serving"]
        installed.pipeline.stop()
        installed.env = {**installed.env, "ANNALS_ENTITY_MODEL": str(classifier)}
        installed.pipeline = Pipeline(installed.data, env=installed.env)
        assert until(lambda: installed.do("models", "list")["serving"] != before, limit_s=120)
        after = installed.do("models", "list")["serving"]
        assert after["entities"] != before["entities"] and after["embedding"] == before["embedding"]

    def test_a_model_is_set_while_everything_is_up(self, installed: Installed, tmp_path: Path) -> None:
        other = make_classifier(tmp_path / "other")
        config = json.loads((other / "config.json").read_text())
        (other / "config.json").write_text(json.dumps({**config, "annals_test": "another revision"}))
        former = installed.do("models", "list")["serving"]["entities"]
        changed = installed.do("models", "set", "entities", str(other), "--reason", "test")
        assert changed["changed"] and changed["previous"] == former
        assert until(lambda: installed.do("models", "list")["serving"]["entities"] == changed["revision"], limit_s=120)
        assert installed.called("verify").exit_code == 0
        assert installed.called("replay", "relational", "graph", "--back").exit_code == 0
        assert until(lambda: installed.do("models", "list")["serving"]["entities"] == former, limit_s=120)

    def test_none_was_left_out(self, installed: Installed) -> None:
        counts = installed.do("status")["events"]
        beside = {"EntitySplit", "MentionsReassigned", "EntityAssigned", "EntityReleased"}
        assert {str(one) for one in EMITTED} - beside <= set(counts)
