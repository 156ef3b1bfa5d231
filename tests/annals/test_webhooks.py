"""Webhooks of a real `annals up`: signed, tried again with growing pauses, sent after a crash, set aside, retried."""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.annals.pipeline import Pipeline, annals_json, called, given
from tests.annals.processes import of_folder, until
from tests.services.webhooks.receiver import OK, Message, Receiver, receiving, status

ALLOWED = {"ANNALS_WEBHOOK_PRIVATE_ADDRESSES": "true"}
GIVE_UP_S = 5


@contextlib.contextmanager
def receiver_beside() -> Iterator[Receiver]:
    """A receiver with an event loop of its own."""
    found: list[Receiver] = []
    ready, ended = threading.Event(), threading.Event()

    async def receive() -> None:
        async with receiving() as receiver:
            found.append(receiver)
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(receive(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        ended.set()
        thread.join(10)


class Times:
    """Answers as told, and remembers when it was asked for which event."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[tuple[str, float]] = []

    def __call__(self, message: Message) -> bytes:
        self.asked.append((message.headers["webhook-id"], time.monotonic()))
        return self.answer


def ingested(pipeline: Pipeline, folder: Path, name: str) -> str:
    """A document taken in; the id of its event."""
    file = folder / f"{name}.md"
    file.write_text(f"# {name}\n\n{name} lies on the coast.")
    given(pipeline.data, "ingest", str(file))
    return str(given(pipeline.data, "history", str(file))["events"][0]["event_id"])


def letters(data: Path) -> list[dict[str, Any]]:
    """Open ones."""
    found: list[dict[str, Any]] = given(data, "dead-letters", "list")["dead_letters"]
    return found


@pytest.mark.pipeline
def test_events_arrive_though_the_receiver_and_then_annals_are_away(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with receiver_beside() as receiver:
        pipeline = Pipeline(data, env=ALLOWED)
        try:
            # The command itself looks whether the address may be sent to.
            given_back = called(
                data, "webhooks", "add", receiver.url, "--type", "DocumentIngested", "--json", env=ALLOWED
            )
            added = json.loads(given_back.stdout)
            first = ingested(pipeline, tmp_path, "Lisse")
            assert until(lambda: receiver.ids == [first])
            assert receiver.messages[0].verified(added["secret"])["event_id"] == first
            with pytest.raises(WebhookVerificationError):
                receiver.messages[0].verified("whsec_" + "YW5vdGhlcg" * 4)

            # The receiver is down for a while: the same message comes again and again, more and more seldom.
            receiver.answer = down = Times(status(503))
            second = ingested(pipeline, tmp_path, "Sker")
            third = ingested(pipeline, tmp_path, "Tern")
            assert until(lambda: len(down.asked) >= 5, limit_s=60)
            assert {event for event, _ in down.asked} == {second}
            times = [at for _, at in down.asked]
            pauses = [later - before for before, later in pairwise(times)]
            assert pauses[2] > pauses[0] and pauses[3] > pauses[1], pauses
            (webhook,) = given(data, "webhooks", "list")["webhooks"]
            assert webhook["failing_since"] is not None and "503" in webhook["cause"]

            # Annals is killed, all of it, while the event waits.
            os.kill(pipeline._process.pid, signal.SIGKILL)
            for role in ("gateway", "relay", "worker"):
                with contextlib.suppress(ProcessLookupError):
                    pipeline.kill(role)
        finally:
            pipeline.stop()
        before = len(receiver.messages)
        receiver.answer = lambda _: OK
        pipeline = Pipeline(data, env={**ALLOWED, "ANNALS_WEBHOOK_GIVE_UP_SECONDS": str(GIVE_UP_S)})
        try:
            assert until(lambda: receiver.ids[before:] == [second, third], limit_s=60)
            for message in receiver.messages:
                assert message.verified(added["secret"])["event_id"] == message.headers["webhook-id"]

            # What does not arrive is set aside, later events go on, and it can be sent again.
            receiver.answer = Times(status(500))
            fourth = ingested(pipeline, tmp_path, "Quorn")
            assert until(lambda: len(letters(data)) == 1, limit_s=60)
            (letter,) = letters(data)
            assert letter["consumer"] == f"webhook:{added['id']}" and "500" in letter["cause"]
            receiver.answer = lambda _: OK
            fifth = ingested(pipeline, tmp_path, "Mornay")
            assert until(lambda: receiver.ids[-1] == fifth)
            retried = given(data, "dead-letters", "retry", str(letter["id"]))
            assert retried == {"letters": {str(letter["id"]): "resolved"}, "missing": []}
            assert receiver.ids[-1] == fourth and letters(data) == []
            assert receiver.messages[-1].verified(added["secret"])["event_id"] == fourth

            # A new secret: both sign for a while.
            rotated = given(data, "webhooks", "rotate", added["id"], "--overlap-hours", "1")
            sixth = ingested(pipeline, tmp_path, "Alder")
            assert until(lambda: receiver.ids[-1] == sixth)
            for secret in (added["secret"], rotated["secret"]):
                assert receiver.messages[-1].verified(secret)["event_id"] == sixth
        finally:
            pipeline.stop()
    assert until(lambda: of_folder(data) == [])
    assert annals_json(data, "status")["events"]["DocumentIngested"] == 6
