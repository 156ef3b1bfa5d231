"""Threats over a real log: found in what is audited, told by events and entries, and a block that ends by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from contracts.threats import IdentityBlocked, IdentityUnblocked, ThreatDetected
from eventstore.audit import AuditWriter, open_audit
from eventstore.audit_entries import AuditEntries, AuditFilter
from eventstore.commands import Commands
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.threats import ThreatStore
from security.access import FULL_ACCESS
from security.audit import AuditEntry
from security.errors import AuthenticationError, BlockedError, InvalidCredentialError
from security.local_administrator import ACCOUNT, TENANT
from security.principal import Principal
from security.threats import Thresholds
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.security import threats
from services.security.guarded_authentication import GuardedAuthentication
from services.security.threats import ThreatDetector, WatchedAuditLog, open_threat_detector
from tests.support.access import allowed

INES = Principal("ines", "user", "acme", ("reader",), None, "key:1")
ADMIN = Principal(ACCOUNT, "service", TENANT, ("administrator",), None, "key:2")
CALLER = Caller(TENANT, "operator", "cli", FULL_ACCESS)
QUICK = Thresholds(window_s=3600, failures=5, denials=4, block_s=900)
FAILURE = AuditEntry(None, "nobody", "authentication", "authenticate", "/x", outcome="denied", address="192.0.2.1")
DENIAL = AuditEntry("acme", "ines", "authorization", "read", "users", outcome="denied", address="192.0.2.9")
SUCCESS = AuditEntry("acme", "ines", "authentication", "authenticate", "/x", address="192.0.2.9")

Open = Callable[[Thresholds], AbstractAsyncContextManager[ThreatDetector]]


@pytest.fixture
async def audit(pool: PostgresPool) -> AsyncIterator[AuditWriter]:
    async with open_audit(AuditEntries(pool), "standard") as opened:
        yield opened


@pytest.fixture
def opened(pool: PostgresPool, commands: Commands, audit: AuditWriter, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(threats, "REFRESH_S", 0.05)
    return lambda thresholds: open_threat_detector(ThreatStore(pool), commands, audit, thresholds)


async def until(found: Callable[[], Awaitable[bool]], limit_s: float = 20.0) -> None:
    end = asyncio.get_running_loop().time() + limit_s
    while not await found():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.02)


def is_blocked(detector: ThreatDetector, who: Principal | str) -> bool:
    try:
        detector.check(who)
    except BlockedError:
        return True
    return False


async def told(reader: EventReader, tenant: str, identity: str) -> list[type]:
    return [type(event.event_data) for event in await reader.of_aggregate(tenant, "identity", identity)]


async def test_failures_block_an_address_and_are_told(opened: Open, reader: EventReader, pool: PostgresPool) -> None:
    async with opened(QUICK) as detector:
        for number in range(QUICK.failures):
            assert not is_blocked(detector, "192.0.2.1")
            await detector.observe(replace(FAILURE, actor=f"guess-{number}"))
        assert is_blocked(detector, "192.0.2.1"), "at once"
        assert not is_blocked(detector, "192.0.2.2") and not is_blocked(detector, INES)

        async def done() -> bool:
            return await told(reader, TENANT, "address/192.0.2.1") == [ThreatDetected, IdentityBlocked]

        await until(done)

        async def entries() -> bool:
            return bool(await AuditEntries(pool).newest(None, AuditFilter(category="threat"), None, 9))

        await until(entries)
        (entry,) = [one.entry for one in await AuditEntries(pool).newest(None, AuditFilter(category="threat"), None, 9)]
        assert (entry.action, entry.object_id) == ("block", "address/192.0.2.1")
        assert "failed to authenticate 5 times" in entry.reason
        (block,) = await detector.blocked(CALLER, deadline=Deadline.after(10))
        assert block.explanation == entry.reason and 800 < block.left_s <= 900


async def test_a_block_ends_by_itself_and_that_is_told_once(opened: Open, reader: EventReader) -> None:
    quick = replace(QUICK, block_s=1)
    async with opened(quick) as one, opened(quick) as other:
        for _ in range(quick.denials):
            await one.observe(DENIAL)
        assert is_blocked(one, INES)

        async def elsewhere() -> bool:
            return is_blocked(other, INES)

        async def ended() -> bool:
            return await told(reader, "acme", "account/ines") == [ThreatDetected, IdentityBlocked, IdentityUnblocked]

        await until(elsewhere)
        await until(ended)
        assert not is_blocked(one, INES) and not is_blocked(other, INES)


async def test_a_block_outlives_a_restart(opened: Open) -> None:
    async with opened(QUICK) as detector:
        for _ in range(QUICK.denials):
            await detector.observe(DENIAL)

        async def stored() -> bool:
            return bool(await detector.blocked(CALLER, deadline=Deadline.after(10))) or bool(
                await detector.blocked(replace(CALLER, tenant="acme"), deadline=Deadline.after(10))
            )

        await until(stored)
    async with opened(QUICK) as again:

        async def blocked() -> bool:
            return is_blocked(again, INES)

        await until(blocked)


async def test_what_is_usual_is_remembered_after_a_restart(
    opened: Open, reader: EventReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    thresholds = Thresholds(window_s=10, rate=20, deviations=6)
    now = 0.0
    async with opened(thresholds) as detector:
        detector._clock = lambda: now
        for window in range(15):
            now = window * 10.0
            for _ in range(5):
                await detector.observe(SUCCESS)
    async with opened(thresholds) as again:
        now = 150.0
        again._clock = lambda: now
        for _ in range(100):
            await again.observe(SUCCESS)

        async def done() -> bool:
            return await told(reader, "acme", "account/ines") == [ThreatDetected]

        await until(done)
        assert not is_blocked(again, INES), "that is told and does not block"
    (event,) = await reader.of_aggregate("acme", "identity", "account/ines")
    assert isinstance(event.event_data, ThreatDetected) and event.event_data.kind == "rate"
    assert "5 at the median" in event.event_data.explanation


async def test_many_names_and_addresses_take_no_more_memory(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threats, "MAX_PROFILES", 50)
    monkeypatch.setattr(threats, "MAX_FINDINGS", 20)
    async with opened(replace(QUICK, failures=1)) as detector:
        for number in range(2000):
            await detector.observe(
                replace(FAILURE, actor=f"guess-{number}", address=f"10.{number // 250}.{number % 250}.1")
            )
        assert len(detector._profiles) <= 50 and len(detector._dirty) == 0
        assert detector._findings.qsize() <= 20 and len(detector._waiting) <= 21


async def test_the_local_administrator_is_never_locked_out(opened: Open) -> None:
    class Authentication:
        async def authenticate(
            self, authorization: str | None, client: str, deadline: Deadline, along: object = None
        ) -> Principal:
            if authorization not in ("ines", "admin"):
                raise InvalidCredentialError("an unknown key")
            return ADMIN if authorization == "admin" else INES

    async with opened(QUICK) as detector:
        guarded = GuardedAuthentication(Authentication(), detector)
        for _ in range(QUICK.failures):
            await detector.observe(replace(FAILURE, address="127.0.0.1"))
            await detector.observe(FAILURE)
        for _ in range(QUICK.denials):
            await detector.observe(replace(DENIAL, tenant=TENANT, actor=ACCOUNT))
        deadline = Deadline.after(10)
        assert await guarded.authenticate("admin", "127.0.0.1", deadline) == ADMIN
        for credential, address in [("ines", "127.0.0.1"), ("ines", "192.0.2.1"), ("admin", "192.0.2.1")]:
            with pytest.raises(BlockedError):
                await guarded.authenticate(credential, address, deadline)
        with pytest.raises(AuthenticationError):
            await guarded.authenticate("x", "127.0.0.1", deadline)
        assert await guarded.authenticate("ines", "192.0.2.2", deadline) == INES


async def test_a_blocked_account_is_refused_from_everywhere(opened: Open) -> None:
    class Authentication:
        async def authenticate(
            self, authorization: str | None, client: str, deadline: Deadline, along: object = None
        ) -> Principal:
            return INES

    async with opened(QUICK) as detector:
        guarded = GuardedAuthentication(Authentication(), detector)
        for _ in range(QUICK.denials):
            await detector.observe(DENIAL)
        with pytest.raises(BlockedError) as refused:
            await guarded.authenticate("ines", "198.51.100.1", Deadline.after(10))
        assert 800 < refused.value.left_s <= 900


async def test_attempts_while_blocked_do_not_prolong_it(opened: Open) -> None:
    async with opened(QUICK) as detector:
        for _ in range(QUICK.failures):
            await detector.observe(FAILURE)
        before = dict(detector._ends)
        for _ in range(50):
            await detector.observe(replace(FAILURE, reason="blocked"))
            await detector.observe(replace(FAILURE, reason="no credential", address="192.0.2.2"))
        assert detector._ends == before and not is_blocked(detector, "192.0.2.2")


async def test_an_operator_ends_a_block(opened: Open, reader: EventReader) -> None:
    async with opened(QUICK) as detector:
        for _ in range(QUICK.denials):
            await detector.observe(DENIAL)
        acme = replace(CALLER, tenant="acme")

        async def stored() -> bool:
            return await told(reader, "acme", "account/ines") == [ThreatDetected, IdentityBlocked]

        await until(stored)
        with pytest.raises(NotFoundError):
            await detector.unblock(CALLER, "account/ines", deadline=Deadline.after(10))
        await detector.unblock(acme, "account/ines", deadline=Deadline.after(10))
        assert not is_blocked(detector, INES)
        assert await told(reader, "acme", "account/ines") == [ThreatDetected, IdentityBlocked, IdentityUnblocked]


async def test_who_may_not_end_blocks_is_refused(opened: Open) -> None:
    stranger = Caller("acme", "ines", "http", allowed("users:administer", "users:read"))
    async with opened(QUICK) as detector:
        with pytest.raises(AccessDeniedError):
            await detector.unblock(stranger, "address/192.0.2.1", deadline=Deadline.after(10))
        with pytest.raises(AccessDeniedError):
            await detector.unblock(replace(stranger, access=allowed()), "account/x", deadline=Deadline.after(10))


async def test_what_is_audited_is_watched(opened: Open, audit: AuditWriter) -> None:
    async with opened(QUICK) as detector:
        log = WatchedAuditLog(audit, detector)
        for _ in range(QUICK.failures):
            await log.record(FAILURE)
        assert is_blocked(detector, "192.0.2.1")


async def test_several_processes_count_together(opened: Open) -> None:
    """Whoever spreads his guesses over all gateways is blocked by their sum."""
    async with opened(QUICK) as one, opened(QUICK) as other:
        await one.observe(FAILURE)
        await other.observe(FAILURE)
        await one.observe(FAILURE)
        await other.observe(FAILURE)

        async def all_are_known() -> bool:
            return any(
                detector._profiles["", "address/192.0.2.1"].counts["failure"] == QUICK.failures - 1
                for detector in (one, other)
            )

        await until(all_are_known)
        assert not is_blocked(one, "192.0.2.1") and not is_blocked(other, "192.0.2.1")
        for detector in (one, other):
            await detector.observe(FAILURE)
        assert is_blocked(one, "192.0.2.1") or is_blocked(other, "192.0.2.1")

        async def both_block() -> bool:
            return is_blocked(one, "192.0.2.1") and is_blocked(other, "192.0.2.1")

        await until(both_block)
