"""What a caller does goes into the audit log, however it ends."""

import contextlib
from collections.abc import AsyncIterator

from contracts.errors import AnnalsError
from security.audit import AuditEntry, AuditLog, Category, Outcome
from services.caller import Caller
from services.errors import AccessDeniedError


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
    log: AuditLog, caller: Caller, category: Category, action: str, resource: str, object_id: str = ""
) -> AsyncIterator[None]:
    """Record how the block ends: with success, denied (AccessDeniedError) or failed, with the error's message.

    Raises StoreUnavailableError where that could not be recorded.
    """
    try:
        yield
    except AccessDeniedError as error:
        await log.record(entry_of(caller, "authorization", action, resource, object_id, "denied", str(error)))
        raise
    except AnnalsError as error:
        await log.record(entry_of(caller, category, action, resource, object_id, "failed", str(error)))
        raise
    except Exception as error:
        await log.record(entry_of(caller, category, action, resource, object_id, "failed", type(error).__name__))
        raise
    await log.record(entry_of(caller, category, action, resource, object_id))
