"""What is too old is removed, nothing else, and the audit chain stays whole."""

from uuid import uuid4

import pytest

from eventstore import retention
from eventstore.audit_entries import AuditEntries
from eventstore.measures import open_measures
from eventstore.pool import PostgresPool, transaction
from eventstore.retention import Retention, RetentionDays
from security.audit import AuditEntry
from security.audit_chain import ChainCheck

DAYS = RetentionDays(audit=100, dead_letters=50, receipts=20)
CHANGE = AuditEntry("acme", "ines", "change", "write", "documents")


async def grow_older(pool: PostgresPool, upto: int, days: int) -> None:
    """The first entries of acme become older, with hashes that fit: as if they had been stored then."""
    entries = AuditEntries(pool)
    from security.audit_chain import BEGINNING, chained

    await pool.execute("ALTER TABLE annals.audit_log DISABLE TRIGGER ALL")
    await pool.execute("ALTER TABLE annals.audit_chains DISABLE TRIGGER ALL")
    await pool.execute(
        f"UPDATE annals.audit_log SET at = at - interval '{days} days' WHERE tenant = 'acme' AND sequence <= $1", upto
    )
    previous = BEGINNING
    for one in await entries.oldest("acme", 0, 1000, 1000):
        previous = chained(previous, one.sequence, one.at, one.entry)
        await pool.execute(
            "UPDATE annals.audit_log SET hash = $2 WHERE tenant = 'acme' AND sequence = $1", one.sequence, previous
        )
    await pool.execute("UPDATE annals.audit_chains SET hash = $1 WHERE tenant = 'acme'", previous)
    await pool.execute("ALTER TABLE annals.audit_log ENABLE TRIGGER ALL")
    await pool.execute("ALTER TABLE annals.audit_chains ENABLE TRIGGER ALL")


async def is_intact(pool: PostgresPool) -> bool:
    entries = AuditEntries(pool)
    chain = await entries.chain("acme")
    assert chain is not None
    check = ChainCheck("acme", chain.pruned_to, chain.pruned_hash)
    stored = await entries.oldest("acme", chain.pruned_to, chain.sequence, 1000)
    return not [fault for one in stored for fault in check.take(one)] + list(check.end(chain.sequence, chain.hash))


async def applied(pool: PostgresPool) -> dict[str, int]:
    removed = {}
    for rule in Retention(pool, DAYS).rules:
        expected, removed[rule.name] = await rule.count(0), 0
        while step := await rule.step():
            removed[rule.name] += step
        assert removed[rule.name] == expected, rule.name
        assert await rule.count(0) == 0
    return removed


@pytest.mark.parametrize("old", [0, 3, 7])
async def test_old_audit_entries_go_and_the_chain_verifies(
    pool: PostgresPool, old: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    entries = AuditEntries(pool)
    await entries.append([(uuid4(), CHANGE) for _ in range(7)], again=False)
    await grow_older(pool, old, 101)
    assert await is_intact(pool)
    assert (await applied(pool))["audit entries"] == old
    assert len(await entries.oldest("acme", 0, 1000, 1000)) == 7 - old and await is_intact(pool)
    await entries.append([(uuid4(), CHANGE)], again=False)
    assert await is_intact(pool)


async def test_only_dead_letters_that_are_done_with_go(pool: PostgresPool) -> None:
    for number, (status, days) in enumerate([("open", 60), ("resolved", 60), ("dropped", 60), ("resolved", 40)]):
        await pool.execute(
            'INSERT INTO annals.dead_letters (consumer, identity, topic, partition, "offset", headers, error, cause, '
            "status, created_at) VALUES ('c', $1, 't', 0, 0, '{}', 'e', 'c', $2, now() - $3 * interval '1 day')",
            str(number),
            status,
            days,
        )
    assert (await applied(pool))["dead letters that are done with"] == 2
    rows = await pool.fetch("SELECT identity FROM annals.dead_letters ORDER BY identity")
    assert [row["identity"] for row in rows] == ["0", "3"]


async def test_rates_that_have_run_out_go_and_nobody_gets_more_by_it(
    pool: PostgresPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    assert (await applied(pool))["rates that have run out"] == 0, "they are counted elsewhere in the servers profile"
    await open_measures(pool)
    for number, left_s in enumerate((-3 * 86400, -10, -1, -1, -1, 60)):
        await pool.execute(
            "INSERT INTO limits.taken VALUES ('acme', $1, extract(epoch FROM clock_timestamp()) + $2::float8)",
            str(number),
            left_s,
        )
    (rule,) = (one for one in Retention(pool, DAYS).rules if one.name == "rates that have run out")
    assert await rule.count(1) == 1, "it should have gone long ago"
    async with transaction(pool) as connection:
        await connection.execute("UPDATE limits.taken SET until = until + 3600 WHERE subject = '1'")
        while await rule.step():
            pass
    assert [row["subject"] for row in await pool.fetch("SELECT subject FROM limits.taken ORDER BY subject")] == [
        "1",
        "5",
    ]
    assert await rule.count(0) == 0


async def test_old_receipts_and_profiles_go(pool: PostgresPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    for days in (10, 30, 31, 32):
        await pool.execute(
            "INSERT INTO annals.inbox_receipts (tenant, document_id, event_id, outcome, received_at) "
            "VALUES ('acme', 'd', gen_random_uuid(), 'ingested', now() - $1 * interval '1 day')",
            days,
        )
        await pool.execute(
            "INSERT INTO annals.threat_profiles (tenant, account, state, updated_at) "
            "VALUES ('acme', $1, '{}', now() - $2 * interval '10 day')",
            str(days),
            days,
        )
    removed = await applied(pool)
    assert (removed["receipts"], removed["profiles of accounts that are not used"]) == (3, 3)
