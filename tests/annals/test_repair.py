"""Rebuilding, checking, deleting and trying again, beside a pipeline that is up."""

import asyncio
import json
import re
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from annals.cli import dead_letters
from annals.composition.stores import open_stores
from annals.settings import load_settings
from eventstore.locks import holding
from tests.annals.conftest import Up
from tests.annals.pipeline import annals, called, given, refused
from tests.annals.processes import until

pytestmark = pytest.mark.timeout(300)


class Reader:
    """Asks the read models over and over in a thread, and keeps every answer that it got."""

    def __init__(self, up: Up) -> None:
        self._settings = load_settings(data=up.data)
        self._dsn = up.pipeline.addresses["postgres"]
        self._document = str(up.articles / "tarrow.md")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()))
        self.answers: set[tuple[object, ...]] = set()
        self.times = 0
        self.failed: list[Exception] = []

    def __enter__(self) -> "Reader":
        self._thread.start()
        assert until(lambda: self.times > 0 or bool(self.failed))
        return self

    def __exit__(self, *_: object) -> None:
        # Once more after the last switch.
        before = self.times
        until(lambda: self.times > before + 1 or bool(self.failed))
        self._stop.set()
        self._thread.join(30)

    async def _read(self) -> None:
        try:
            async with open_stores(self._settings, self._dsn) as services:
                tenant = self._settings.tenant
                while not self._stop.is_set():
                    counts = await services.read.relational.counts(tenant)
                    document = await services.read.relational.document(tenant, self._document)
                    entities = await services.read.graph.find(tenant, ["Ines Marlowe"])
                    chunk_ids = [chunk["chunk_id"] for chunk in document.chunks] if document else []
                    passages = await services.read.passages.passages(tenant, chunk_ids)
                    texts = tuple(passage.text for passage in passages.values())
                    self.answers.add((repr(counts), repr(document), repr(entities), texts))
                    self.times += 1
        except Exception as error:
            self.failed.append(error)


def test_reads_go_on_and_say_the_same_while_everything_is_replayed(up: Up) -> None:
    assert up.caught_up()
    with Reader(up) as reader:
        replayed = given(up.data, "replay", "all")
    assert reader.failed == []
    assert len(reader.answers) == 1, reader.answers
    assert set(replayed["rows"]) == {"relational", "graph", "vector"}
    assert all(count > 0 for count in replayed["rows"].values())
    assert replayed["aggregates"] > 0
    verified = given(up.data, "verify")
    assert verified["same"] is True
    assert all(one["difference"] is None and one["rows"] > 0 for one in verified["projections"])


def test_back_to_what_was_live_before_and_forth_again(up: Up) -> None:
    """Beside readers, who see the same throughout; what is kept is listed, and can be dropped."""
    assert up.caught_up()
    given(up.data, "replay", "all", "--rate", "5000")
    kept = _retired(up)
    assert set(kept) == {"relational", "graph", "vector"}
    with Reader(up) as reader:
        assert given(up.data, "replay", "--back")["switched"] == ["relational", "graph", "vector"]
        assert given(up.data, "verify")["same"]
        assert given(up.data, "replay", "--back", "graph")["switched"] == ["graph"]
    assert reader.failed == []
    assert len(reader.answers) == 1, reader.answers
    assert given(up.data, "verify")["same"]
    now = _retired(up)
    assert now["graph"] == kept["graph"] and now["vector"] != kept["vector"]

    assert given(up.data, "generations", "drop", now["graph"])["dropped"] == now["graph"]
    said = refused(up.data, "replay", "--back", "graph")
    assert "no former generation of graph is kept" in said and "annals replay graph" in said
    live = next(one for one in given(up.data, "generations")["generations"] if one["state"] == "live")
    assert "is live" in refused(up.data, "generations", "drop", live["id"])
    assert live["id"] in called(up.data, "generations").stdout
    assert "all and outdated stand alone" in refused(up.data, "replay", "all", "graph", exit_code=2)
    assert "name a read model" in refused(up.data, "replay", exit_code=2)


def _retired(up: Up) -> dict[str, str]:
    """Ids by read model."""
    found = given(up.data, "generations")["generations"]
    return {one["read_model"]: one["id"] for one in found if one["state"] == "retired"}


