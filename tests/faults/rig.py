"""A pipeline that is up, under faults, round after round; its writes are unique, and what came of each is looked for.

In the style of Jepsen: writers note what they did and what they were told, somebody else breaks things meanwhile, and a
checker compares both with the log, the read models and the search. What is wrong: a write that was acknowledged and is
not there, one that happened twice, one of before that came back, one that is told of and was never made.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from annals.token_file import read_admin_token
from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.progress import RelayProgressReader
from inference.model import digest_of
from streams.missed_events import committed_offsets
from streams.roles import group_of
from tests.annals.pipeline import Pipeline, annals
from tests.annals.processes import until

LIMIT_S = 120.0
"""For one write to be acknowledged, and for everything to be processed once nothing is broken any more."""
DOCUMENTS = 8
STALE = 0.3
"""How often a producer delivers again what it had delivered, at once or much later."""
AGAIN = frozenset({429, 502, 503, 504})
"""What a gateway says where the same request may be sent again."""
CHEAP = ("relay", "intake", "projector", "broker", "postgres")
WITH_MODELS = ("worker", "gateway")
"""To start one of these takes seconds of a processor."""


@dataclass(frozen=True)
class Write:
    """One write that was acknowledged; without a text, a deletion."""

    document: str
    event_id: UUID
    text: str | None


class Rig:
    """All of it follows from `seed` but for what the machine's own pace decides."""

    def __init__(self, folder: Path, seed: int) -> None:
        print(f"\nrig: seed {seed}", file=sys.stderr)
        self._chance = random.Random(seed)
        self._seed = seed
        self.pipeline = Pipeline(folder / "data", env={"ANNALS_METRICS_PORT": "0"})
        self._producer = Producer({"bootstrap.servers": self.pipeline.addresses["broker"], "log_level": 0})
        token = read_admin_token(self.pipeline.data)
        self._http = httpx.Client(
            base_url=self.pipeline.addresses["gateway"] + "/api/v1",
            headers={"authorization": f"Bearer {token}"},
            timeout=10,
        )
        self._writers = ThreadPoolExecutor(4, "writers")
        self.writes: dict[str, list[Write]] = defaultdict(list)
        self._sent: list[tuple[str, UUID, bytes]] = []
        self._told: dict[str, str] = {}
        """What the broker said last of each document's messages."""
        self._number = 0
        self.faults: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()

    # Rounds.

    def round(self, *, heavy: bool = True) -> None:
        """Some writes, a fault in the middle of them, and the acknowledgement of each. `heavy`: also of processes that
        have models."""
        documents = self._chance.sample(range(DOCUMENTS), 3)
        acts = [self._act(f"rig-{number}") for number in documents]
        fault = self._fault(heavy=heavy)
        writing = [self._writers.submit(act) for act in acts]
        with fault:
            if self._chance.random() < STALE:
                self._deliver_again()
            time.sleep(self._chance.uniform(0, 0.3))  # how far the writes are when it ends
        for written in writing:
            write = written.result(2 * LIMIT_S)
            if write is not None:
                self.writes[write.document].append(write)

    def _fault(self, *, heavy: bool) -> AbstractContextManager[None]:
        what = self._chance.choice(("kill", "kill", "pause", "restart", "cut"))
        role = self._chance.choice((*CHEAP, *(WITH_MODELS if heavy or what == "pause" else ())))
        self.faults[what if what == "cut" else f"{what} {role}"] += 1
        return {"kill": self._killed, "pause": self._paused, "restart": self._restarted, "cut": self._cut}[what](role)

    @contextmanager
    def _killed(self, role: str) -> Iterator[None]:
        """As a crash: the broker has lost its memory then."""
        self._signal(role, signal.SIGKILL)
        yield

    @contextmanager
    def _paused(self, role: str) -> Iterator[None]:
        pids = self._signal(role, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def _restarted(self, role: str) -> Iterator[None]:
        """In good order; whoever supervises it starts it again."""
        self._signal(role, signal.SIGINT if role == "postgres" else signal.SIGTERM)
        yield

    @contextmanager
    def _cut(self, _: str) -> Iterator[None]:
        """Every connection to PostgreSQL, in the middle of whatever it does."""
        self._rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        yield

    def _signal(self, role: str, number: signal.Signals) -> list[int]:
        pids = self.pipeline.pids(role)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    # Writes.

    def _act(self, document: str) -> Callable[[], Write | None]:
        """One write of a document that nobody else writes now; all of it chosen before."""
        self._number += 1
        number, there = self._number, bool(self.writes[document]) and self.writes[document][-1].text is not None
        if there and self._chance.random() < 0.25:
            return lambda: self._delete(document)
        text = f"Harper{number} Quimby of {word(self._seed, number)} visited Lake Tarn in {1800 + number % 200}."
        event_id = UUID(int=self._chance.getrandbits(128), version=4)
        by_inbox = self._chance.random() < 0.5
        doubled = self._chance.random() < STALE
        if by_inbox:
            return lambda: self._send(Write(document, event_id, text), doubled=doubled)
        return lambda: self._put(Write(document, event_id, text))

    def _put(self, write: Write) -> Write:
        content = {"title": write.document, "text": write.text}
        self._request("PUT", f"/documents/{write.document}", content)
        return write

    def _delete(self, document: str) -> Write | None:
        self._request("DELETE", f"/documents/{document}", None)
        return Write(document, UUID(int=0), None)

    def _request(self, method: str, path: str, content: dict[str, str | None] | None) -> httpx.Response:
        """Until it is acknowledged. A refusal, or an error of the gateway's own, is a fault of Annals."""
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                answer = self._http.request(method, path, json=content)
                if answer.status_code < 300:
                    return answer
                assert answer.status_code in AGAIN, f"{method} {path}: {answer.status_code} {answer.text}"
                self.retries[str(answer.status_code)] += 1
            except httpx.TransportError as error:
                self.retries[type(error).__name__] += 1
            assert time.monotonic() < end, f"{method} {path} was not acknowledged in {LIMIT_S:.0f} s"
            time.sleep(0.1)

    def _send(self, write: Write, *, doubled: bool) -> Write:
        """As a producer that keeps what it wrote until it knows that it was taken in."""
        event = {
            "event_id": str(write.event_id),
            "event_type": "DocumentIngested",
            "aggregate_id": write.document,
            "event_data": {"title": write.document, "text": write.text},
            "timestamp": "2026-01-02T03:04:05Z",
        }
        value = json.dumps(event).encode()
        end, again = time.monotonic() + LIMIT_S, 0.0
        while not self._is_taken(write):
            if time.monotonic() > again:
                for _ in range(1 + doubled):
                    self._produce(write.document, value)
                again = time.monotonic() + 3
            assert time.monotonic() < end, f"{write} was not taken in within {LIMIT_S:.0f} s\n{self._said_of_inbox()}"
            time.sleep(0.1)
        self._sent.append((write.document, write.event_id, value))
        return write

    def _produce(self, document: str, value: bytes) -> None:
        def tell(error: KafkaError | None, message: Message) -> None:
            there = f"{message.topic()}/{message.partition()} has it at {message.offset()}"
            self._told[document] = f"{time.strftime('%X')} {there if error is None else error}"

        self._producer.produce(self.pipeline.addresses["inbox_topic"], key=document, value=value, on_delivery=tell)
        self._producer.flush(1)

    def _is_taken(self, write: Write) -> bool:
        return bool(
            self._rows(
                "SELECT 1 FROM annals.inbox_receipts WHERE document_id = %s AND event_id = %s",
                write.document,
                write.event_id,
            )
        )

    def _deliver_again(self) -> None:
        """Deliveries of before, however old, in any order: they undo nothing newer."""
        if self._sent:
            for document, _, value in self._chance.choices(self._sent, k=3):
                self._produce(document, value)

    # Looking for what came of it.

    def check_log(self) -> None:
        """Of each document the log has what was acknowledged: each once, in its order, and nothing else."""
        should = {document: list(_types(writes)) for document, writes in self.writes.items() if writes}
        assert until(lambda: self._logged() == should, LIMIT_S), (self._logged(), should)

    def _logged(self) -> dict[str, list[str]]:
        """Types of the events that take a document in or delete it, in the log's order; nothing while it is away."""
        rows = self._rows(
            "SELECT document_id, topic FROM annals.stored_events JOIN annals.document_collections "
            "USING (originator_id) WHERE topic IN ('DocumentIngested', 'DocumentUpdated', 'DocumentDeleted') "
            "ORDER BY notification_id"
        )
        there: dict[str, list[str]] = defaultdict(list)
        for document, topic in rows:
            there[str(document)].append(str(topic))
        return dict(there)

    def check(self) -> None:
        """Once nothing is broken: everything is processed, and all that can be read is what was written last."""
        should = {one: digest_of(text) for one, text in self.present().items()}
        assert until(lambda: self._processed() == should, LIMIT_S), self._said_of(should)
        self.check_log()
        assert self._rows("SELECT count(*) FROM annals.dead_letters") == [(0,)]
        assert until(self._found, LIMIT_S), self._stale_or_missing()

    def _processed(self) -> dict[str, str]:
        """Digests of the documents that are processed; nothing while PostgreSQL is away."""
        rows = self._rows(
            "SELECT d.document_id, d.digest FROM relational.documents AS d "
            "JOIN relational.states AS s USING (tenant, document_id) WHERE s.stage = 'processed'"
        )
        return {str(one): str(digest) for one, digest in rows}

    def _said_of(self, should: dict[str, str]) -> str:
        """What stands still, and what each process said last."""
        processed = self._processed()
        documents = sorted({one for one, _ in should.items() ^ processed.items()})
        states = self._rows("SELECT * FROM relational.states WHERE document_id = ANY(%s)", documents)
        stand_still = f"not as it should be in {LIMIT_S:.0f} s: {', '.join(documents)}"
        return "\n".join([stand_still, *map(str, states), self._said()])

    def _said_of_inbox(self) -> str:
        """Where messages are, how far the inbox's group is, and what each process said last."""
        return f"delivered: {self._told}\ncommitted: {self._committed()}\n{self._said()}"

    def _committed(self) -> object:
        """Up to where the inbox's group is, or why nobody can say."""
        client = {"bootstrap.servers": self.pipeline.addresses["broker"]}
        partitions = [one for inbox in topics().inboxes for one in inbox.all_partitions]
        try:
            epoch = RelayProgressReader(self.pipeline.addresses["postgres"]).read().epoch
            return committed_offsets(client, group_of("intake", epoch), partitions)
        except (StoreUnavailableError, KafkaException) as error:
            return error

    def _said(self) -> str:
        """How far each consumer is, and what each process said last."""
        status = annals(self.pipeline.data, "status", check=False)
        said = map(self.pipeline.last_lines, ("up", "relay", "intake", "projector", "worker"))
        return "\n".join([status.stdout, status.stderr, *said])

    def verify(self) -> None:
        """The commands' own judgement."""
        for options in ((), ("--log",)):
            said = annals(self.pipeline.data, "verify", *options, check=False)
            assert said.returncode == 0, said.stdout + said.stderr

    def present(self) -> dict[str, str]:
        """The text of every document that is there."""
        return {one: text for one, writes in self.writes.items() if writes and (text := writes[-1].text) is not None}

    def _found(self) -> bool:
        return not self._stale_or_missing()

    def _stale_or_missing(self) -> list[str]:
        """A search for the one word that only one text has finds that text where it is there, and no text of before."""
        texts, wrong = self.present(), []
        for document, writes in self.writes.items():
            for write in [one for one in writes if one.text is not None][-2:]:
                assert write.text is not None
                unique = write.text.split()[3]
                answer = self._request_search(unique)
                holding = {one["document_id"] for one in answer["passages"] if unique in one["text"].split()}
                if holding != ({document} if texts.get(document) == write.text else set()):
                    wrong.append(f"{unique} is found in {holding}; {document} has now {texts.get(document)}")
        return wrong

    def _request_search(self, query: str) -> dict[str, list[dict[str, str]]]:
        end = time.monotonic() + LIMIT_S
        while True:
            with suppress(httpx.TransportError):
                answer = self._http.get("/search", params={"query": query, "k": 20})
                if answer.status_code == 200:
                    found: dict[str, list[dict[str, str]]] = answer.json()
                    return found
                assert answer.status_code in AGAIN, answer.text
            assert time.monotonic() < end, "the search does not answer"
            time.sleep(0.2)

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        try:
            with psycopg.connect(self.pipeline.addresses["postgres"], connect_timeout=3) as connection:
                return connection.execute(query.encode(), values).fetchall()
        except psycopg.OperationalError:
            return []

    def stop(self) -> None:
        """Everything; as `annals up` ends."""
        self._writers.shutdown(cancel_futures=True)
        self._http.close()
        assert self.pipeline.stop() < 20


def _types(writes: Sequence[Write]) -> Iterator[str]:
    """Of the events that these writes of one document lead to: no text is written twice."""
    there = False
    for write in writes:
        yield "DocumentDeleted" if write.text is None else "DocumentUpdated" if there else "DocumentIngested"
        there = write.text is not None


def word(seed: int, number: int) -> str:
    """A name that no other text has."""
    return f"Zq{seed % 9973}x{number}"
