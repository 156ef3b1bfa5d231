"""Data keys in PostgreSQL: made when needed, one for each subject, rotated, wrapped anew, destroyed; uses audited."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from eventstore import key_management
from eventstore.audit import open_audit
from eventstore.audit_entries import AuditEntries, AuditFilter
from eventstore.data_keys import DataKeys
from eventstore.encryption import EncryptionService
from eventstore.key_management import KeyManagementService
from eventstore.pool import PostgresPool
from security.encryption import EncryptionContext
from security.errors import DecryptionError, KeyDestroyedError, MasterKeyError, UnknownKeyError
from security.master_key import FileMasterKey, WrappedKey

CONTEXT = EncryptionContext("acme", "tokens", "signing key", "1", actor="ines")
YEAR = timedelta(days=365)


class Opened:
    """One process's encryption over a database and a master key file."""

    def __init__(self, pool: PostgresPool, path: Path, rotation: timedelta, max_uses: int, audit: object) -> None:
        self.master = FileMasterKey(path)
        self.management = KeyManagementService(pool, self.master, rotation, max_uses)
        self.service = EncryptionService(self.management, audit)  # type: ignore[arg-type]
        self.encrypt = self.service.encrypt_sensitive_data
        self.decrypt = self.service.decrypt_sensitive_data


class Installation:
    """Makes processes."""

    def __init__(self, pool: PostgresPool, path: Path, audit: object) -> None:
        self.pool, self.path, self.audit = pool, path, audit
        self.keys = DataKeys(pool)

    def process(self, rotation: timedelta = YEAR, max_uses: int = 2**32) -> Opened:
        return Opened(self.pool, self.path, rotation, max_uses, self.audit)


@pytest.fixture
async def here(pool: PostgresPool, tmp_path: Path) -> AsyncIterator[Installation]:
    async with open_audit(AuditEntries(pool), "standard") as audit:
        yield Installation(pool, tmp_path / "data" / "master.key", audit)


async def test_another_process_opens_what_one_sealed(here: Installation) -> None:
    sealed = await here.process().encrypt(b"secret", CONTEXT)
    assert await here.process().decrypt(sealed, CONTEXT) == b"secret"
    with pytest.raises(DecryptionError):
        await here.process().decrypt(sealed, replace(CONTEXT, object_id="2"))


async def test_each_tenant_and_subject_has_a_key_of_its_own(here: Installation) -> None:
    one = here.process()
    contexts = [replace(CONTEXT, tenant=tenant, subject=subject) for tenant in ("acme", "b") for subject in ("x", "y")]
    sealed = [await one.encrypt(b"secret", context) for context in contexts for _ in range(2)]
    assert len({each.key_id for each in sealed}) == 4
    stranger = here.process()
    for each in sealed[:2]:
        for other in (replace(contexts[0], tenant="b"), replace(contexts[0], subject="y")):
            for process in (one, stranger):
                with pytest.raises(UnknownKeyError):
                    await process.decrypt(each, other)
    with pytest.raises(UnknownKeyError):
        await one.decrypt(replace(sealed[0], key_id="k-none"), contexts[0])


async def test_many_at_once_share_one_key(here: Installation) -> None:
    processes = [here.process() for _ in range(3)]
    sealed = await asyncio.gather(*(process.encrypt(b"x", CONTEXT) for process in processes for _ in range(10)))
    assert len({each.key_id for each in sealed}) == 1


async def test_new_keys_after_a_rotation_and_the_old_ones_open(here: Installation) -> None:
    one, two = here.process(), here.process()
    before = await one.encrypt(b"before", CONTEXT)
    assert await one.management.rotate("acme", None) == 1
    assert await one.management.rotate("b", None) == 0
    after = await one.encrypt(b"after", CONTEXT)
    assert before.key_id != after.key_id
    assert [await two.decrypt(each, CONTEXT) for each in (before, after)] == [b"before", b"after"]


async def test_a_process_uses_a_retired_key_for_a_while_only(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_management, "KEPT_S", 0.0)
    one, two = here.process(), here.process()
    before = await one.encrypt(b"x", CONTEXT)
    await two.management.rotate("acme", "tokens")
    assert (await one.encrypt(b"x", CONTEXT)).key_id != before.key_id


async def test_a_key_that_is_too_old_encrypts_no_more(here: Installation, pool: PostgresPool) -> None:
    before = await here.process().encrypt(b"x", CONTEXT)
    await pool.execute("UPDATE annals.data_keys SET created_at = created_at - interval '8 days'")
    assert (await here.process().encrypt(b"x", CONTEXT)).key_id == before.key_id
    after = await here.process(rotation=timedelta(days=7)).encrypt(b"x", CONTEXT)
    assert after.key_id != before.key_id
    assert await here.process().decrypt(before, CONTEXT) == b"x"


async def test_no_key_is_used_more_often_than_its_bound(here: Installation) -> None:
    processes = [here.process(max_uses=5) for _ in range(2)]
    sealed = [await process.encrypt(b"x", CONTEXT) for _ in range(11) for process in processes]
    counts = [sum(each.key_id == key_id for each in sealed) for key_id in {each.key_id for each in sealed}]
    assert max(counts) <= 5 and sum(counts) == 22


