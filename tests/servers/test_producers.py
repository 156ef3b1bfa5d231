"""The producers of examples/producers, each in its own language, on real Kafka: what they send is taken in once."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from contracts.topics import topics
from tests.annals.pipeline import environment, start_role
from tests.annals.processes import until
from tests.conftest import PostgresServer
from tests.servers.packages import FetchError, MissingError
from tests.servers.producers import PRODUCERS
from tests.servers.profile import wipe_kafka

pytestmark = pytest.mark.timeout(600)
LIMIT_S = 120
INBOX = topics().inboxes[0]


@dataclass(frozen=True)
class Intake:
    """The relay, which makes the topics, and the intake, on real Kafka."""

    broker: str
    dsn: str

    def stored(self, document: str) -> list[tuple[str, str]]:
        """Types of a document's events, each with the id of the message that led to it."""
        query = (
            "SELECT event ->> 'event_type', event ->> 'causation_id' FROM annals.stored_events, "
            "LATERAL (SELECT convert_from(state, 'UTF8')::jsonb AS event) AS decoded "
            "WHERE originator_id = (SELECT originator_id FROM annals.document_collections WHERE document_id = %s) "
            "ORDER BY notification_id"
        )
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query, (document,)).fetchall()

    def has_taken_in_all(self) -> bool:
        """Send one more document through each partition, and wait for them: all before them was handled then."""
        producer = Producer({"bootstrap.servers": self.broker})
        sent = [f"last/{uuid4()}" for _ in range(INBOX.partitions)]
        for partition, document in enumerate(sent):
            event = {
                "event_id": str(uuid4()),
                "event_type": "DocumentIngested",
                "aggregate_id": document,
                "event_data": {"title": "Last", "text": "The last one."},
                "timestamp": "2026-01-02T03:04:05Z",
            }
            producer.produce(INBOX.name, json.dumps(event), document, partition=partition)
        assert producer.flush(30) == 0
        return until(lambda: all(self.stored(document) for document in sent), LIMIT_S)


@pytest.fixture(scope="module")
def intake(kafka: str, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    wipe_kafka(kafka)
    name, folder = f"producers_{uuid4().hex[:8]}", tmp_path_factory.mktemp("producers")
    with psycopg.connect(postgres_server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE annals")
    dsn = postgres_server.dsn(name)
    env = {"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": kafka}
    admin = AdminClient({"bootstrap.servers": kafka})
    processes = []
    try:
        processes.append(start_role("relay", folder, folder / "relay.log", env))
        made = until(
            lambda: {topic.name for topic in topics().all} <= set(admin.list_topics(timeout=10).topics), LIMIT_S
        )
        assert made, (folder / "relay.log").read_text()
        processes.append(start_role("intake", folder, folder / "intake.log", env))
        yield Intake(kafka, dsn)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        wipe_kafka(kafka)


@pytest.mark.parametrize("language", PRODUCERS)
def test_what_a_producer_sends_twice_is_taken_in_once(intake: Intake, language: str, tmp_path: Path) -> None:
    try:
        command = PRODUCERS[language](print)
    except (MissingError, FetchError) as reason:
        pytest.fail(f"{language}: {reason}", pytrace=False)
    event_id, document = str(uuid4()), f"letters/{language}"
    for _ in range(2):
        done = subprocess.run(
            [*command, event_id], cwd=tmp_path, env=environment({"ANNALS_BROKER": intake.broker}),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert intake.has_taken_in_all()
    assert intake.stored(document) == [("DocumentIngested", event_id)]
