"""What there is and how far everything is: each part asked alone, so that one that is away hides no other."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import asyncpg

from contracts.paused_consumer import PausedConsumer
from contracts.topics import Partition, Topics
from eventstore.dead_letters import DeadLetters
from eventstore.lag import RELAY, LagReader
from eventstore.positions import ConsumerPositions, low_watermark
from eventstore.reader import EventReader
from projections.changes import Positions
from projections.projection import Projection
from projections.relational.reads import Counts, RelationalReader
from services.caller import Caller
from services.deadline import Deadline
from services.operations.health import Pool, PoolStats
from services.operations.progress import STAGES, followed_partitions
from services.operations.reprocessing import Reprocess, StandsStill
from services.storage.listing import counts_of

T = TypeVar("T")

STATUS_LIMIT_S = 60.0
"""What an edge grants; a part that does not answer ends sooner."""
LIMIT_S = 5.0
OPEN_LIMIT_S = 15.0
"""For PostgreSQL's schema and the read models', which wait for each other's turn."""


@dataclass(frozen=True, slots=True)
class Position:
    """`position` in the log, `lag` in events, `seconds` since the first of them was stored; None where not known."""

    position: int | None
    lag: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RelayLag:
    """Events that are not published yet, and the age of the first one."""

    lag: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Of the log and the read models, of the caller's tenant where it has one; None is what could not be asked."""

    counts: Counts | None = None
    dead_letters: int | None = None
    dead_letters_of_no_tenant: int | None = None
    paused: Sequence[PausedConsumer] = ()
    standing_still: Sequence[StandsStill] = ()
    position: int | None = None
    events: Mapping[str, int] | None = None
    relay: RelayLag | None = None
    consumers: Mapping[str, Position] = field(default_factory=dict)
    projections: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """How Kafka fares; `error` says why it gave no answer."""

    health: str
    answer_ms: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """`kafka` is None where none is used. `unknown`: why a part could not be asked, by its name."""

    log: LogStatus
    databases: Mapping[str, PoolStats]
    kafka: BrokerStatus | None
    unknown: Mapping[str, str]


@dataclass(frozen=True)
class LogParts:
    """What is asked once PostgreSQL is there. `open_read_models` makes those that are not there yet."""

    pools: Sequence[Pool]
    reader: EventReader
    letters: DeadLetters
    positions: ConsumerPositions
    relational: RelationalReader
    reprocess: Reprocess
    projections: Mapping[str, Projection]
    lag: LagReader
    open_read_models: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class StatusSources:
    """`open_log` raises where PostgreSQL does not answer; then `open_others` gives the pools of the other servers.

    `postgres` is PostgreSQL's address as it may be shown; `ask_broker` blocks, and raises where Kafka does not answer.
    """

    topics: Topics
    postgres: str
    open_log: Callable[[], AbstractAsyncContextManager[LogParts]]
    open_others: Callable[[], AbstractAsyncContextManager[Sequence[Pool]]]
    ask_broker: Callable[[], None] | None


def _seen(caller: Caller) -> frozenset[str] | None:
    """Collections of the documents whose events and letters are counted; None for all events and letters."""
    reach = caller.access.reach("documents", "read")
    return None if reach.is_everything else reach.whole