async def test_a_new_master_key_wraps_the_same_data_keys(here: Installation) -> None:
    one = here.process()
    sealed = [await one.encrypt(b"x", replace(CONTEXT, subject=str(number))) for number in range(5)]
    old = here.path.read_text()
    assert await here.process().management.rewrap(rotate_master=True) == 5
    assert old.strip() not in here.path.read_text() and len(here.path.read_text().split()) == 1
    for number, each in enumerate(sealed):
        context = replace(CONTEXT, subject=str(number))
        assert await one.decrypt(each, context) == await here.process().decrypt(each, context) == b"x"
    assert await here.process().management.rewrap(rotate_master=False) == 0
    assert (await one.encrypt(b"x", replace(CONTEXT, subject="new"))).key_id
    here.path.write_text(old)
    with pytest.raises(MasterKeyError, match="restore it from its backup"):
        await here.process().decrypt(sealed[0], replace(CONTEXT, subject="0"))


async def test_a_rotation_that_was_cut_off_is_finished_by_the_next(here: Installation) -> None:
    sealed = await here.process().encrypt(b"x", CONTEXT)
    await FileMasterKey(here.path).rotate()
    assert await here.process().decrypt(sealed, CONTEXT) == b"x"
    assert await here.process().management.rewrap(rotate_master=False) == 1
    assert len(here.path.read_text().split()) == 1
    assert await here.process().decrypt(sealed, CONTEXT) == b"x"


async def test_keys_made_while_the_master_key_changes_are_not_lost(here: Installation) -> None:
    processes = [here.process() for _ in range(3)]
    subjects = [f"s{number}" for number in range(30)]

    async def seal(number: int, subject: str):  # type: ignore[no-untyped-def]
        return await processes[number % 3].encrypt(subject.encode(), replace(CONTEXT, subject=subject))

    async def rotate() -> None:
        for _ in range(3):
            await here.process().management.rewrap(rotate_master=True)

    *sealed, _ = await asyncio.gather(*(seal(number, subject) for number, subject in enumerate(subjects)), rotate())
    fresh = here.process()
    for subject, each in zip(subjects, sealed, strict=True):
        assert await fresh.decrypt(each, replace(CONTEXT, subject=subject)) == subject.encode()


@pytest.mark.parametrize("use", ["encrypt", "decrypt", "check"])
async def test_a_key_that_was_wrapped_anew_since_it_was_read_is_read_again(
    here: Installation, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    sealed = await here.process().encrypt(b"x", CONTEXT)
    one = here.process()
    unwrap = one.master.unwrap

    async def late(wrapped: WrappedKey, associated: bytes) -> bytes:
        monkeypatch.undo()
        assert await here.process().management.rewrap(rotate_master=True) == 1
        return await unwrap(wrapped, associated)

    monkeypatch.setattr(one.master, "unwrap", late)
    if use == "encrypt":
        assert (await one.encrypt(b"x", CONTEXT)).key_id == sealed.key_id
    elif use == "decrypt":
        assert await one.decrypt(sealed, CONTEXT) == b"x"
    else:
        assert await one.management.check() == 1
    assert one.master.unwrap == unwrap, "it came late"


async def test_a_lost_master_key_is_never_replaced_silently(here: Installation) -> None:
    await here.process().encrypt(b"x", CONTEXT)
    here.path.unlink()
    with pytest.raises(MasterKeyError, match="is missing; restore it"):
        await here.process().encrypt(b"x", replace(CONTEXT, subject="other"))
    assert not here.path.exists()


async def test_a_destroyed_key_takes_what_it_sealed_with_it(here: Installation, pool: PostgresPool) -> None:
    one = here.process()
    mine = [await one.encrypt(b"x", replace(CONTEXT, subject="document/1"))]
    await one.management.rotate("acme", "document/1")
    mine.append(await one.encrypt(b"x", replace(CONTEXT, subject="document/1")))
    other = await one.encrypt(b"x", replace(CONTEXT, subject="document/2"))
    assert await one.management.destroy("acme", "document/1") == sorted({each.key_id for each in mine})
    for process in (one, here.process()):
        for each in mine:
            with pytest.raises(KeyDestroyedError):
                await process.decrypt(each, replace(CONTEXT, subject="document/1"))
        assert await process.decrypt(other, replace(CONTEXT, subject="document/2")) == b"x"
    rows = await pool.fetch("SELECT * FROM annals.data_keys WHERE subject = 'document/1'")
    assert [(row["wrapped"], row["master"]) for row in rows] == [(None, None)] * 2
    assert await here.process().management.rewrap(rotate_master=True) == 1


async def test_a_wrapped_key_cannot_stand_in_another_row(here: Installation, pool: PostgresPool) -> None:
    one = here.process()
    mine = await one.encrypt(b"x", CONTEXT)
    await one.encrypt(b"x", replace(CONTEXT, tenant="b"))
    await pool.execute(
        "UPDATE annals.data_keys AS t SET wrapped = s.wrapped FROM annals.data_keys AS s "
        "WHERE t.tenant = 'acme' AND s.tenant = 'b'"
    )
    with pytest.raises(MasterKeyError, match="was changed, or is another one's"):
        await here.process().decrypt(mine, CONTEXT)


async def test_every_use_is_audited_and_holds_nothing_secret(here: Installation, pool: PostgresPool) -> None:
    one = here.process()
    sealed = await one.encrypt(b"plain words", CONTEXT)
    await one.decrypt(sealed, CONTEXT)
    with pytest.raises(DecryptionError):
        await one.decrypt(sealed, replace(CONTEXT, purpose="other"))
    found = [each.entry for each in await AuditEntries(pool).newest("acme", AuditFilter(), None, 10)]
    assert [(e.action, e.outcome, e.resource, e.object_id, e.actor) for e in reversed(found)] == [
        ("encrypt", "success", "keys", sealed.key_id, "ines"),
        ("decrypt", "success", "keys", sealed.key_id, "ines"),
        ("decrypt", "failed", "keys", sealed.key_id, "ines"),
    ]
    assert "plain" not in repr(found) and found[1].reason == "signing key 1"
