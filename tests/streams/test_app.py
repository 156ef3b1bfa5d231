"""The Faust app's settings that must not change unnoticed, and what an agent does when its batch consumer gives up."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import faust
import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from streams import handling, termination
from streams.app import attach, build_app
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.roles import group_of
from streams.transport import FETCH_WAIT_MS, IdleWait
from tests.streams.fakes import Letters, Recorder, Stream, message

ROOT = Path(__file__).resolve().parents[2]
UNUSED = Path("unused")


def test_an_app_delivers_at_least_once_and_keeps_no_state_of_its_own() -> None:
    app = build_app(group_of("pipeline", 3), "one:9092, two:9092", {}, UNUSED)
    assert app.conf.id == "annals-pipeline-3"
    assert app.conf.datadir == UNUSED
    assert [str(address) for address in app.conf.broker] == ["aiokafka://one:9092", "aiokafka://two:9092"]
    assert str(app.conf.processing_guarantee.value) == "at_least_once"
    assert not app.conf.stream_wait_empty
    assert not app.conf.web_enabled
    assert app.conf.topic_disable_leader
    assert app.conf.consumer_auto_offset_reset == "earliest"
    assert app.conf.broker_credentials is None


async def test_an_app_does_not_let_the_broker_hold_a_fetch_for_long() -> None:
    """Faust's own 1.5 s would delay every hop of an event: the embedded broker does not answer early."""
    app: Any = build_app("g", "one:9092", {}, UNUSED)
    connected_by = app.consumer._new_consumer_thread()._create_consumer(asyncio.get_running_loop())
    assert connected_by._fetch_max_wait_ms == FETCH_WAIT_MS < 200
    assert isinstance(connected_by._client.send, IdleWait)


def test_each_topic_has_one_agent_that_delivers_one_event_at_a_time() -> None:
    """However many consumers follow it: what Faust does for an event, it does once."""
    app = build_app("g", "one:9092", {}, UNUSED)
    followed = (("annals.a", "annals.b"), ("annals.b", "annals.c"))
    agents = attach(app, [BatchConsumer(Recorder(topics=own), DeadLetterSink(Letters(), topics())) for own in followed])
    assert [agent.concurrency for agent in agents] == [1, 1, 1]
    assert [agent.channel.topics for agent in agents] == [("annals.a",), ("annals.b",), ("annals.c",)]


def test_sasl_and_tls_settings_are_passed_on() -> None:
    sasl = {"sasl.username": "ada", "sasl.password": "secret", "sasl.mechanism": "SCRAM-SHA-256"}
    plain = build_app("g", "one:9092", {**sasl, "security.protocol": "sasl_plaintext"}, UNUSED).conf.broker_credentials
    assert isinstance(plain, faust.SASLCredentials)
    assert (plain.username, plain.password, plain.mechanism.value) == ("ada", "secret", "SCRAM-SHA-256")
    assert plain.ssl_context is None

    both = build_app("g", "one:9092", {**sasl, "security.protocol": "SASL_SSL"}, UNUSED).conf.broker_credentials
    assert isinstance(both, faust.SASLCredentials) and both.ssl_context is not None

    tls = build_app("g", "one:9092", {"security.protocol": "SSL"}, UNUSED).conf.broker_credentials
    assert isinstance(tls, faust.SSLCredentials) and tls.context is not None


GIVES_UP = "from tests.streams.test_app import give_up; give_up()"


def give_up() -> None:
    """Run in a process of its own: an agent whose store stays away."""
    logging.basicConfig(level=logging.ERROR)
    handling.UNAVAILABLE_LIMIT_S = 0.0
    consumer = BatchConsumer(
        Recorder(failures=[StoreUnavailableError("the database is away")]), DeadLetterSink(Letters(), topics())
    )
    (agent,) = attach(build_app("g", "one:9092", {}, UNUSED), [consumer])
    asyncio.run(agent.fun(Stream([message(0)])))


@pytest.mark.pipeline
def test_an_agent_whose_store_stays_away_ends_the_process() -> None:
    """Faust would take an agent that raised for one that finished, and go on without it."""
    ended = subprocess.run([sys.executable, "-c", GIVES_UP], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == termination.UNAVAILABLE, ended.stderr
    assert "ending this worker: recorder" in ended.stderr
    assert "the database is away" in ended.stderr
