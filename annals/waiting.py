"""Waiting until documents are processed and every read model has them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from annals.composition import Services, overall_low_watermark
from annals.errors import GaveUpError
from contracts.event_types import EventType
from eventstore.keys import AggregateKey
from eventstore.retries import retry_unavailable

STALL_LIMIT_S = 600.0
NOTICE_LIMIT_S = 5.0
POLL_S = 0.2
POLL_MOST_S = 3.0
UNFINISHED = frozenset(
    {
        EventType.DOCUMENT_INGESTED,
        EventType.DOCUMENT_UPDATED,
        EventType.DOCUMENT_CHUNKED,
        EventType.ENTITIES_EXTRACTED,
        EventType.RELATIONSHIPS_DISCOVERED,
    }
)
"""While one of these is a document's last event, a stage still has work to do."""


@dataclass
class Awaited:
    """What became of the documents: `failed` maps an id to why it will not be processed before somebody acts."""

    processed: int = 0
    failed: dict[str, str] = field(default_factory=dict)


async def until_projected(
    services: Services, document_ids: Sequence[str], report: Callable[[int], None] = lambda _: None
) -> Awaited:
    """Return once every document is processed (or gone, or set aside) and in every read model as it is in the log.

    Raises GaveUpError when nothing moves for STALL_LIMIT_S.
    """
    tenant = services.settings.tenant
    waiting = {AggregateKey(tenant, "document", document_id) for document_id in document_ids}
    awaited = Awaited()
    moved, before = time.monotonic(), ""
    while waiting:
        began = time.monotonic()
        ids = [key.aggregate_id for key in waiting]
        failed = await retry_unavailable(partial(services.letters.of_aggregates, tenant, ids))
        awaited.failed.update(failed)
        waiting -= {AggregateKey(tenant, "document", document_id) for document_id in failed}
        done, state = await retry_unavailable(partial(_done, services, sorted(waiting)))
        waiting -= done
        awaited.processed += len(done)
        report(awaited.processed + len(awaited.failed))
        if state != before:
            moved, before = time.monotonic(), state
        elif time.monotonic() - moved > STALL_LIMIT_S:
            raise GaveUpError(
                f"{len(waiting)} documents got no further for {STALL_LIMIT_S:.0f} s; "
                f"see `annals status` and the logs in {services.settings.data / 'logs'}"
            )
        if waiting:
            # To look costs the databases; but one look that waited for a database says nothing of the next.
            await asyncio.sleep(min(max(POLL_S, 3 * (time.monotonic() - began)), POLL_MOST_S))
    return awaited


async def until_caught_up(services: Services) -> None:
    """Return once every stage and read model knows that it is at the end of the log, or after NOTICE_LIMIT_S.

    Nothing depends on it: what is not known yet is found out at the next start, with some events read again.
    """
    head = await services.reader.head()
    end = time.monotonic() + NOTICE_LIMIT_S
    while time.monotonic() < end:
        if await overall_low_watermark(services.positions, services.topics) >= head:
            return
        await asyncio.sleep(POLL_S)


async def _done(services: Services, keys: Sequence[AggregateKey]) -> tuple[set[AggregateKey], str]:
    """Those that are finished uniform_positions; and something that changes as long as anything moves."""
    latest = await services.reader.latest(keys)
    finished = {key: version for key, (version, last) in latest.items() if last not in UNFINISHED}
    for projection in services.projections.values():
        there = await projection.store.versions(finished) if finished else {}
        finished = {key: version for key, version in finished.items() if there.get(key, 0) >= version}
    # What the log does not know will never come.
    unknown = set(keys) - set(latest)
    return set(finished) | unknown, f"{sum(version for version, _ in latest.values())}/{len(finished)}/{len(keys)}"
