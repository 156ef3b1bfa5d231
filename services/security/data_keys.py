"""Administering data keys and the master key: listing, rotating, wrapping anew, destroying."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from eventstore.data_keys import DataKey, DataKeys
from eventstore.key_management import KeyManagementService
from security.audit import AuditLog
from services.caller import Caller
from services.deadline import Deadline
from services.security.auditing import audited

State = Literal["present", "retired", "destroyed"]


@dataclass(frozen=True, slots=True)
class KeySummary:
    """What may be shown of a key: nothing of the key itself. `master` names what wraps it."""

    key_id: str
    subject: str
    state: State
    created_at: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None
    master: str | None


@dataclass(frozen=True, slots=True)
class KeyPage:
    """By id. `next`: the cursor of the page behind, None where this is the last one. `source`: of the master key."""

    keys: tuple[KeySummary, ...]
    next: str | None
    source: str


class DataKeyService:
    """Raises AccessDeniedError, MasterKeyError, StoreUnavailableError, DeadlineExceededError. All of it is audited."""

    def __init__(self, keys: DataKeys, management: KeyManagementService, log: AuditLog) -> None:
        self._keys, self._management, self._log = keys, management, log

    async def list(self, caller: Caller, *, after: str | None, limit: int, deadline: Deadline) -> KeyPage:
        """The caller's tenant's data keys."""
        async with audited(self._log, caller, "administration", "read", "keys"):
            caller.require("keys", "read")
            async with deadline.enforce("listing data keys"):
                found = await self._keys.of_tenant(caller.tenant, after or "", limit + 1)
        page = tuple(_summary(key) for key in found[:limit])
        return KeyPage(page, page[-1].key_id if len(found) > limit else None, self._management.source)

    async def rotate(self, caller: Caller, *, subject: str | None, deadline: Deadline) -> int:
        """Let a subject, or all of the tenant, have new data keys from the next use on; returns how many retired."""
        async with audited(self._log, caller, "administration", "rotate", "keys", subject or ""):
            caller.require("keys", "administer")
            async with deadline.enforce("rotating data keys"):
                return await self._management.rotate(caller.tenant, subject)

    async def rewrap(self, caller: Caller, *, rotate_master: bool, deadline: Deadline) -> int:
        """Wrap every tenant's data keys with the present master key, or a new one; for the operator."""
        action = "rotate master" if rotate_master else "rewrap"
        async with audited(self._log, caller, "administration", action, "keys"):
            caller.require("keys", "administer")
            caller.require("system", "administer")
            async with deadline.enforce("wrapping data keys anew"):
                return await self._management.rewrap(rotate_master=rotate_master)


def _summary(key: DataKey) -> KeySummary:
    state: State = "destroyed" if key.destroyed_at else "retired" if key.retired_at else "present"
    return KeySummary(
        key_id=key.key_id,
        subject=key.subject,
        state=state,
        created_at=key.created_at,
        retired_at=key.retired_at,
        destroyed_at=key.destroyed_at,
        master=None if key.wrapped is None else key.wrapped.master,
    )