@pytest.mark.parametrize(
    ("name", "table", "tampering"),
    [
        ("relational", "documents", "UPDATE relational.documents SET title = 'Tampered' WHERE title = 'Tarrow'"),
        ("graph", "mentions", "DELETE FROM graph.mentions WHERE name = 'River Aldous'"),
        ("vector", "passages", "UPDATE vector.passages SET text = 'Tampered' WHERE title = 'Tarrow'"),
    ],
)
def test_a_row_that_was_tampered_with_is_named_and_mended(up: Up, name: str, table: str, tampering: str) -> None:
    assert up.caught_up()
    up.rows(tampering)
    verified = given(up.data, "verify", exit_code=1)
    assert verified["same"] is False
    different = {one["name"]: one["difference"] for one in verified["projections"] if one["difference"]}
    assert set(different) == {name}
    assert different[name].startswith(f"{name}.{table}, row ")
    if "Tampered" in tampering:
        assert "Tampered" in different[name] and "Tarrow" in different[name]
    given(up.data, "replay", name)
    assert given(up.data, "verify")["same"] is True


def tables_with(up: Up, words: str) -> set[str]:
    """Tables of the read models where any row holds these words."""
    tables = up.rows(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema IN ('relational', 'graph', 'vector') AND table_type = 'BASE TABLE'"
    )
    assert len(tables) > 10
    return {
        f"{schema}.{table}"
        for schema, table in tables
        if up.rows(f"SELECT FROM {schema}.{table} AS t WHERE strpos(t::text, $1) > 0 LIMIT 1", words)
    }


def test_what_is_deleted_is_gone_from_every_read_model(up: Up, tmp_path: Path) -> None:
    path = tmp_path / "secret-orchard.md"
    path.write_text(
        "# Quorra Vantz\n\nQuorra Vantz planted the Zephyr Orchard in 1911. It was founded by Quorra Vantz."
    )
    given(up.data, "ingest", str(path), "--wait")
    traces = {words: tables_with(up, words) for words in (str(path), "Quorra Vantz", "Zephyr Orchard", "planted")}
    assert "vector.passages" in traces["planted"]
    assert {"relational.documents", "graph.mentions", "graph.entities"} <= traces["Quorra Vantz"]

    assert given(up.data, "delete", str(path), "--reason", "asked for") == {
        "deleted": [str(path)],
        "already": [],
        "failed": {},
    }
    assert tables_with(up, str(path)) == {f"{name}.versions" for name in ("relational", "graph", "vector")}
    for words in ("Quorra Vantz", "Zephyr Orchard", "planted"):
        assert tables_with(up, words) == set()
    assert "deleted" in refused(up.data, "show", str(path))
    assert "no entity" in refused(up.data, "show", "Quorra Vantz")
    assert given(up.data, "delete", str(path)) == {"deleted": [], "already": [str(path)], "failed": {}}
    last = given(up.data, "history", str(path))["events"][-1]
    assert (last["event_type"], last["event_data"]["reason"]) == ("DocumentDeleted", "asked for")
    assert re.fullmatch(r"[0-9a-f-]{32,36}", last["correlation_id"]), "each request has its own"

    given(up.data, "replay", "all")
    assert tables_with(up, "Zephyr Orchard") == set(), "nor does a replay bring it back"
    assert given(up.data, "ingest", str(path), "--wait")["documents"] == 1
    assert given(up.data, "show", str(path))["title"] == "Quorra Vantz", "taken in again, it is there again"


def malformed_letter(up: Up, value: bytes = b'{"event_type": \xff}') -> dict[str, Any]:
    """The dead letter of a malformed message that is written to the inbox now."""
    before = {letter["id"] for letter in given(up.data, "dead-letters", "list")["dead_letters"]}
    producer = Producer({"bootstrap.servers": up.pipeline.addresses["broker"]})
    producer.produce(up.pipeline.addresses["inbox_topic"], key="broken-message", value=value)
    assert producer.flush(30) == 0
    assert until(lambda: up.status()["dead_letters"] == len(before) + 1)

    (letter,) = [one for one in given(up.data, "dead-letters", "list")["dead_letters"] if one["id"] not in before]
    found: dict[str, Any] = letter
    return found


