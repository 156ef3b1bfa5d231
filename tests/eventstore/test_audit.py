"""The audit log in PostgreSQL: nobody rewrites it, several write it at once, and nothing that matters is lost."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from eventstore import audit
from eventstore.audit import AuditWriter, open_audit
from eventstore.audit_entries import AuditEntries, AuditFilter
from eventstore.errors import AuditUnavailableError, StoreUnavailableError
from eventstore.pool import PostgresPool
from security.audit import AuditEntry
from security.audit_chain import BEGINNING, ChainCheck, Fault

READ = AuditEntry("acme", "ines", "read", "read", "documents", "river.md")
CHANGE = replace(READ, category="change", action="write")


@pytest.fixture
def entries(pool: PostgresPool) -> AuditEntries:
    return AuditEntries(pool)


async def faults(entries: AuditEntries, tenant: str | None) -> list[Fault]:
    chain = await entries.chain(tenant)
    assert chain is not None
    check = ChainCheck(tenant or "", 0, BEGINNING)
    stored = await entries.oldest(tenant, 0, chain.sequence, 10_000)
    return [fault for one in stored for fault in check.take(one)] + list(check.end(chain.sequence, chain.hash))


async def until(found: Callable[[], Awaitable[object]], limit_s: float = 10.0) -> None:
    end = asyncio.get_running_loop().time() + limit_s
    while not await found():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.02)


async def stored(entries: AuditEntries, tenant: str | None = "acme") -> list[AuditEntry]:
    """In the order in which they were stored."""
    return [one.entry for one in reversed(await entries.newest(tenant, AuditFilter(), None, 10_000))]


async def test_what_is_durable_is_there_when_the_answer_is_given(entries: AuditEntries) -> None:
    async with open_audit(entries, "standard") as log:
        await log.record(CHANGE)
        assert await stored(entries) == [CHANGE]
        denied = replace(READ, outcome="denied", reason="no role")
        await log.record(READ)
        await log.record(denied)
        assert await stored(entries) == [CHANGE, READ, denied]


async def test_what_is_left_is_stored_at_the_end(entries: AuditEntries) -> None:
    async with open_audit(entries, "standard") as log:
        for number in range(1200):
            await log.record(replace(READ, object_id=str(number)))
    assert [entry.object_id for entry in await stored(entries)] == [str(number) for number in range(1200)]
    assert await faults(entries, "acme") == []


async def test_a_read_follows_by_itself_within_a_moment(entries: AuditEntries) -> None:
    async with open_audit(entries, "standard") as log:
        await log.record(READ)
        await until(lambda: stored(entries))


async def test_below_its_level_nothing_is_kept(entries: AuditEntries) -> None:
    async with open_audit(entries, "essential") as log:
        await log.record(READ)
        await log.record(CHANGE)
    assert await stored(entries) == [CHANGE]


async def test_secrets_and_control_characters_are_not_stored(entries: AuditEntries) -> None:
    async with open_audit(entries, "standard") as log:
        await log.record(replace(CHANGE, reason="token=abc\x00\x1b[31m", actor="\ud800"))
    (entry,) = await stored(entries)
    assert (entry.reason, entry.actor) == ("[secret]", "?")


async def test_many_writers_make_one_chain_for_each_tenant(entries: AuditEntries) -> None:
    tenants = ["acme", "b", None]

    async def write(writer: int) -> None:
        async with open_audit(entries, "standard") as log:
            await asyncio.gather(
                *(log.record(replace(CHANGE, tenant=tenants[n % 3], actor=f"{writer}/{n}")) for n in range(60))
            )

    await asyncio.gather(*(write(writer) for writer in range(6)))
    for tenant in tenants:
        assert await faults(entries, tenant) == []
        found = await entries.newest(tenant, AuditFilter(), None, 10_000)
        assert [one.sequence for one in found] == list(range(120, 0, -1))
        assert {one.entry.tenant for one in found} == {tenant}
        times = [one.at for one in found]
        assert times == sorted(times, reverse=True)


async def test_entries_stored_twice_after_a_cut_are_there_once(entries: AuditEntries) -> None:
    batch = [(uuid4(), replace(CHANGE, object_id=str(number))) for number in range(3)]
    await entries.append(batch[:2], again=False)
    await entries.append(batch, again=True)
    assert [entry.object_id for entry in await stored(entries)] == ["0", "1", "2"]
    assert await faults(entries, "acme") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annals.audit_log SET actor = 'mallory'",
        "UPDATE annals.audit_log SET at = now()",
        "DELETE FROM annals.audit_log",
        "TRUNCATE annals.audit_log",
        "DELETE FROM annals.audit_chains",
        "TRUNCATE annals.audit_chains",
        "UPDATE annals.audit_chains SET sequence = 0",
        "UPDATE annals.audit_chains SET hash = decode(repeat('ff', 32), 'hex')",
        "UPDATE annals.audit_chains SET tenant = 'b'",
    ],
)
async def test_the_log_is_append_only(entries: AuditEntries, pool: PostgresPool, statement: str) -> None:
    await entries.append([(uuid4(), CHANGE)], again=False)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)
    assert await stored(entries) == [CHANGE] and await faults(entries, "acme") == []


async def test_a_change_behind_the_triggers_is_found_at_its_entry(entries: AuditEntries, pool: PostgresPool) -> None:
    await entries.append([(uuid4(), replace(CHANGE, object_id=str(number))) for number in range(9)], again=False)
    await pool.execute(
        "ALTER TABLE annals.audit_log DISABLE TRIGGER ALL; "
        "UPDATE annals.audit_log SET outcome = 'denied' WHERE sequence = 4; "
        "DELETE FROM annals.audit_log WHERE sequence = 7"
    )
    assert [fault.sequence for fault in await faults(entries, "acme")] == [4, 7]


async def test_filters_meet_all_conditions_within_the_tenant(entries: AuditEntries) -> None:
    others = [
        replace(CHANGE, actor="tobias"),
        replace(CHANGE, object_id="calder.md"),
        replace(CHANGE, tenant="b"),
        replace(CHANGE, tenant=None),
        replace(READ, outcome="denied"),
    ]
    await entries.append([(uuid4(), entry) for entry in [*others, CHANGE]], again=False)
    wanted = AuditFilter("ines", "change", "success", "documents", "river.md")
    assert [one.entry for one in await entries.newest("acme", wanted, None, 10)] == [CHANGE]
    denied = await entries.newest("acme", AuditFilter(outcome="denied"), None, 10)
    assert [one.entry for one in denied] == [others[4]]
    (last, *_) = await entries.newest("acme", AuditFilter(), None, 10)
    assert await entries.newest("acme", AuditFilter(since=last.at, until=last.at), None, 10) == []


class Away(AuditEntries):
    """A database that is away for the first calls; what was asked in them may have been stored all the same."""

    def __init__(self, pool: PostgresPool, failures: int, stores: bool) -> None:
        super().__init__(pool)
        self.failures, self.stores = failures, stores

    async def append(self, entries, *, again):  # type: ignore[no-untyped-def]
        if self.failures:
            self.failures -= 1
            if self.stores:
                await super().append(entries, again=again)
            raise StoreUnavailableError()
        await super().append(entries, again=again)


@pytest.mark.parametrize("stores", [False, True])
async def test_a_database_that_comes_back_gets_everything_once(pool: PostgresPool, stores: bool) -> None:
    away = Away(pool, 2, stores)
    async with open_audit(away, "standard") as log:
        await asyncio.gather(*(log.record(replace(CHANGE, object_id=str(number))) for number in range(5)))
        assert [entry.object_id for entry in await stored(away)] == ["0", "1", "2", "3", "4"]
    assert await faults(away, "acme") == []


async def test_what_cannot_be_audited_in_time_is_refused(pool: PostgresPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "WAIT_S", 0.05)
    monkeypatch.setattr(audit, "QUEUE_ENTRIES", 3)
    monkeypatch.setattr(audit, "CLOSE_S", 0.2)
    async with open_audit(Away(pool, 10_000, False), "standard") as log:
        with pytest.raises(AuditUnavailableError):
            await log.record(CHANGE)
        for _ in range(3):
            await log.record(READ)
        with pytest.raises(AuditUnavailableError):
            await log.record(READ)
    with pytest.raises(AuditUnavailableError):
        await log.record(CHANGE)


async def test_an_entry_that_the_database_refuses_takes_no_other_with_it(
    entries: AuditEntries, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = entries.append

    async def append(batch, *, again):  # type: ignore[no-untyped-def]
        if any(entry.actor == "bad" for _, entry in batch):
            raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")
        await whole(batch, again=again)

    monkeypatch.setattr(entries, "append", append)
    async with open_audit(entries, "standard") as log:
        results = await asyncio.gather(
            log.record(CHANGE),
            log.record(replace(CHANGE, actor="bad")),
            log.record(replace(CHANGE, actor="good")),
            return_exceptions=True,
        )
    assert [type(result) for result in results] == [type(None), AuditUnavailableError, type(None)]
    assert [entry.actor for entry in await stored(entries)] == ["ines", "good"]


_CRASH = """
import asyncio, sys
from dataclasses import replace
from eventstore.audit import open_audit
from eventstore.audit_entries import AuditEntries
from eventstore.pool import open_pool
from tests.eventstore.test_audit import CHANGE, READ

async def main():
    pool = await open_pool(sys.argv[1])
    async with open_audit(AuditEntries(pool), "standard") as log:
        for number in range(1_000_000):
            await log.record(replace(READ, object_id=str(number)))
            await log.record(replace(CHANGE, object_id=str(number)))
            print(number, flush=True)

asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_that_was_answered(dsn: str, entries: AuditEntries) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CRASH, dsn),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    answered = -1
    async with asyncio.timeout(60):
        while answered < 40:
            answered = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    await process.wait()
    answered = int(rest[-1]) if rest else answered
    changes = [entry.object_id for entry in await stored(entries) if entry.category == "change"]
    assert changes[: answered + 1] == [str(number) for number in range(answered + 1)]
    assert await faults(entries, "acme") == []


async def test_recording_costs_far_less_than_a_millisecond(entries: AuditEntries) -> None:
    """Of this process's own processor time, whatever else the machine does."""
    writer = AuditWriter(entries, "standard")
    began = time.process_time()
    for _ in range(2000):
        await writer.record(READ)
    assert (time.process_time() - began) / 2000 < 0.0005
