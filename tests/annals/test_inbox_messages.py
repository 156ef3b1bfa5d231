"""Good and malformed messages, written by a plain Kafka client: the good are taken, the others set aside."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from streams.dead_letter_limit import INBOX
from tests.annals.corpus import passages
from tests.annals.pipeline import Pipeline, called, given
from tests.annals.processes import until

pytestmark = pytest.mark.pipeline
GOOD = BAD = 66

Fields = dict[str, Any]


def event(passage: dict[str, str]) -> Fields:
    return {
        "event_id": str(uuid4()),
        "event_type": "DocumentIngested",
        "aggregate_id": passage["id"],
        "event_data": {"title": passage["title"], "text": passage["text"]},
        "timestamp": "2026-01-02T03:04:05Z",
    }


def as_json(change: Callable[[Fields], Any]) -> Callable[[Fields], bytes]:
    def made(fields: Fields) -> bytes:
        change(fields)
        return json.dumps(fields).encode()

    return made


# Ten kinds of malformed messages, each with words that its dead letter's cause must hold.
MALFORMED: dict[str, tuple[Callable[[Fields], bytes | None], str]] = {
    "no value": (lambda fields: None, "empty"),
    "not JSON": (lambda fields: b"{not json", "JSON"),
    "not UTF-8": (lambda fields: b'{"event_id": "\xff\xfe"}', "JSON"),
    "JSON, but no object": (lambda fields: b"[1, 2]", "object"),
    "no event_id": (as_json(lambda fields: fields.pop("event_id")), "event_id"),
    "a wrong event_type": (as_json(lambda fields: fields.update(event_type="DocumentEaten")), "event_type"),
    "no text": (as_json(lambda fields: fields["event_data"].pop("text")), "event_data.text"),
    "a blank text": (as_json(lambda fields: fields["event_data"].update(text=" \n ")), "white space"),
    "a bad timestamp": (as_json(lambda fields: fields.update(timestamp="yesterday")), "timestamp"),
    "an unknown field": (as_json(lambda fields: fields.update(colour="red")), "colour"),
    "too large a text": (as_json(lambda fields: fields["event_data"].update(text="x" * 2_000_000)), "limit"),
}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Nothing else is in its inbox. The tests share it in their order: the first fills it with what is malformed."""
    started = Pipeline(tmp_path_factory.mktemp("inbox") / "data")
    yield started
    started.stop()


@pytest.mark.timeout(300)
def test_an_inbox_of_nothing_but_malformed_messages_is_paused_until_somebody_acts(pipeline: Pipeline) -> None:
    inbox = f"inbox:{pipeline.addresses['inbox_topic']}"
    sent = INBOX.least + 60
    producer = Producer({"bootstrap.servers": pipeline.addresses["broker"]})
    for number in range(sent):
        producer.produce(pipeline.addresses["inbox_topic"], key=f"none-{number}", value=b"{not json")
    assert producer.flush(30) == 0

    assert until(lambda: bool(given(pipeline.data, "status")["paused"]), 120)
    status = given(pipeline.data, "status")
    (paused,) = status["paused"]
    assert (paused["consumer"], paused["dead_letters"]) == (inbox, INBOX.least + 1)
    assert status["dead_letters"] == INBOX.least, "nothing more is set aside"
    said = called(pipeline.data, "status").stdout
    assert f"{inbox} is paused: {INBOX.least + 1} of its last {INBOX.least + 1} messages became dead letters" in said
    assert f"annals dead-letters resume {inbox}" in said

    assert given(pipeline.data, "dead-letters", "resume", inbox) == {"resumed": [inbox], "missing": []}
    assert until(lambda: given(pipeline.data, "status")["dead_letters"] == sent, 60)
    assert given(pipeline.data, "status")["paused"] == []
    assert called(pipeline.data, "dead-letters", "resume", inbox).exit_code == 1


@pytest.mark.timeout(400)
def test_the_good_are_taken_and_the_malformed_set_aside(pipeline: Pipeline) -> None:
    before = given(pipeline.data, "status")["dead_letters"]
    kinds = [list(MALFORMED)[number % len(MALFORMED)] for number in range(BAD)]
    good = passages(GOOD)
    messages: list[tuple[str, bytes | None]] = [(one["id"], json.dumps(event(one)).encode()) for one in good]
    messages += [(f"bad-{n}", MALFORMED[kind][0](event(good[n]))) for n, kind in enumerate(kinds)]
    random.Random(3).shuffle(messages)
    producer = Producer({"bootstrap.servers": pipeline.addresses["broker"], "message.max.bytes": 16_000_000})
    for key, value in messages:
        producer.produce(pipeline.addresses["inbox_topic"], key=key, value=value)
        producer.poll(0)
    assert producer.flush(30) == 0

    assert until(lambda: _is_done(given(pipeline.data, "status"), before + BAD), 240)
    status = given(pipeline.data, "status")
    assert (status["documents"], status["dead_letters"]) == (GOOD, before + BAD)
    letters = given(pipeline.data, "dead-letters", "list", "--limit", "1000")["dead_letters"]
    causes = {letter["key"]: letter["cause"] for letter in letters}
    for number, kind in enumerate(kinds):
        assert MALFORMED[kind][1] in causes[f"bad-{number}"], (kind, causes[f"bad-{number}"])


def _is_done(status: Fields, dead_letters: int) -> bool:
    return bool(status["documents"] == GOOD and status["waiting"] == 0 and status["dead_letters"] >= dead_letters)