def test_a_malformed_message_is_set_aside(up: Up) -> None:
    letter = malformed_letter(up)
    assert (letter["key"], letter["topic"]) == ("broken-message", up.pipeline.addresses["inbox_topic"])
    assert (letter["status"], letter["attempts"]) == ("open", 1)
    assert "JSON" in letter["cause"]
    number = str(letter["id"])
    shown = given(up.data, "dead-letters", "show", number)
    assert shown == letter | {"value": '{"event_type": \\xff}', "headers": shown["headers"]}
    assert letter["cause"][:40] in called(up.data, "dead-letters", "list").stdout
    told = called(up.data, "dead-letters", "show", number).stdout.splitlines()
    assert f"topic       {letter['topic']}" in told
    assert not [line for line in told if line.endswith("None")], "what a letter has not is not told"

    assert given(up.data, "dead-letters", "retry", "987654", exit_code=1) == {"letters": {}, "missing": [987654]}
    assert "987654" in refused(up.data, "dead-letters", "show", "987654")
    assert called(up.data, "dead-letters", "retry").exit_code == 2, "which ones must be said"


def test_a_retry_that_fails_again_says_so(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "RETRY_LIMIT_S", 15.0)
    number = str(malformed_letter(up)["id"])
    count = up.status()["dead_letters"]
    tried = given(up.data, "dead-letters", "retry", number, exit_code=1)
    assert tried["missing"] == []
    assert tried["letters"][number].startswith("failed again: ")
    assert given(up.data, "dead-letters", "show", number)["attempts"] == 2
    assert up.status()["dead_letters"] == count


def test_a_letter_names_its_document_and_is_its_tenants_alone(up: Up) -> None:
    event = {"event_id": str(uuid4()), "event_type": "DocumentIngested", "aggregate_id": "letters/of-nobody"}
    letter = malformed_letter(up, json.dumps(event).encode())
    assert (letter["tenant"], letter["document_id"]) == ("default", "letters/of-nobody")
    assert "default  letters/of-nobody" in called(up.data, "dead-letters", "list").stdout
    number = str(letter["id"])
    other = {"ANNALS_TENANT": "other"}
    assert called(up.data, "dead-letters", "list", env=other).stdout == "no open dead letters\n"
    assert number in refused(up.data, "dead-letters", "show", number, env=other)
    for refusal in (("retry", number), ("drop", number, "--reason", "x")):
        tried = called(up.data, "dead-letters", *refusal, env=other)
        assert (tried.exit_code, tried.stdout) == (1, f"{number}: {dead_letters.NOT_OPEN}\n")
    everything = called(up.data, "dead-letters", "list", "--all-tenants", "--json", env=other).stdout
    assert letter in json.loads(everything)["dead_letters"]

    count = up.status()["dead_letters"]
    assert called(up.data, "dead-letters", "drop", number, "--reason", " ").exit_code == 2
    dropped = given(up.data, "dead-letters", "drop", number, "--reason", "a test of theirs")
    assert dropped == {"dropped": [letter["id"]], "missing": []}
    assert up.status()["dead_letters"] == count - 1
    shown = given(up.data, "dead-letters", "show", number)
    assert (shown["status"], shown["reason"]) == ("dropped", "a test of theirs")
    assert given(up.data, "dead-letters", "retry", number, exit_code=1)["missing"] == [letter["id"]]


def test_a_producer_cannot_close_a_letter(up: Up) -> None:
    letter = malformed_letter(up)
    good = {
        "event_id": str(uuid4()),
        "event_type": "DocumentIngested",
        "aggregate_id": f"forged-{letter['id']}",
        "event_data": {"title": "Forged", "text": "It names a dead letter that is not its own."},
        "timestamp": "2026-01-02T03:04:05Z",
    }
    producer = Producer({"bootstrap.servers": up.pipeline.addresses["broker"]})
    producer.produce(
        up.pipeline.addresses["inbox_topic"], json.dumps(good).encode(), headers={"dead_letter": str(letter["id"])}
    )
    assert producer.flush(30) == 0
    assert until(lambda: called(up.data, "history", str(good["aggregate_id"])).exit_code == 0)
    assert given(up.data, "dead-letters", "show", str(letter["id"]))["status"] == "open"


def test_one_replay_of_a_read_model_at_a_time(up: Up) -> None:
    async def meanwhile() -> list[str]:
        async with holding(up.pipeline.addresses["postgres"], ["replay graph"]):
            replayed = await asyncio.to_thread(annals, up.data, "replay", "all", check=False)
            verified = await asyncio.to_thread(annals, up.data, "verify", check=False)
        assert (replayed.returncode, verified.returncode) == (1, 0)
        return replayed.stderr.splitlines()

    assert asyncio.run(meanwhile())[-1] == "Error: `annals replay graph` runs already; try again when it is done"
    assert given(up.data, "verify")["same"]
