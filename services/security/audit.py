"""The audit log, read by those who may: in pages, exported whole, verified.

Nobody sees another tenant's entries. `of_no_tenant` is for the operator: entries whose tenant was not known, as of
attempts to log in as nobody.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from eventstore.audit_entries import AuditEntries, AuditFilter, Chain
from security.audit import AuditLog
from security.audit_chain import ChainCheck, Fault, RecordedEntry
from services.caller import Caller
from services.cursors import WrongCursorError
from services.deadline import Deadline
from services.security.audit_lines import line_of
from services.security.auditing import audited

PAGE_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The newest first. `next`: the cursor of the page behind, None where this is the last one."""

    entries: tuple[RecordedEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain, as somebody noted it."""

    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """What is wrong with a chain of `checked` entries, nothing where it is intact.

    `sequence` and `head` (a hash) are of its last entry: who notes them elsewhere can tell later whether the chain was
    made anew as a whole.
    """

    tenant: str | None
    checked: int
    pruned: int
    sequence: int
    head: bytes
    faults: tuple[Fault, ...]


class AuditService:
    """Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError. Reading the audit log is audited."""

    def __init__(self, entries: AuditEntries, log: AuditLog) -> None:
        self._entries, self._log = entries, log

    async def query(
        self,
        caller: Caller,
        wanted: AuditFilter,
        *,
        after: str | None,
        limit: int,
        of_no_tenant: bool = False,
        deadline: Deadline,
    ) -> AuditPage:
        """At most `limit` of the caller's entries that pass the filter, behind the cursor. Raises WrongCursorError."""
        async with audited(self._log, caller, "administration", "read", "audit"):
            tenant = _tenant(caller, of_no_tenant)
            before = None if after is None else _sequence(after)
            async with deadline.enforce("reading the audit log"):
                found = await self._entries.newest(tenant, wanted, before, limit + 1)
        page = tuple(found[:limit])
        return AuditPage(page, str(page[-1].sequence) if len(found) > limit else None)

    async def export(self, caller: Caller, *, of_no_tenant: bool = False, deadline: Deadline) -> AsyncIterator[str]:
        """All of the caller's entries up to now, in their order, as JSON Lines (`services.security.audit_lines`)."""
        async with audited(self._log, caller, "administration", "export", "audit"):
            tenant = _tenant(caller, of_no_tenant)
            async with deadline.enforce("exporting the audit log"):
                chain = await self._entries.chain(tenant)
        if chain is not None:
            after, previous = chain.pruned_to, chain.pruned_hash
            while after < chain.sequence:
                async with deadline.enforce("exporting the audit log"):
                    page = await self._entries.oldest(tenant, after, chain.sequence, PAGE_ENTRIES)
                for recorded in page:
                    yield line_of(recorded, previous)
                    previous = recorded.hash
                if not page:
                    break
                after = page[-1].sequence

    async def verify(
        self, caller: Caller, *, all_tenants: bool = False, known: Head | None = None, deadline: Deadline
    ) -> tuple[Verified, ...]:
        """Check the caller's chain or, for the operator, every chain, those of no tenant's entries among them.

        `known`: an end of the caller's chain that was noted before.
        """
        async with audited(self._log, caller, "administration", "verify", "audit"):
            caller.require("audit", "read")
            if all_tenants:
                caller.require("system", "administer")
            async with deadline.enforce("verifying the audit log"):
                chains = await self._entries.chains()
                return tuple(
                    [
                        await self._verify(chain, known if chain.tenant == caller.tenant else None)
                        for chain in chains
                        if all_tenants or chain.tenant == caller.tenant
                    ]
                )

    async def _verify(self, chain: Chain, known: Head | None) -> Verified:
        verified = await self._verify_once(chain, known)
        now = await self._entries.chain(chain.tenant)
        if verified.faults and now is not None and now.pruned_to != chain.pruned_to:
            # Retention removed entries while they were read.
            return await self._verify_once(now, known)
        return verified

    async def _verify_once(self, chain: Chain, known: Head | None) -> Verified:
        check = ChainCheck(chain.tenant or "", chain.pruned_to, chain.pruned_hash)
        faults: list[Fault] = []
        while check.sequence < chain.sequence:
            page = await self._entries.oldest(chain.tenant, check.sequence, chain.sequence, PAGE_ENTRIES)
            if not page:
                break
            faults += await asyncio.to_thread(_check, check, page)
        faults += check.end(chain.sequence, chain.hash)
        if known is not None and await self._hash_at(chain, known.sequence) != known.hash:
            faults.append(Fault(chain.tenant or "", known.sequence, "is not the one that was noted"))
        return Verified(chain.tenant, check.checked, chain.pruned_to, chain.sequence, chain.hash, tuple(faults))

    async def _hash_at(self, chain: Chain, sequence: int) -> bytes | None:
        if sequence == chain.pruned_to:
            return chain.pruned_hash
        found = await self._entries.oldest(chain.tenant, sequence - 1, sequence, 1)
        return found[0].hash if found else None


def _check(check: ChainCheck, page: list[RecordedEntry]) -> list[Fault]:
    return [fault for recorded in page for fault in check.take(recorded)]


def _tenant(caller: Caller, of_no_tenant: bool) -> str | None:
    """Raises AccessDeniedError."""
    caller.require("audit", "read")
    if of_no_tenant:
        caller.require("system", "administer")
        return None
    return caller.tenant


def _sequence(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise WrongCursorError()
    return int(cursor)
