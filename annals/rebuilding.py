"""Building read models anew, to live on or to be compared: one at a time of each, whoever asks."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from annals.composition import Services, claim_servers
from contracts.errors import AnnalsError
from eventstore.pool import HeldError, holding
from projections.replay import Report, replay
from projections.verify import Verdict, verify


class RebuildRunningError(AnnalsError):
    """The same read model is being built by another process; try again when that is done."""


async def rebuild(services: Services, names: Sequence[str], report: Report) -> dict[str, int]:
    """Replay these read models together; rows by name.

    Raises RebuildRunningError, ForeignServerError, and what `replay` raises.
    """
    await claim_servers(services)
    async with contextlib.AsyncExitStack() as stack:
        # In one order, so that two who want the same several never wait for each other's half.
        for name in sorted(names):
            await stack.enter_async_context(_alone(services, f"replay {name}"))
        chosen = [(services.projections[name].model, services.projections[name].store) for name in names]
        return await replay(chosen, services.reader, services.topics, report)


async def check(services: Services, name: str, report: Report) -> Verdict:
    """Verify one read model. Raises RebuildRunningError, and what `verify` raises."""
    async with _alone(services, f"verify {name}"):
        one = services.projections[name]
        return await verify(one.model, one.store, services.reader, services.topics, report)


@contextlib.asynccontextmanager
async def _alone(services: Services, work: str) -> AsyncIterator[None]:
    try:
        async with holding(services.pool, work):
            yield
    except HeldError:
        raise RebuildRunningError(f"`annals {work}` runs already; try again when it is done") from None
