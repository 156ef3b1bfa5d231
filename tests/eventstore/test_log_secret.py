"""The secret of a log: made with it, kept with its keys, carried along by exports; logs of before go on without."""

import asyncio
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from eventstore.archive import ArchiveReader
from eventstore.archive_keys import KeysReader
from eventstore.errors import StoreUnavailableError
from eventstore.key_management import KeyManagementService
from eventstore.log_ids import PUBLIC_IDS, LogIds
from eventstore.log_secret import SUBJECT, open_ids
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.transfer import dump, restore
from security.encryption import MAX_USES
from security.errors import LogSecretError, MasterKeyError
from security.master_key import FileMasterKey, VariableMasterKey
from tests.conftest import PostgresServer
from tests.eventstore.sealing import MASTER, Sealing, key, stream_keys

WITH_ALL = "INSERT INTO annals.data_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
MASTER_KEY = VariableMasterKey(MASTER.text)


@pytest.fixture
async def ids(pool: PostgresPool) -> LogIds:
    """Of the log, which is new."""
    return await open_ids(pool, MASTER_KEY)


@pytest.fixture
def sealing(dsn: str, pool: PostgresPool, ids: LogIds) -> Iterator[Sealing]:
    opened = Sealing.over(dsn, pool, ids=ids)
    yield opened
    opened.close()


async def exported(pool: PostgresPool) -> tuple[bytes, bytes]:
    """The archive, and what opens it."""
    file, keys = io.BytesIO(), io.BytesIO()
    await dump(pool, file, outputs=True, report=lambda _: None, keys=keys, master=MASTER_KEY)
    return file.getvalue(), keys.getvalue()


async def take(pool: PostgresPool, archive: bytes, keys: bytes) -> None:
    opening = KeysReader(io.BytesIO(keys))
    await restore(pool, ArchiveReader(io.BytesIO(archive)), lambda _: None, MASTER_KEY, opening)


async def test_a_new_log_gets_a_secret_once(pool: PostgresPool) -> None:
    opened = await asyncio.gather(*(open_ids(pool, MASTER_KEY) for _ in range(5)))
    (stream,) = {one.stream(key("d")) for one in opened}
    assert stream != PUBLIC_IDS.stream(key("d"))
    assert await pool.fetchval("SELECT count(*) FROM annals.data_keys") == 1
    said = await pool.fetchval("SELECT row_to_json(s)::text FROM annals.log_secret AS s")
    assert opened[0].fingerprint is not None and opened[0].fingerprint.hex() in said, "and nothing else of it"


async def test_events_are_found_under_it_by_every_process(sealing: Sealing, ids: LogIds) -> None:
    told = await sealing.take("d", "Ada")
    streams = await sealing.pool.fetch("SELECT DISTINCT originator_id FROM annals.stored_events")
    assert [str(row["originator_id"]) for row in streams] == [str(ids.stream(key("d")))]
    again = await open_ids(sealing.pool, MASTER_KEY)
    other = EventReader(sealing.pool, stream_keys(sealing.pool, ids=again))
    assert await other.of_aggregate(*key("d")) == told
    assert await EventReader(sealing.pool, stream_keys(sealing.pool)).of_aggregate(*key("d")) == []


async def test_a_log_of_before_goes_on_without(dsn: str, pool: PostgresPool) -> None:
    before = Sealing.over(dsn, pool)
    try:
        told = await before.take("d", "Ada")
        ids = await open_ids(pool, MASTER_KEY)
        assert ids is PUBLIC_IDS is await open_ids(pool, MASTER_KEY)
        reader = EventReader(pool, stream_keys(pool, ids=ids))
        assert await reader.of_aggregate(*key("d")) == told
    finally:
        before.close()


async def test_a_log_without_its_keys_is_not_opened(sealing: Sealing) -> None:
    await sealing.take("d", "Ada")
    rows = await sealing.pool.fetch("DELETE FROM annals.data_keys WHERE subject = $1 RETURNING *", SUBJECT)
    with pytest.raises(LogSecretError):
        await open_ids(sealing.pool, MASTER_KEY)
    await sealing.pool.execute(WITH_ALL, *rows[0].values())
    await open_ids(sealing.pool, MASTER_KEY)


