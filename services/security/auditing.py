"""What a caller does goes into the audit log, however it ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from contracts.errors import AnnalsError
from security.audit import AuditEntry, AuditLog, Category, Outcome
from services.caller import Caller
from services.errors import AccessDeniedError


@dataclass(slots=True)
class Trail:
    """`last`: how the last thing ended that was recorded; None where nothing was."""

    last: Outcome | None = None


_trail: ContextVar[Trail | None] = ContextVar("trail", default=None)


@contextlib.contextmanager
def trailed() -> Iterator[Trail]:
    """Of the block, and of what it starts: an edge has nothing to add to what a use case recorded."""
    trail = Trail()
    token = _trail.set(trail)
    try:
        yield trail
    finally:
        _trail.reset(token)


def entry_of(
    caller: Caller,
    category: Category,
    action: str,
    resource: str,
    object_id: str = "",
    outcome: Outcome = "success",
    reason: str = "",
) -> AuditEntry:
    """An entry about what this caller does."""
    return AuditEntry(
        tenant=caller.tenant,
        actor=caller.actor,
        category=category,
        action=action,
        resource=resource,
        object_id=object_id,
        outcome=outcome,
        reason=reason,
        credential=caller.credential or caller.source,
        address=caller.address,
        request_id=caller.correlation_id or "",
    )


@contextlib.asynccontextmanager
async def audited(
    log: AuditLog, caller: Caller, category: Category, action: str, resource: str, *object_ids: str
) -> AsyncIterator[list[str]]:
    """Record how the block ends: with success, denied (AccessDeniedError) or failed, with the error's message.

    An entry for each object; the block may change the list that it is given. Raises StoreUnavailableError where that
    could not be recorded.
    """
    objects = list(object_ids) or [""]

    async def record(category: Category, outcome: Outcome, reason: str) -> None:
        entries = [entry_of(caller, category, action, resource, one, outcome, reason) for one in objects]
        await asyncio.gather(*map(log.record, entries))
        if (trail := _trail.get()) is not None:
            trail.last = outcome

    try:
        yield objects
    except AccessDeniedError as error:
        await record("authorization", "denied", str(error))
        raise
    except AnnalsError as error:
        await record(category, "failed", str(error))
        raise
    except Exception as error:
        await record(category, "failed", type(error).__name__)
        raise
    await record(category, "success", "")
