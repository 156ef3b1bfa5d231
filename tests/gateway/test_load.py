"""Many clients at once: limits to the request, no error that is none, flat memory, nothing acknowledged lost."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from annals.composition.use_cases import UseCases
from eventstore.dead_letters import DeadLetters
from gateway.endpoints import WRITES
from tests.conftest import PostgresServer
from tests.gateway.load import Answered, check_limit, load
from tests.gateway.real import Inside, RealGateway, database, furnish, root, soon
from tests.projections.history import open_history

CLIENTS_OF_A_USER = 50
GROWTH_BYTES = 48 * 1024 * 1024
"""Between the first third of the load and its end."""


@dataclass(frozen=True)
class Loaded:
    """A gateway, and tokens of so many users."""

    gateway: RealGateway
    inside: Inside
    dsn: str

    def tokens(self, users: int) -> list[str]:
        """Of new administrators."""

        async def made(use_cases: UseCases) -> list[str]:
            security, found = use_cases.security, []
            for number in range(users):
                name = f"loader-{number}"
                await security.accounts.create(root(), name, "service", ["administrator"], deadline=soon())
                found.append((await security.api_keys.issue(root(), name, "k", deadline=soon())).text)
            return found

        return self.inside.do(made)

    def ingested(self) -> dict[str, int]:
        """How often the log has each document taken in."""

        async def asked() -> dict[str, int]:
            connection = await asyncpg.connect(self.dsn, timeout=30)
            try:
                rows = await connection.fetch(
                    "SELECT document_id, count(*) AS times FROM annals.stored_events "
                    "JOIN annals.document_collections USING (originator_id) "
                    "WHERE topic = 'DocumentIngested' AND document_id LIKE 'load/%' GROUP BY document_id"
                )
                return {row["document_id"]: row["times"] for row in rows}
            finally:
                await connection.close()

        return asyncio.run(asked())


@pytest.fixture
def loaded(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Loaded]:
    """Fresh."""
    with database(postgres_server, "loaded") as dsn:
        gateway = RealGateway.start(
            dsn, tmp_path / "data", ANNALS_THREAT_RATE="1000000", ANNALS_THREAT_VOLUME="1000000"
        )
        inside = Inside(gateway.settings, dsn)
        try:

            async def furnished(use_cases: UseCases) -> None:
                async with open_history(dsn, tmp_path / "data") as history:
                    await furnish(use_cases, history, DeadLetters(history.pool))

            inside.do(furnished)
            gateway.wait_for_models()
            yield Loaded(gateway, inside, dsn)
        finally:
            inside.close()
            gateway.stop()


def run(loaded: Loaded, clients: int, seconds: float, *, kill_after_s: float | None = None) -> Answered:
    """Check what holds after each load."""
    tokens, found, samples = loaded.tokens(max(1, clients // CLIENTS_OF_A_USER)), Answered(), []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            samples.append(loaded.gateway.resident_bytes)

    def kill() -> None:
        if not ended.wait(kill_after_s):
            loaded.gateway.kill()
            loaded.gateway.again()

    others = [threading.Thread(target=watch if kill_after_s is None else kill)]
    for one in others:
        one.start()
    try:
        asyncio.run(load(loaded.gateway.port, tokens, clients, seconds, found))
    finally:
        ended.set()
        for one in others:
            one.join(100)
    print(
        f"{clients} clients, {seconds:g} s: {sum(found.statuses.values())} answers {dict(found.statuses)}, "
        f"limits {dict(found.limits)}, {found.unserved} not served, "
        f"{found.broken} broken connections, p50 {found.quantile(0.5) * 1000:.0f} ms, "
        f"p99 {found.quantile(0.99) * 1000:.0f} ms, {len(found.acknowledged)} documents acknowledged"
    )
    assert not found.others, Counter(found.others).most_common(5)
    assert found.unserved == 0, "who comes again when he is told to is served in the end"
    ingested = loaded.ingested()
    assert set(found.acknowledged) <= set(ingested), "nothing acknowledged is lost"
    assert set(ingested.values()) <= {1}, "nothing is there twice"
    if kill_after_s is None:
        assert found.broken == 0 and not found.statuses[503]
        assert len(ingested) == len(found.acknowledged)
        early, late = max(samples[: len(samples) // 3]), max(samples[-len(samples) // 3 :])
        print(f"resident: {early / 1e6:.0f} MB, then {late / 1e6:.0f} MB")
        assert late - early < GROWTH_BYTES, "memory is flat"
        for writes in found.writes.values():
            check_limit(writes, WRITES.requests, WRITES.per_s)
    return found


@pytest.mark.timeout(300)
def test_150_clients(loaded: Loaded) -> None:
    found = run(loaded, 150, 15)
    assert found.statuses[200] and found.statuses[201]


@pytest.mark.timeout(300)
def test_150_clients_while_it_is_killed(loaded: Loaded) -> None:
    found = run(loaded, 150, 25, kill_after_s=4)
    assert found.broken, "the kill was noticed"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_1000_clients(loaded: Loaded) -> None:
    found = run(loaded, 1000, 60)
    assert found.statuses[429], "limits are met"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_1000_clients_while_it_is_killed(loaded: Loaded) -> None:
    assert run(loaded, 1000, 60, kill_after_s=15).broken