async def test_another_logs_keys_do_not_open_it(pool: PostgresPool, empty: PostgresPool, ids: LogIds) -> None:
    await open_ids(empty, MASTER_KEY)
    theirs = await empty.fetchrow("SELECT master, wrapped FROM annals.data_keys")
    assert theirs is not None
    await pool.execute("UPDATE annals.data_keys SET master = $1, wrapped = $2", *theirs.values())
    with pytest.raises(MasterKeyError):
        await open_ids(pool, MASTER_KEY)
    # As it would be if its id came along.
    await pool.execute("UPDATE annals.log_secret SET fingerprint = $1", bytes(32))
    await pool.execute("DELETE FROM annals.data_keys")
    row = await empty.fetchrow("SELECT * FROM annals.data_keys")
    assert row is not None
    await pool.execute(WITH_ALL, *row.values())
    await pool.execute("UPDATE annals.log_secret SET key_id = $1", row["key_id"])
    with pytest.raises(LogSecretError):
        await open_ids(pool, MASTER_KEY)


async def test_a_new_master_key_wraps_it_anew(pool: PostgresPool, tmp_path: Path) -> None:
    master = FileMasterKey(tmp_path / "master.key")
    ids = await open_ids(pool, master)
    former = (tmp_path / "master.key").read_text()
    management = KeyManagementService(pool, master, timedelta(days=90), MAX_USES)
    assert await management.rewrap(rotate_master=True) == 1
    assert (tmp_path / "master.key").read_text() != former
    assert (await open_ids(pool, master)).fingerprint == ids.fingerprint


async def test_no_tenants_command_destroys_it(sealing: Sealing, ids: LogIds) -> None:
    management = KeyManagementService(sealing.pool, MASTER_KEY, timedelta(days=90), MAX_USES)
    await management.rotate("default", None)
    assert await management.destroy("default", SUBJECT) == []
    assert (await open_ids(sealing.pool, MASTER_KEY)).fingerprint == ids.fingerprint


async def test_an_archive_carries_it(sealing: Sealing, empty: PostgresPool, ids: LogIds) -> None:
    """Also into a log that has one of its own already."""
    told = await sealing.take("d", "Ada")
    assert (await open_ids(empty, MASTER_KEY)).fingerprint != ids.fingerprint
    await take(empty, *await exported(sealing.pool))
    taken = await open_ids(empty, MASTER_KEY)
    assert taken.fingerprint == ids.fingerprint
    assert await EventReader(empty, stream_keys(empty, ids=taken)).of_aggregate(*key("d")) == told
    assert await empty.fetchval("SELECT count(*) FROM annals.data_keys WHERE subject = $1", SUBJECT) == 1


async def test_an_archive_of_before_makes_a_log_of_before(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    before = Sealing.over(dsn, pool)
    try:
        told = await before.take("d", "Ada")
    finally:
        before.close()
    await open_ids(empty, MASTER_KEY)
    await take(empty, *await exported(pool))
    taken = await open_ids(empty, MASTER_KEY)
    assert taken is PUBLIC_IDS
    assert await EventReader(empty, stream_keys(empty, ids=taken)).of_aggregate(*key("d")) == told


async def test_whoever_has_the_log_open_while_another_is_imported_appends_nothing_to_it(
    sealing: Sealing, empty: PostgresPool, postgres_server: PostgresServer
) -> None:
    """It would begin streams of the same documents a second time."""
    await sealing.take("d", "Ada")
    open_before = Sealing.over(postgres_server.dsn("other"), empty, ids=await open_ids(empty, MASTER_KEY))
    try:
        await open_before.keys.for_appending({PUBLIC_IDS.stream(key("x")): "default"}, ())
        await take(empty, *await exported(sealing.pool))
        with pytest.raises(StoreUnavailableError, match="another log was imported"):
            await open_before.take("d", "Ada")
    finally:
        open_before.close()
