"""Two relays on a real Kafka and PostgreSQL: one publishes, and when it is killed the other goes on."""

import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from aggregates.cause import Cause
from contracts.documents import DocumentIngested, DocumentUpdated, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.topics import topics
from eventstore.kafka.relay_state import SILENCE_MS, RelayState
from eventstore.log import EventLog
from tests.annals.pipeline import start_role
from tests.annals.processes import until
from tests.eventstore.kafka.relaying import lock_holder, wait_for_position

pytestmark = pytest.mark.timeout(240)

NAMES = ("first-relay", "second-relay")
TAKEOVER_S = 5.0
"""The other one asks for the lock every second; two busy cores may take a little longer to publish."""
DOCUMENTS, VERSIONS = 40, 15
TOPIC = "annals.documents"
Relays = Mapping[str, "subprocess.Popen[bytes]"]


@pytest.fixture
def relays(postgres_dsn: str, empty_kafka: str, tmp_path: Path) -> Iterator[Relays]:
    """Two processes, each known to PostgreSQL by its name."""
    started = {}
    for name in NAMES:
        env = {"ANNALS_POSTGRES": named(postgres_dsn, name), "ANNALS_BROKER": empty_kafka}
        started[name] = start_role("relay", tmp_path, tmp_path / f"{name}.log", env)
    yield started
    for relay in started.values():
        relay.send_signal(signal.SIGTERM)
    for relay in started.values():
        relay.wait(30)


def named(dsn: str, name: str) -> str:
    return f"{dsn}{'&' if '?' in dsn else '?'}application_name={name}"


def active(dsn: str) -> str | None:
    """The name of the relay that holds the lock."""
    try:
        holder = lock_holder(dsn)
    except psycopg.OperationalError:
        return None
    return holder[1] if holder is not None else None


def history(document: str) -> list[DomainEvent]:
    """One document, taken in and changed again and again."""
    cause = Cause(metadata=EventMetadata(), correlation_id="c")
    texts = [TextReference(digest=f"{number:064x}", characters=1, bytes=1) for number in range(VERSIONS)]
    contents = [DocumentIngested, *[DocumentUpdated] * (VERSIONS - 1)]
    return [
        cause.event(content(title="t", text=text), document, version)
        for version, (content, text) in enumerate(zip(contents, texts, strict=True), start=1)
    ]


def published(address: str, documents: set[str], count: int, limit_s: float = 30) -> dict[str, list[int]]:
    """The versions of each document in the order of its partition, once `count` different ones are there."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": str(uuid4())})
    (topic,) = (topic for topic in topics().events if topic.name == TOPIC)
    consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in range(topic.partitions)])
    found: defaultdict[str, list[int]] = defaultdict(list)
    end = time.monotonic() + limit_s
    while sum(len(set(versions)) for versions in found.values()) < count and time.monotonic() < end:
        message = consumer.poll(0.5)
        if message is None or message.error() is not None or (key := (message.key() or b"").decode()) not in documents:
            continue
        found[key].append(int(dict(message.headers() or [])["version"] or 0))
    consumer.close()
    return found


def test_when_the_active_relay_is_killed_the_other_goes_on(postgres_dsn: str, kafka: str, relays: Relays) -> None:
    """Events of the batch that was on its way can come twice, as a whole and in order: never is one left out."""
    assert until(lambda: active(postgres_dsn) is not None, 30)
    run = uuid4().hex[:8]
    histories = [history(f"{run}-{number}") for number in range(DOCUMENTS)]
    positions: list[int] = []

    def append() -> None:
        with EventLog.connect(postgres_dsn) as log:
            for of_all in zip(*histories, strict=True):
                positions.extend(event.position or 0 for event in log.append(of_all))
                time.sleep(0.3)

    appending = threading.Thread(target=append)
    appending.start()
    try:
        assert until(lambda: len(positions) > DOCUMENTS * VERSIONS / 3, 30)
        killed = active(postgres_dsn)
        assert killed is not None
        (other,) = set(NAMES) - {killed}
        relays[killed].kill()
        at_kill, began = positions[-1], time.monotonic()
        assert until(lambda: active(postgres_dsn) == other, TAKEOVER_S)
        wait_for_position(postgres_dsn, at_kill, limit_s=TAKEOVER_S)
        took = time.monotonic() - began
    finally:
        appending.join(60)
    print(f"the other relay went on after {took:.1f} s")
    assert took < TAKEOVER_S
    wait_for_position(postgres_dsn, positions[-1], limit_s=20)

    expected = {events[0].aggregate_id: list(range(1, VERSIONS + 1)) for events in histories}
    found = published(kafka, set(expected), DOCUMENTS * VERSIONS)
    assert {document: once(versions) for document, versions in found.items()} == expected


def test_a_relay_that_is_cut_off_gives_up_before_its_lock_is_free(postgres_dsn: str) -> None:
    state = RelayState(postgres_dsn)
    try:
        idle, interval, count = (
            int(str(state.connection.execute(f"SHOW tcp_keepalives_{name}").fetchone()[0]))  # type: ignore[index]
            for name in ("idle", "interval", "count")
        )
        assert 3 * SILENCE_MS / 1000 < idle + interval * count < 15
    finally:
        state.close()


def once(versions: list[int]) -> list[int]:
    """Without what came again: versions that are no newer than what had been there, as every consumer does."""
    newest = 0
    return [newest := version for version in versions if version > newest]
