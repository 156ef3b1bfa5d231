"""What there is, what runs, how far everything is: each part asked alone, so that one that is away hides no other."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

import asyncpg
from confluent_kafka import KafkaException

from annals.addresses import without_password
from annals.composition import Services, open_read_models, open_services
from annals.databases.health import Pool, PoolStats
from annals.heartbeat import silent
from annals.session import Installation
from annals.settings import Settings
from contracts.topics import Partition
from eventstore.kafka.admin import BrokerAdmin, reason
from eventstore.lag import RELAY, LagReader
from projections.changes import Positions, low_watermark
from projections.relational.reads import Counts
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import STAGES, followed_partitions

T = TypeVar("T")

LIMIT_S = 5.0
OPEN_LIMIT_S = 15.0
"""For PostgreSQL's schema and the read models', which wait for each other's turn."""
BROKER_LIMIT_S = 3.0

COUNTS = tuple(one.name for one in fields(Counts))

Position = dict[str, float | None]
"""`position` in the log, `lag` in events, `seconds` since the first of them was stored; None where not known."""


@dataclass
class Parts:
    """What was asked, and why there is no answer where there is none: `unknown` by the part's name."""

    unknown: dict[str, str] = field(default_factory=dict)

    async def ask(self, part: str, question: Awaitable[T], limit_s: float = LIMIT_S) -> T | None:
        """The answer, or None with the reason kept."""
        try:
            async with asyncio.timeout(limit_s):
                return await question
        except TimeoutError:
            self.unknown[part] = f"no answer within {limit_s:g} s"
        except asyncpg.UndefinedTableError:
            self.unknown[part] = "not made yet; `annals up` makes it"
        except Exception as error:  # each driver has its own; all mean that this part is not known now
            self.unknown[part] = " ".join(str(error).split())[:300].rstrip(": ") or type(error).__name__
        return None


async def gather(installation: Installation) -> dict[str, Any]:
    """All of it, as --json gives it. What could not be reached is None, and named under `unknown` with the reason."""
    state, parts = installation.state, Parts()
    async with contextlib.AsyncExitStack() as stack:
        opening = stack.enter_async_context(open_services(installation.settings, state.addresses["postgres"]))
        services, kafka = await asyncio.gather(
            parts.ask("postgres", opening, OPEN_LIMIT_S), _kafka(parts, installation)
        )
        if services is None:
            databases = await _without_log(installation, parts.unknown["postgres"])
            found = _nothing()
        else:
            databases = await _databases(services.connections.pools)
            if all(databases[pool.name]["error"] is None for pool in services.connections.pools if pool.needed):
                await parts.ask("read models", open_read_models(services), OPEN_LIMIT_S)
            found = await _of_log(parts, services)
    parts.unknown |= {name: stats["error"] for name, stats in databases.items() if stats["error"] is not None}
    return {
        **found,
        "databases": databases,
        "kafka": kafka,
        "addresses": {} if installation.own else state.shown,
        "processes": {} if installation.own else {role: list(pids) for role, pids in state.processes.items()},
        "silent": {} if installation.own else silent(installation.settings.data, state.processes),
        "unknown": parts.unknown,
    }


def _nothing() -> dict[str, Any]:
    """What is known of the log and the read models without PostgreSQL."""
    letters = ("dead_letters", "dead_letters_of_no_tenant")
    return {
        **dict.fromkeys((*COUNTS, *letters, "position", "events", "relay")),
        "paused": [],
        "standing_still": [],
        "consumers": {},
        "projections": {},
    }


