"""A database belongs to the log that used it first: another installation is refused before it writes anything."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from annals.composition.ownership import claim, owners
from annals.composition.servers import Servers
from annals.settings import load_settings
from contracts.topics import topics
from eventstore.errors import ForeignServerError
from eventstore.kafka.admin import BrokerAdmin
from eventstore.kafka.ownership import owner_topic
from eventstore.kafka.topic_admin import TopicAdmin
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import annals, called
from tests.servers.profile import options_of


@pytest.fixture
async def servers(empty_env: dict[str, str], tmp_path: Path) -> AsyncIterator[Servers]:
    opened = Servers(load_settings(data=tmp_path / "data", **options_of(empty_env)))
    yield opened
    await opened.close()


async def test_the_first_log_owns_them_and_may_come_again(servers: Servers) -> None:
    log = str(uuid4())
    assert await owners(servers) == {"Neo4j": None, "OpenSearch": None}
    await claim(servers, log)
    await claim(servers, log)
    assert await owners(servers) == {"Neo4j": log, "OpenSearch": log}


async def test_another_log_is_refused_and_leaves_no_trace(servers: Servers) -> None:
    log, other = str(uuid4()), str(uuid4())
    await claim(servers, log)
    with pytest.raises(ForeignServerError, match=f"Neo4j holds the read models of another log .{log}"):
        await claim(servers, other)
    assert set((await owners(servers)).values()) == {log}


@pytest.mark.parametrize("command", ["run worker", "up"])
def test_a_kafka_of_another_log_is_not_touched(
    command: str, empty_env: dict[str, str], postgres_dsn: str, tmp_path: Path
) -> None:
    client = {"bootstrap.servers": empty_env["ANNALS_BROKER"]}
    TopicAdmin(client).apply([owner_topic("another")])
    env = {**empty_env, "ANNALS_POSTGRES": postgres_dsn}
    ended = annals(tmp_path / "data", *command.split(), env=env, check=False)
    assert ended.returncode != 0
    assert "Kafka holds the topics of another log (another; this one is " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert BrokerAdmin(client).topics(10).keys().isdisjoint(topic.name for topic in topics().all)


def test_commands_of_another_installation_say_so(empty_env: dict[str, str], tmp_path: Path) -> None:
    asyncio.run(_claimed_by_another(empty_env, tmp_path / "data"))
    article = tmp_path / "article.md"
    article.write_text("# Harbour\n\nAda met Bob.")
    # The first one makes the data folder, which the others only read.
    for command in (["ingest", str(article)], ["search", "harbour"], ["replay", "graph"], ["verify"]):
        done = called(tmp_path / "other", *command, env=empty_env)
        assert done.exit_code == 1
        assert done.stderr.startswith("Error: Neo4j holds the read models of another log")
    corpus, questions = tmp_path / "corpus.jsonl", tmp_path / "questions.jsonl"
    write_corpus(corpus, 2)
    questions.write_text('{"id": 1, "question": "Who?", "gold": ["passage-1"]}\n')
    refused = called(tmp_path / "other", "eval", str(corpus), str(questions), env=empty_env)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "Neo4j holds read models already" in refused.stderr


async def _claimed_by_another(env: dict[str, str], data: Path) -> None:
    opened = Servers(load_settings(data=data, **options_of(env)))
    await claim(opened, str(uuid4()))
    await opened.close()
