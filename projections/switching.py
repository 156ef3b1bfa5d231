"""The switch of read models that belong together: one step, under all of their locks.

Most is taken in while the live ones are written to as ever. Only a small rest is taken in under their locks, within a
limit; where the rest is not small, or time runs out, the locks are given back, and all of it is tried again until a
limit of its own ends that.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from eventstore.errors import StoreUnavailableError
from eventstore.generations import RegisteredGeneration
from eventstore.pool import transaction
from projections.catch_up import CatchUp
from projections.errors import SwitchDeferredError
from projections.generations import Generations
from projections.together import together

log = logging.getLogger(__name__)

LOCK_LIMIT_S = 10.0
"""How long the locks are held, about; writers wait for longer before they call the database away."""
LIMIT_S = 1800.0
PAUSE_MOST_S = 5.0

StillHeld = Callable[[], Awaitable[None]]


class Successor(NamedTuple):
    """A generation that is to be the live one, and how it gets to the log's end."""

    registered: RegisteredGeneration
    catch_up: CatchUp


async def switch_together(
    successors: Sequence[Successor],
    generations: Generations,
    still_held: StillHeld,
    *,
    keep_s: float,
    limit_s: float = LIMIT_S,
) -> None:
    """Make these the live ones, and keep those that were for `keep_s`.

    What lies in PostgreSQL switches in one transaction, with what the registry says of all. A server beside it switches
    right before that commits; so that its writers wait for as short as can be, those in PostgreSQL come first among
    `successors`, which are locked from the last to the first. `still_held` is asked under all locks; what it raises
    ends the work.

    Raises SwitchDeferredError after `limit_s`, UnfoldableEventError, StoreUnavailableError.
    """
    end = time.monotonic() + limit_s
    attempt = 0
    while True:
        await together(one.catch_up.most(end) for one in successors)
        try:
            await _switch(successors, generations, still_held, keep_s)
            return
        except SwitchDeferredError as error:
            if time.monotonic() > end:
                raise
            log.info("%s: %s", ", ".join(one.catch_up.name for one in successors), error)
        except StoreUnavailableError:
            # One server may have switched, and another not any more.
            with contextlib.suppress(StoreUnavailableError):
                await generations.register_live(keep_s)
            raise
        await asyncio.sleep(random.uniform(0.5, 1.0) * min(0.1 * 2**attempt, PAUSE_MOST_S))
        attempt += 1


async def _switch(
    successors: Sequence[Successor], generations: Generations, still_held: StillHeld, keep_s: float
) -> None:
    registry = generations.registry
    await generations.register_live(keep_s)
    async with contextlib.AsyncExitStack() as stack:
        connection = await stack.enter_async_context(transaction(registry.pool))
        for registered, catch_up in reversed(successors):
            former = await registry.live(registered.read_model)
            await stack.enter_async_context(
                catch_up.generation.switching(connection, None if former is None else former.id)
            )
        try:
            async with asyncio.timeout(LOCK_LIMIT_S):
                await together(one.catch_up.rest() for one in successors)
                await still_held()
        except TimeoutError:
            raise SwitchDeferredError(f"the last events took longer than {LOCK_LIMIT_S:.0f} s; trying again") from None
        for registered, _ in successors:
            await registry.switched(connection, registered.id, keep_s)
