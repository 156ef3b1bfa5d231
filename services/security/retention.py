"""Retention: what is older than its rule allows is removed, or only counted."""

import asyncio
import logging
from dataclasses import dataclass

from contracts.errors import AnnalsError
from eventstore.retention import Retention, older
from security.audit import AuditEntry, AuditLog
from services.caller import Caller
from services.deadline import Deadline
from services.security.auditing import audited

log = logging.getLogger(__name__)

EVERY_S = 3600.0
ACTOR = "retention"


@dataclass(frozen=True, slots=True)
class Applied:
    """`count` were removed, or would be in a dry run."""

    rule: str
    days: int
    count: int


class RetentionService:
    """Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError. For the operator: of every tenant."""

    def __init__(self, retention: Retention, audit: AuditLog) -> None:
        self._retention, self._audit = retention, audit

    async def apply(self, caller: Caller, *, dry_run: bool, deadline: Deadline) -> tuple[Applied, ...]:
        """Act on every rule now, or say what that would remove."""
        async with audited(self._audit, caller, "administration", "dry run" if dry_run else "apply", "retention"):
            caller.require("system", "administer")
            async with deadline.enforce("removing what is kept no longer"):
                if dry_run:
                    return tuple([Applied(rule.name, rule.days, await rule.count(0)) for rule in self._retention.rules])
                return await self._apply()

    async def keep_applied(self) -> None:
        """Act now and once in EVERY_S, until cancelled; while the database is away it is left for later."""
        while True:
            try:
                for one in await self._apply():
                    if one.count and one.days:
                        reason = f"{one.count} {older(one.rule, one.days)}"
                        log.info("removed: %s", reason)
                        await self._audit.record(
                            AuditEntry(None, ACTOR, "administration", "apply", "retention", reason=reason)
                        )
            except AnnalsError as error:
                log.warning("what is kept no longer is removed later: %s", error)
            await asyncio.sleep(EVERY_S)

    async def _apply(self) -> tuple[Applied, ...]:
        applied = []
        for rule in self._retention.rules:
            total = 0
            while removed := await rule.step():
                total += removed
            applied.append(Applied(rule.name, rule.days, total))
        return tuple(applied)
