"""A process that is too old for the log says so and ends; it commits nothing past what it cannot read."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from contracts.codec import canonical
from contracts.envelope import DomainEvent
from contracts.topics import topics
from eventstore.kafka.progress import RelayProgressReader
from eventstore.log import EventLog
from streams import termination
from streams.roles import group_of
from tests.annals.pipeline import called, start_role
from tests.annals.processes import until
from tests.conftest import BrokerServer
from tests.eventstore.kafka.relaying import TOPIC, consume, events, relaying, wait_for_position

pytestmark = pytest.mark.timeout(180)


class Role:
    """One role as a process, with what it logged."""

    def __init__(self, name: str, folder: Path, dsn: str, broker: str) -> None:
        self._log = folder / f"{name}.log"
        self.process = start_role(name, folder, self._log, {"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": broker})

    @property
    def said(self) -> str:
        return self._log.read_text()


@contextlib.contextmanager
def running(name: str, folder: Path, dsn: str, broker: str) -> Iterator[Role]:
    role = Role(name, folder, dsn, broker)
    try:
        yield role
    finally:
        role.process.terminate()
        try:
            role.process.wait(20)
        finally:
            role.process.kill()


def execute(dsn: str, statement: str, *values: object) -> None:
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement, values)


def count(dsn: str, query: str) -> int:
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def make_newer(dsn: str, event: DomainEvent) -> None:
    """As a newer Annals would have written it."""
    fields = json.loads(event.model_dump_json()) | {"schema_version": 99, "position": None}
    fields["event_data"]["language"] = "cy"
    execute(dsn, "UPDATE annals.stored_events SET state = %s WHERE event_id = %s", canonical(fields), event.event_id)


def committed(broker: str, role: str) -> int:
    """Messages of the documents' topic that the role's group has acknowledged."""
    group = Consumer({"bootstrap.servers": broker, "group.id": group_of(role, 1)})
    try:
        partitions = next(topic for topic in topics().events if topic.name == TOPIC).all_partitions
        return sum(
            max(found.offset, 0) for found in group.committed([TopicPartition(*one) for one in partitions], timeout=10)
        )
    finally:
        group.close()


def test_a_projector_stops_at_a_newer_schema_version_and_loses_nothing(
    dsn: str, broker: BrokerServer, tmp_path: Path
) -> None:
    with EventLog.connect(dsn) as log:
        (newer,) = log.append(events(1, "newer"))
    make_newer(dsn, newer)
    with (
        relaying(dsn, broker.address),
        running("projector", tmp_path, dsn, broker.address) as projector,
    ):
        assert projector.process.wait(60) == termination.OUTDATED
        said = projector.said
    assert (
        "this process is too old: event DocumentIngested has schema version 99, this one reads up to 2; update it"
    ) in said
    assert "Traceback" not in said
    assert count(dsn, "SELECT count(*) FROM annals.dead_letters") == 0
    assert committed(broker.address, "projector") == 0
    assert count(dsn, "SELECT count(*) FROM relational.documents") == 0


def test_a_relay_stops_at_an_unknown_event_type_with_all_before_it_published(
    dsn: str, broker: BrokerServer, tmp_path: Path
) -> None:
    with EventLog.connect(dsn) as log:
        before, unknown, after = log.append(events(3))
    rename = "UPDATE annals.stored_events SET topic = %s WHERE event_id = %s"
    execute(dsn, rename, "DocumentTranslated", unknown.event_id)
    with running("relay", tmp_path, dsn, broker.address) as relay:
        assert relay.process.wait(60) == termination.OUTDATED
        said = relay.said
    assert "this process is too old: it does not know the event type DocumentTranslated; update it" in said
    assert "Traceback" not in said
    assert RelayProgressReader(dsn).read().position == before.position
    # One that knows the type goes on where the old one stopped.
    execute(dsn, rename, "DocumentIngested", unknown.event_id)
    with relaying(dsn, broker.address):
        wait_for_position(dsn, after.position or 0)
        found = consume(broker.address, 4, limit_s=4)
    assert sorted((message.key() or b"").decode() for message in found) == ["d0", "d1", "d2"]


def test_a_command_says_it_in_one_line(dsn: str, tmp_path: Path) -> None:
    with EventLog.connect(dsn) as log:
        known, unknown = log.append(events(2))
    execute(dsn, "UPDATE annals.stored_events SET topic = 'Later' WHERE event_id = %s", unknown.event_id)
    make_newer(dsn, known)
    config = tmp_path / "annals.toml"
    config.write_text(f'postgres = "{dsn}"\nbroker = "127.0.0.1:1"\n')
    for arguments, fault in (
        (("history", "d0"), "event DocumentIngested has schema version 99, this one reads up to 2"),
        (("verify",), "it does not know the event type Later"),
        (("replay", "relational"), "it does not know the event type Later"),
    ):
        done = called(tmp_path, *arguments)
        assert done.exit_code == 1
        assert done.stderr.splitlines()[-1] == f"Error: this process is too old: {fault}; update it"
    assert until(lambda: count(dsn, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^relational_'") == 0)