async def _of_log(parts: Parts, services: Services) -> dict[str, Any]:
    tenant, followed = services.settings.tenant, followed_partitions(services.topics)
    stores = asyncio.gather(*(parts.ask(name, one.store.positions()) for name, one in services.projections.items()))
    counts, letters, of_no_tenant, paused, head, events = await asyncio.gather(
        parts.ask("documents", services.relational.counts(tenant)),
        parts.ask("dead letters", services.letters.count(tenant)),
        parts.ask("dead letters of no tenant", services.letters.count_of_no_tenant()),
        parts.ask("paused consumers", services.letters.paused.all()),
        parts.ask("log", services.reader.head()),
        parts.ask("events", services.reader.count_by_type(tenant)),
    )
    caller = Caller(tenant, services.settings.actor, "cli", FULL_ACCESS)
    still = services.reprocess.standing_still(caller, deadline=Deadline.after(LIMIT_S))
    standing_still, positions, lags = await asyncio.gather(
        parts.ask("documents that stand still", still),
        parts.ask("consumers", services.positions.all()),
        parts.ask("relay", asyncio.to_thread(LagReader(services.dsn, followed).read)),
    )
    # A read model that cannot be reached was, when it last could be, where PostgreSQL says that its consumer is.
    known = {name: positions.get(name, {}) for name in followed} if positions is not None else {}
    known |= {name: own for name, own in zip(services.projections, await stores, strict=True) if own is not None}
    seconds = {name: age_s for name, (_, age_s) in (lags or {}).items()}
    where = {name: _where(known.get(name), followed[name], head, seconds.get(name)) for name in followed}
    relay = (lags or {}).get(RELAY)
    return {
        **(asdict(counts) if counts else dict.fromkeys(COUNTS)),
        "dead_letters": letters,
        "dead_letters_of_no_tenant": of_no_tenant,
        "paused": [asdict(one) for one in paused or ()],
        "standing_still": [asdict(one) for one in standing_still or ()],
        "position": head,
        "events": events,
        "relay": {"lag": relay[0], "seconds": relay[1]} if relay else None,
        "consumers": {name: where[name] for name in STAGES},
        "projections": {name: where[name] for name in services.projections},
    }


def _where(known: Positions | None, followed: Iterable[Partition], head: int | None, seconds: float | None) -> Position:
    if known is None or head is None:
        return {"position": None, "lag": None, "seconds": seconds}
    position = low_watermark(known, followed)
    return {"position": position, "lag": max(0, head - position), "seconds": seconds if head > position else 0.0}


async def _databases(pools: Iterable[Pool]) -> dict[str, dict[str, Any]]:
    asked = list(pools)
    found = await asyncio.gather(*(pool.asked(LIMIT_S) for pool in asked))
    return {pool.name: _shown(stats) for pool, stats in zip(asked, found, strict=True)}


def _shown(stats: PoolStats) -> dict[str, Any]:
    return {"health": stats.health, **asdict(stats)}


async def _without_log(installation: Installation, error: str) -> dict[str, dict[str, Any]]:
    """The servers beside a PostgreSQL that is away, each asked by itself."""
    address = without_password(installation.state.addresses["postgres"])
    away = _shown(PoolStats(0, 0, 0, 0, 1, 0, 0, error=f"at {address}: {error}"))
    if installation.settings.profile != "servers":
        return {"postgres": away}
    # Three drivers that the embedded profile need not load.
    from annals.databases.servers import Servers

    servers = Servers(installation.settings)
    try:
        return {"postgres": away, **await _databases(servers.pools)}
    finally:
        await servers.close()


async def _kafka(parts: Parts, installation: Installation) -> dict[str, Any] | None:
    """How Kafka fares; None where a command alone brought PostgreSQL, and no broker."""
    address = installation.state.addresses.get("broker")
    if address is None:
        return None
    began = time.monotonic()
    await parts.ask("kafka", asyncio.to_thread(_ask_broker, installation.settings, address))
    error = parts.unknown.get("kafka")
    answer_ms = None if error is not None else (time.monotonic() - began) * 1000
    return {"health": "healthy" if error is None else "down", "answer_ms": answer_ms, "error": error}


def _ask_broker(settings: Settings, address: str) -> None:
    try:
        BrokerAdmin(settings.kafka_client(address)).topics(BROKER_LIMIT_S)
    except KafkaException as error:
        raise RuntimeError(f"at {address}: {reason(error)}") from error
