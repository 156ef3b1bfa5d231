"""Production's own way: PostgreSQL and Kafka by address, roles started by hand, commands where nothing is up."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from annals.roles import ROLES
from contracts.topics import topics
from tests.annals.corpus import passages, write_corpus
from tests.annals.pipeline import called, given, start_role
from tests.annals.processes import until
from tests.servers.groups import shares
from tests.servers.ingestion import Ingestion, assert_whole, events

PASSAGES = 120
BY_INBOX = 20
EACH = 2
START_LIMIT_S = 120
STOP_LIMIT_S = 8
"""A role ends within 5 s of SIGTERM; two busy cores may take a little longer to say so."""
PUBLISHES = "relay: publishing behind position"


@dataclass(frozen=True)
class Role:
    """One process of a role, and what it writes."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        """As a crash would: at once, and for good."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


class ByHand:
    """The pipeline without `annals up`: two processes of each role, and a data folder where nothing is up.

    Nobody starts a role again.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        # Each has a data folder of its own; one master key is given to all.
        self.data = folder / "commands"
        self.env = {**env, "ANNALS_MASTER_KEY_FILE": str(folder / "master.key")}
        self.addresses = {"postgres": env["ANNALS_POSTGRES"], "broker": env["ANNALS_BROKER"]}
        self.roles: list[Role] = []
        self.kafka = AdminClient({"bootstrap.servers": env["ANNALS_BROKER"], "log_level": "0"})
        self._folder = folder / "roles"
        self._folder.mkdir()

    def start(self) -> None:
        """The relays first, for they make the topics; then all others at once."""
        self._start("relay")
        assert until(self._has_topics, START_LIMIT_S), self.said()
        for name in ROLES[1:]:
            self._start(name)
        assert until(lambda: self.sharing() == dict.fromkeys(ROLES[1:], EACH), START_LIMIT_S), self.said()

    def _start(self, name: str) -> None:
        for number in range(EACH):
            file = self._folder / f"{name}-{number}.log"
            self.roles.append(Role(name, start_role(name, self._folder, file, self.env), file))

    def _has_topics(self) -> bool:
        return called(self.data, "topics", "diff", env=self.env).exit_code == 0

    def of(self, name: str) -> list[Role]:
        """The processes of a role that run."""
        return [role for role in self.roles if role.name == name and role.process.poll() is None]

    def sharing(self) -> dict[str, int]:
        """How many processes of each role that reads from Kafka have partitions."""
        return {name: len(shares(self.kafka, name)) for name in ROLES[1:]}

    def said(self) -> str:
        """What all of them wrote."""
        return "".join(f"{role.log.name}: {role.said()}\n" for role in self.roles)

    def publishing(self) -> list[Role]:
        """The relays that are, or were, the active one, among those that run."""
        return [role for role in self.of("relay") if PUBLISHES in role.said()]

    def processed(self) -> int:
        """Documents of which the log says so."""
        return events(self).get("DocumentProcessed", 0)

    def stop(self) -> float:
        """SIGTERM to each; returns the seconds until the last one was gone."""
        began = time.monotonic()
        for role in self.roles:
            role.process.terminate()
        for role in self.roles:
            try:
                role.process.wait(30)
            except subprocess.TimeoutExpired:
                role.process.kill()
                role.process.wait(10)
        return time.monotonic() - began


@pytest.fixture
def by_hand(empty_env: dict[str, str], postgres_dsn: str, tmp_path: Path) -> Iterator[ByHand]:
    started = ByHand(tmp_path, {**empty_env, "ANNALS_POSTGRES": postgres_dsn, "ANNALS_TORCH_THREADS": "1"})
    try:
        started.start()
        yield started
    finally:
        started.stop()


def test_roles_by_hand_share_the_work_and_outlive_one_another(by_hand: ByHand, tmp_path: Path) -> None:
    assert len(by_hand.publishing()) == 1, "one relay is active, the other waits"

    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    assert Ingestion(by_hand, corpus).processed() == PASSAGES
    assert_whole(by_hand, PASSAGES)
    asked = given(by_hand.data, "ask", "Who wrote letter 7?", env=by_hand.env)
    assert asked["answer"] and asked["sources"]

    write_corpus(corpus, PASSAGES, first=PASSAGES)
    ingestion = Ingestion(by_hand, corpus)
    try:
        assert until(lambda: by_hand.processed() >= PASSAGES + 5, START_LIMIT_S)
        send(by_hand, passages(BY_INBOX, first=2 * PASSAGES))
        (active,) = by_hand.publishing()
        for role in (active, *(by_hand.of(name)[0] for name in ROLES[1:])):
            role.kill()
        assert ingestion.runs and by_hand.processed() < 2 * PASSAGES, "they died in the middle"
        assert ingestion.processed() == PASSAGES
    finally:
        ingestion.close()
    assert until(lambda: caught_up(by_hand, 2 * PASSAGES + BY_INBOX), START_LIMIT_S), "the inbox is taken in as well"
    assert_whole(by_hand, 2 * PASSAGES + BY_INBOX)
    assert len(by_hand.publishing()) == 1, "the other relay took over"
    assert by_hand.sharing() == dict.fromkeys(ROLES[1:], 1), "who is left has all partitions"

    survivors = [role for name in ROLES for role in by_hand.of(name)]
    assert len(survivors) == len(ROLES), "nobody else died"
    assert by_hand.stop() < STOP_LIMIT_S
    assert {role.name: role.process.returncode for role in survivors} == dict.fromkeys(ROLES, 0)
    assert not (by_hand.data / "run").exists(), "commands keep nothing of their own where all is given by address"
    password = unquote(urlsplit(by_hand.env["ANNALS_POSTGRES"]).password or "")
    for role in by_hand.roles:
        said = role.said()
        assert "Traceback" not in said, said
        assert password not in said and by_hand.env["ANNALS_POSTGRES"] not in said


def send(by_hand: ByHand, documents: list[dict[str, str]]) -> None:
    """Write them to the inbox, as a program in any language would."""
    producer = Producer({"bootstrap.servers": by_hand.addresses["broker"]})
    for one in documents:
        event = {
            "event_id": str(uuid4()),
            "event_type": "DocumentIngested",
            "aggregate_id": one["id"],
            "event_data": {"title": one["title"], "text": one["text"]},
            "timestamp": "2026-01-02T03:04:05Z",
        }
        producer.produce(topics().inboxes[0].name, key=one["id"], value=json.dumps(event))
    assert producer.flush(30) == 0


def caught_up(by_hand: ByHand, documents: int) -> bool:
    """Whether so many are processed, and every read model has got to the end of the log."""
    if by_hand.processed() < documents:
        return False
    projections = given(by_hand.data, "status", env=by_hand.env)["projections"].values()
    return not any(one["lag"] for one in projections)
