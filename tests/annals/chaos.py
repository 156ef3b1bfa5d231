"""A pipeline under fire: documents come in by the command line and by the inbox while its processes are killed."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
from confluent_kafka import Producer

from inference.model import digest_of
from tests.annals.corpus import passages, write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, annals, annals_json, environment
from tests.annals.processes import until

VICTIMS = ("relay", "intake", "worker", "projector", "broker", "postgres")
STAGES = ("DocumentIngested", "DocumentChunked", "EntitiesExtracted", "RelationshipsDiscovered", "DocumentProcessed")
SENTENCES = 60
"""Of a document of several chunks; about a thousand tokens."""
LIMIT_S = 1200.0
PROGRESS_LIMIT_S = 10.0
_DELIVERIES = UUID("6f1c1d9e-5d0c-4a6e-9a53-0d7f3f1f2a11")


def several_chunks(number: int, edition: int) -> dict[str, str]:
    """One document of several chunks; editions share most of their sentences."""
    told = [one["text"] for one in passages(SENTENCES // 3, seed=number)]
    told[edition % len(told)] = f"This is edition {edition} of the letters of Port Almond."
    return {"id": f"letters-{number}", "title": f"Letters {number}", "text": " ".join(told)}


class Chaos:
    """What was sent, what is to be there at the end, and who is killed; all of it follows from `seed`."""

    def __init__(self, folder: Path, seed: int, *, count: int, large: int) -> None:
        print(f"\nchaos: seed {seed}, {count} passages, {large} documents of several chunks", file=sys.stderr)
        self._choose = random.Random(seed)
        self._folder, self._count = folder, count
        self._large = [several_chunks(number, 0) for number in range(large)]
        self._expected: dict[str, str | None] = {}
        self._sent: dict[str, bytes] = {}
        self._changed: set[str] = set()
        self.pipeline = Pipeline(folder / "data")
        self._producer = Producer({"bootstrap.servers": self.pipeline.addresses["broker"], "log_level": 0})

    def run(self, kills: int) -> None:
        """Take in, kill `kills` times, change documents midway, and wait until everything is done."""
        corpus = self._folder / "corpus.jsonl"
        half = self._count // 2
        by_command = [*write_corpus(corpus, half), *self._large[::2]]
        corpus.write_text("".join(json.dumps(one) + "\n" for one in by_command))
        by_inbox = [*passages(self._count - half, first=half), *self._large[1::2]]
        self._expected |= {one["id"]: one["text"] for one in (*by_command, *by_inbox)}
        ingest = subprocess.Popen(
            [*ANNALS, "ingest", str(corpus), "--wait", "--json", "--data", str(self.pipeline.data)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=(self._folder / "ingest.log").open("w"),
            text=True,
        )
        for one in by_inbox:
            self._send(one, 0)
        changes = self._changes()
        for number, victim in enumerate(self._victims(kills)):
            self._wait_for_progress(len(STAGES) * self._count // kills)
            print(f"chaos: kill {victim} at {self.events().get('DocumentProcessed', 0)} processed", file=sys.stderr)
            self.pipeline.kill(victim)
            if number >= kills // 3:
                next(changes, None)
        for _ in changes:
            pass
        summary, _ = ingest.communicate(timeout=LIMIT_S)
        assert ingest.returncode == 0, (self._folder / "ingest.log").read_text() + summary
        assert until(self._done, LIMIT_S), self._undone()

    def _victims(self, kills: int) -> list[str]:
        victims = [*VICTIMS, *self._choose.choices(VICTIMS, k=max(0, kills - len(VICTIMS)))]
        self._choose.shuffle(victims)
        return victims

    def _wait_for_progress(self, share: int) -> None:
        """Until some more events are stored, at most a kill's share of them: all kills fall into the work. Where no
        more come, as towards the end, it goes on.
        """
        more = sum(self.events().values()) + self._choose.randrange(20, max(21, share))
        until(lambda: sum(self.events().values()) >= more or not self._undone(), limit_s=PROGRESS_LIMIT_S)

    def _changes(self) -> Iterator[None]:
        """Documents of several chunks are updated, deleted and taken in again: one step each time it is asked."""
        for number in range(len(self._large)):
            document_id = self._large[number]["id"]
            assert self._wait_for(document_id), f"{document_id} was never taken in"
            self._changed.add(document_id)
            if number % 3 == 0:
                self._update(number, 1)
            else:
                self._delete(document_id)
            yield
            if number % 3 == 2:
                self._update(number, 2)
                yield

    def _wait_for(self, document_id: str) -> bool:
        return until(lambda: bool(self.history(document_id)), LIMIT_S)

    def _update(self, number: int, edition: int) -> None:
        """Another text for the same document, by the way that it came."""
        document = several_chunks(number, edition)
        self._expected[document["id"]] = document["text"]
        if number % 2:
            self._send(document, edition)
            return
        file = self._folder / f"{document['id']}-{edition}.jsonl"
        file.write_text(json.dumps(document) + "\n")
        # What a person does who is told that a server is away: the same again. It changes nothing twice.
        assert until(lambda: annals(self.pipeline.data, "ingest", str(file), check=False).returncode == 0, LIMIT_S)

    def _delete(self, document_id: str) -> None:
        self._expected[document_id] = None

        def gone() -> bool:
            annals(self.pipeline.data, "delete", document_id, "--reason", "chaos", check=False)
            return self.history(document_id)[-1:] == ["DocumentDeleted"]

        assert until(gone, LIMIT_S)

    def _send(self, document: dict[str, str], edition: int) -> None:
        """To the inbox, as a producer that keeps what it wrote until it knows that it was taken in."""
        event: dict[str, Any] = {
            "event_id": str(uuid5(_DELIVERIES, f"{document['id']}/{edition}")),
            "event_type": "DocumentIngested",
            "aggregate_id": document["id"],
            "event_data": {"title": document["title"], "text": document["text"]},
            "timestamp": "2026-01-02T03:04:05Z",
        }
        self._sent[event["event_id"]] = json.dumps(event).encode()
        self._write(event["event_id"])

    def _write(self, event_id: str) -> None:
        value = self._sent[event_id]
        self._producer.produce(
            self.pipeline.addresses["inbox_topic"], key=json.loads(value)["aggregate_id"], value=value
        )
        self._producer.poll(0)

    def _done(self) -> bool:
        """Whether everything is as it should be; what a killed broker forgot of the inbox is written again."""
        self._producer.flush(5)
        present = self._present()
        missing = [one for one in self._sent if not self._taken(one, present)]
        for event_id in missing:
            self._write(event_id)
        return not missing and not self._undone()

    def _taken(self, event_id: str, present: dict[str, tuple[str, str]]) -> bool:
        event = json.loads(self._sent[event_id])
        document_id, text = event["aggregate_id"], event["event_data"]["text"]
        # Whatever came after it for the same document, it was taken in before.
        return self._expected[document_id] != text or present.get(document_id, ("", ""))[0] == digest_of(text)

    def _undone(self) -> list[str]:
        """Documents that are not what they should be: another text, not processed, not gone."""
        present = self._present()
        wanted = {one: text for one, text in self._expected.items() if text is not None}
        wrong = [one for one, text in wanted.items() if present.get(one) != (digest_of(text), "processed")]
        return sorted([*wrong, *(set(present) - set(wanted))])

    def _present(self) -> dict[str, tuple[str, str]]:
        """By document the digest of its text and how far it is, as the relational read model has it now."""
        rows = self._rows(
            "SELECT d.document_id, d.digest, s.stage FROM relational.documents AS d JOIN relational.states AS s "
            "USING (tenant, document_id)"
        )
        return {str(one): (str(digest), str(stage)) for one, digest, stage in rows}

    def events(self) -> dict[str, int]:
        """How many events of each type the log holds now; nothing while PostgreSQL is down."""
        rows = self._rows("SELECT topic, count(*) FROM annals.stored_events GROUP BY topic")
        return {str(topic): int(str(count)) for topic, count in rows}

    def history(self, document_id: str) -> list[str]:
        """Types of a document's events, in order."""
        rows = self._rows(
            "SELECT topic FROM annals.stored_events JOIN annals.document_collections USING (originator_id) "
            "WHERE document_id = %s ORDER BY notification_id",
            document_id,
        )
        return [str(topic) for (topic,) in rows]

    def _rows(self, query: str, *values: str) -> list[tuple[object, ...]]:
        try:
            with psycopg.connect(self.pipeline.addresses["postgres"], connect_timeout=3) as connection:
                return connection.execute(query.encode(), values).fetchall()
        except psycopg.OperationalError:
            return []

    def check(self) -> None:
        """Nothing was lost, nothing was done twice in effect, and the read models are what the events say."""
        status = annals_json(self.pipeline.data, "status")
        assert status["documents"] == sum(text is not None for text in self._expected.values())
        assert status["waiting"] == status["dead_letters"] == 0
        rows = self._rows(
            "SELECT document_id, topic, count(*) FROM annals.stored_events JOIN annals.document_collections "
            "USING (originator_id) WHERE topic = ANY(%s) GROUP BY 1, 2",
            list(STAGES),  # type: ignore[arg-type]
        )
        counts = {(str(one), str(topic)): int(str(count)) for one, topic, count in rows}
        unchanged = set(self._expected) - self._changed
        assert {one: [counts.get((one, stage)) for stage in STAGES] for one in unchanged} == {
            one: [1] * len(STAGES) for one in unchanged
        }, "of every event exactly one a document"
        assert max(int(str(count)) for (count,) in self._rows("SELECT max(index) FROM relational.chunks")) > 0
        verified = annals(self.pipeline.data, "verify", check=False)
        assert verified.returncode == 0, verified.stdout
