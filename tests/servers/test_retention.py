"""What Kafka deletes before a consumer has read it is processed all the same, from the event store."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from contracts.event_types import EventType
from contracts.topics import topics
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import given, start_role
from tests.annals.processes import until
from tests.servers.ingestion import assert_whole, events

pytestmark = pytest.mark.timeout(600)

DOCUMENTS = 20
LIMIT_S = 120
TOPIC = topics().of(EventType.DOCUMENT_INGESTED)


class Installation:
    """Roles by hand in the embedded profile, with Kafka by address; what the helpers of ingestions need of it."""

    def __init__(self, folder: Path, dsn: str, kafka: str) -> None:
        self.data, self.folder = folder / "commands", folder
        self.env = {
            "ANNALS_POSTGRES": dsn,
            "ANNALS_BROKER": kafka,
            "ANNALS_TORCH_THREADS": "1",
            "ANNALS_MASTER_KEY_FILE": str(folder / "master.key"),
        }
        self.addresses = {"postgres": dsn, "broker": kafka}
        self._admin = AdminClient({"bootstrap.servers": kafka, "log_level": "0"})
        self._starts = 0

    def said(self, name: str) -> str:
        """What the last process of a role wrote."""
        return (self.folder / f"{name}-{self._starts}.log").read_text()

    @contextlib.contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """These roles, for the block."""
        self._starts += 1
        processes = [
            start_role(name, self.folder, self.folder / f"{name}-{self._starts}.log", self.env) for name in names
        ]
        try:
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()

    def take_in(self, first: int, count: int) -> None:
        """Documents into the log, and by the relay into Kafka."""
        corpus = self.folder / f"corpus-{first}.jsonl"
        write_corpus(corpus, count, first=first)
        given(self.data, "ingest", str(corpus), env=self.env)
        assert until(self.published, LIMIT_S)

    def published(self) -> bool:
        with contextlib.suppress(KafkaException):  # topics that were made just now have no leaders yet
            return self.ends() == self.relayed()
        return False

    def relayed(self) -> dict[int, int]:
        with psycopg.connect(self.addresses["postgres"]) as connection:
            head, position = connection.execute(
                "SELECT (SELECT coalesce(max(notification_id), 0) FROM annals.stored_events), position "
                "FROM annals.relay_state"
            ).fetchone() or (0, 0)
            rows = connection.execute(
                "SELECT partition, next_offset FROM annals.relay_offsets WHERE topic = %s", (TOPIC.name,)
            ).fetchall()
        return {int(partition): int(end) for partition, end in rows} if head == position else {}

    def ends(self) -> dict[int, int]:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*partition): latest for partition in TOPIC.all_partitions}
        found = {one.partition: answer.result(10).offset for one, answer in self._admin.list_offsets(asked).items()}
        return {partition: end for partition, end in found.items() if end}

    def delete_records(self) -> None:
        """As retention does: whatever there is now."""
        records = [TopicPartition(TOPIC.name, partition, end) for partition, end in self.ends().items()]
        for deleted in self._admin.delete_records(records).values():
            deleted.result(20)

    def processed(self) -> int:
        return events(self).get("DocumentProcessed", 0)

    def caught_up(self) -> bool:
        status = given(self.data, "status", env=self.env)
        return not any(one["lag"] for one in (*status["consumers"].values(), *status["projections"].values()))


@pytest.fixture
def installation(dsn: str, empty_kafka: str, tmp_path: Path) -> Installation:

    return Installation(tmp_path, dsn, empty_kafka)


def test_records_that_were_deleted_unread_are_processed_all_the_same(installation: Installation) -> None:
    with installation.running("relay", "worker", "projector"):
        installation.take_in(0, DOCUMENTS)
        assert until(lambda: installation.processed() == DOCUMENTS and installation.caught_up(), LIMIT_S)

    # Everything that the consumers did not read is gone.
    with installation.running("relay"):
        installation.take_in(DOCUMENTS, DOCUMENTS)
        installation.delete_records()
    with installation.running("relay", "worker", "projector"):
        assert until(lambda: installation.processed() == 2 * DOCUMENTS, LIMIT_S), installation.said("worker")
        assert until(installation.caught_up, LIMIT_S)
        assert "from the event store" in installation.said("worker")

    # Some of it is gone, and later records are there.
    with installation.running("relay"):
        installation.take_in(2 * DOCUMENTS, DOCUMENTS)
        installation.delete_records()
        installation.take_in(3 * DOCUMENTS, DOCUMENTS)
    with installation.running("relay", "worker", "projector"):
        assert until(lambda: installation.processed() == 4 * DOCUMENTS, LIMIT_S), installation.said("worker")
        assert until(installation.caught_up, LIMIT_S)
        assert "Kafka deleted" in installation.said("worker")
    assert_whole(installation, 4 * DOCUMENTS)
