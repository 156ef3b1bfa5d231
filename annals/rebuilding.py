"""Building read models anew, to live on or to be compared: one at a time of each, whoever asks."""

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

from annals.composition import Services, claim_servers
from contracts.errors import AnnalsError
from eventstore.locks import HeldLocks, LockHeldError, holding
from projections.replay import Report, discard, replay
from projections.verify import Verdict, verify
from services.operations.progress import READ_MODELS

log = logging.getLogger(__name__)

PURPOSES = {"replay": "next", "verify": "verify"}
"""The generation that each kind of work builds."""


class RebuildRunningError(AnnalsError):
    """The same read model is being built by another process; try again when that is done."""


async def rebuild(services: Services, names: Sequence[str], report: Report) -> dict[str, int]:
    """Replay these read models together; rows by name.

    Raises RebuildRunningError, ForeignServerError, and what `replay` raises.
    """
    await claim_servers(services)
    await remove_leftovers(services)
    async with _alone(services, "replay", names) as locks:
        chosen = [(services.projections[name].model, services.projections[name].store) for name in names]
        rows = await replay(chosen, services.reader, services.topics, report, locks.check)
        for name in names:
            await services.positions.advance(name, await services.projections[name].store.positions())
        return rows


async def check(services: Services, name: str, report: Report) -> Verdict:
    """Verify one read model. Raises RebuildRunningError, and what `verify` raises."""
    async with _alone(services, "verify", [name]):
        one = services.projections[name]
        return await verify(one.model, one.store, services.reader, services.topics, report)


async def remove_leftovers(services: Services) -> None:
    """Drop what a replay or a verification left behind that was killed.

    A read model's server that does not answer keeps its own for the next time. Raises StoreUnavailableError where
    PostgreSQL does not answer.
    """
    for work, purpose in PURPOSES.items():
        for name in READ_MODELS:
            try:
                async with holding(services.dsn, [f"{work} {name}"]):
                    await discard(name, services.projections[name].store.generation(purpose))
            except LockHeldError:
                log.debug("%s %s is at work: what it builds stays", work, name)


@contextlib.asynccontextmanager
async def _alone(services: Services, work: str, names: Sequence[str]) -> AsyncIterator[HeldLocks]:
    try:
        async with holding(services.dsn, [f"{work} {name}" for name in names]) as locks:
            yield locks
    except LockHeldError as held:
        raise RebuildRunningError(f"`annals {held}` runs already; try again when it is done") from None