class ReadStatus:
    """Asks every part within limits of its own, side by side."""

    def __init__(self, sources: StatusSources) -> None:
        self._sources = sources

    async def read(self, caller: Caller, *, deadline: Deadline) -> SystemStatus:
        """All that can be reached; the rest is named under `unknown` with the reason. Raises AccessDeniedError."""
        caller.require("system", "read")
        parts = _Parts(deadline)
        async with contextlib.AsyncExitStack() as stack:
            opening = stack.enter_async_context(self._sources.open_log())
            opened, kafka = await asyncio.gather(parts.ask("postgres", opening, OPEN_LIMIT_S), self._kafka(parts))
            if opened is None:
                databases = await self._without_log(parts.unknown["postgres"])
                found = LogStatus()
            else:
                databases = await _databases(opened.pools)
                if all(databases[pool.name].error is None for pool in opened.pools if pool.needed):
                    await parts.ask("read models", opened.open_read_models(), OPEN_LIMIT_S)
                found = await self._of_log(parts, opened, caller)
        parts.unknown |= {name: stats.error for name, stats in databases.items() if stats.error is not None}
        return SystemStatus(found, databases, kafka, parts.unknown)

    async def read_of_tenant(self, caller: Caller, *, deadline: Deadline) -> SystemStatus:
        """What there is that the caller may see, and nothing of what all tenants share; of a part that gave no answer
        not why. Raises AccessDeniedError.
        """
        caller.require("documents", "read")
        parts, tenant, seen = _Parts(deadline), caller.tenant, _seen(caller)
        async with contextlib.AsyncExitStack() as stack:
            opened = await parts.ask("postgres", stack.enter_async_context(self._sources.open_log()), OPEN_LIMIT_S)
            found = LogStatus()
            if opened is not None:
                counts, letters, events = await asyncio.gather(
                    parts.ask("documents", counts_of(opened.relational, caller)),
                    parts.ask("dead letters", opened.letters.count(tenant, seen)),
                    parts.ask("events", opened.reader.seen.count_by_type(tenant, seen)),
                )
                found = LogStatus(counts=counts, dead_letters=letters, events=events)
        return SystemStatus(found, {}, None, dict.fromkeys(parts.unknown, "not known now; ask again later"))

    async def _of_log(self, parts: "_Parts", log: LogParts, caller: Caller) -> LogStatus:
        tenant, seen, followed = caller.tenant, _seen(caller), followed_partitions(self._sources.topics)
        stores = asyncio.gather(*(parts.ask(name, one.store.positions()) for name, one in log.projections.items()))
        counts, letters, of_no_tenant, paused, head, events = await asyncio.gather(
            parts.ask("documents", counts_of(log.relational, caller)),
            parts.ask("dead letters", log.letters.count(tenant, seen)),
            parts.ask("dead letters of no tenant", log.letters.count_of_no_tenant()),
            parts.ask("paused consumers", log.letters.paused.all()),
            parts.ask("log", log.reader.head()),
            parts.ask("events", log.reader.seen.count_by_type(tenant, seen)),
        )
        still = log.reprocess.standing_still(caller, deadline=Deadline.after(LIMIT_S))
        standing_still, positions, lags = await asyncio.gather(
            parts.ask("documents that stand still", still),
            parts.ask("consumers", log.positions.all()),
            parts.ask("relay", asyncio.to_thread(log.lag.read)),
        )
        # A read model that cannot be reached was, when it last could be, where PostgreSQL says that its consumer is.
        known = {name: positions.get(name, {}) for name in followed} if positions is not None else {}
        known |= {name: own for name, own in zip(log.projections, await stores, strict=True) if own is not None}
        seconds = {name: age_s for name, (_, age_s) in (lags or {}).items()}
        where = {name: _where(known.get(name), followed[name], head, seconds.get(name)) for name in followed}
        relay = (lags or {}).get(RELAY)
        return LogStatus(
            counts=counts,
            dead_letters=letters,
            dead_letters_of_no_tenant=of_no_tenant,
            paused=tuple(paused or ()),
            standing_still=tuple(standing_still or ()),
            position=head,
            events=events,
            relay=RelayLag(*relay) if relay else None,
            consumers={name: where[name] for name in STAGES},
            projections={name: where[name] for name in log.projections},
        )

    async def _without_log(self, error: str) -> dict[str, PoolStats]:
        """The servers beside a PostgreSQL that is away, each asked by itself."""
        away = PoolStats(0, 0, 0, 0, 1, 0, 0, error=f"at {self._sources.postgres}: {error}")
        async with self._sources.open_others() as pools:
            return {"postgres": away, **await _databases(pools)}

    async def _kafka(self, parts: "_Parts") -> BrokerStatus | None:
        if self._sources.ask_broker is None:
            return None
        began = time.monotonic()
        await parts.ask("kafka", asyncio.to_thread(self._sources.ask_broker))
        error = parts.unknown.get("kafka")
        answer_ms = None if error is not None else (time.monotonic() - began) * 1000
        return BrokerStatus("healthy" if error is None else "down", answer_ms, error)


class _Parts:
    """What was asked, and why there is no answer where there is none: `unknown` by the part's name."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.unknown: dict[str, str] = {}

    async def ask(self, part: str, question: Awaitable[T], limit_s: float = LIMIT_S) -> T | None:
        """The answer, or None with the reason kept."""
        limit_s = min(limit_s, self._deadline.remaining_s)
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


def as_json(status: SystemStatus) -> dict[str, Any]:
    """As machines read it: the counts among the rest, None where they are not known."""
    log = asdict(status.log)
    counts = log.pop("counts") or dict.fromkeys(Counts.__dataclass_fields__)
    return {
        **counts,
        **log,
        "paused": list(log["paused"]),
        "standing_still": list(log["standing_still"]),
        "databases": {name: {"health": stats.health, **asdict(stats)} for name, stats in status.databases.items()},
        "kafka": asdict(status.kafka) if status.kafka is not None else None,
        "unknown": dict(status.unknown),
    }


def _where(known: Positions | None, followed: Iterable[Partition], head: int | None, seconds: float | None) -> Position:
    if known is None or head is None:
        return Position(None, None, seconds)
    position = low_watermark(known, followed)
    return Position(position, max(0, head - position), seconds if head > position else 0.0)


async def _databases(pools: Iterable[Pool]) -> dict[str, PoolStats]:
    asked = list(pools)
    found = await asyncio.gather(*(pool.asked(LIMIT_S) for pool in asked))
    return {pool.name: stats for pool, stats in zip(asked, found, strict=True)}
