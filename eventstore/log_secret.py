"""The secret of a log, from which its ids follow (`eventstore.log_ids`): made with the log, kept as a data key is.

`annals.log_secret` says which key of `annals.data_keys` it is, and its fingerprint: a log that has lost its keys, or
has those of another one, does not go on under other ids. A log without a row has no secret, and never gets one.
"""

from eventstore.data_keys import NO_TENANT, insert_retired, is_empty
from eventstore.errors import StoreUnavailableError
from eventstore.key_management import TURN, associated_data, new_key_id
from eventstore.log_ids import PUBLIC_IDS, LogIds
from eventstore.pool import Connection, PostgresPool, acquire, take_turn, transaction, try_share_turn
from security.encryption import new_key
from security.errors import LogSecretError, MasterKeyError
from security.master_key import MasterKey, WrappedKey

SUBJECT = "stream/ids"
"""`stream/`, as it goes wherever the keys of streams go; but of no tenant, so that no command destroys it."""
TURN_NAME = "log secret"
_UNUSED = (
    "SELECT NOT EXISTS (SELECT FROM annals.stored_events) "
    "AND NOT EXISTS (SELECT FROM annals.data_keys WHERE subject LIKE 'stream/%')"
)


async def open_ids(pool: PostgresPool, master: MasterKey) -> LogIds:
    """Those of this log; one in which nothing was stored yet gets a secret.

    Raises LogSecretError, MasterKeyError, StoreUnavailableError.
    """
    ids = await _read(pool, master)
    if ids is None and not await _begin(pool, master):
        return PUBLIC_IDS
    ids = ids or await _read(pool, master)
    assert ids is not None, "a secret stays"
    return ids


async def fingerprint(connection: Connection) -> bytes | None:
    """Of the secret that the log has now; None where it has none."""
    found: bytes | None = await connection.fetchval("SELECT fingerprint FROM annals.log_secret")
    return None if found is None else bytes(found)


async def keep(connection: Connection, key_id: str, secret: bytes) -> None:
    """It is that of the log from here on, which has none; its key is stored."""
    await connection.execute(
        "INSERT INTO annals.log_secret (key_id, fingerprint) VALUES ($1, $2)", key_id, LogIds(secret).fingerprint
    )


async def drop(connection: Connection) -> None:
    """An empty log has no secret any more. A process that has the log open cannot append to it: to it, keys changed."""
    await take_turn(connection, TURN_NAME)
    await connection.execute("DELETE FROM annals.data_keys WHERE key_id IN (SELECT key_id FROM annals.log_secret)")
    await connection.execute("DELETE FROM annals.log_secret")
    await connection.execute("UPDATE annals.master_key_changes SET number = number + 1")


async def _read(pool: PostgresPool, master: MasterKey) -> LogIds | None:
    wrapped = await _wrapped(pool)
    if wrapped is None:
        return None
    key_id, known, own = wrapped
    associated = associated_data(key_id, NO_TENANT, SUBJECT)
    try:
        secret = await master.unwrap(own, associated)
    except MasterKeyError:
        # Perhaps it was wrapped anew since, and the master key that wrapped it before is gone.
        again = await _wrapped(pool)
        if again is None or again == wrapped:
            raise
        secret = await master.unwrap(again[2], associated)
    ids = LogIds(secret)
    if ids.fingerprint != known:
        raise LogSecretError()
    return ids


async def _wrapped(pool: PostgresPool) -> tuple[str, bytes, WrappedKey] | None:
    """Id and fingerprint of the secret, and what it is wrapped as."""
    async with acquire(pool) as connection:
        row = await connection.fetchrow(
            "SELECT key_id, fingerprint, master, wrapped FROM annals.log_secret LEFT JOIN annals.data_keys "
            "USING (key_id)"
        )
    if row is None:
        return None
    if row["wrapped"] is None:
        raise LogSecretError()
    return row["key_id"], bytes(row["fingerprint"]), WrappedKey(row["master"], bytes(row["wrapped"]))


async def _begin(pool: PostgresPool, master: MasterKey) -> bool:
    """Give the log a secret where nothing is stored in it; whether it has one now."""
    async with transaction(pool) as connection:
        await take_turn(connection, TURN_NAME)
        if await fingerprint(connection) is not None:
            return True
        if not await connection.fetchval(_UNUSED):
            return False
        if not await try_share_turn(connection, TURN):
            raise StoreUnavailableError("the master key is being changed; try again once that is done")
        if await is_empty(connection):
            await master.begin()
        key_id, secret = new_key_id(), new_key()
        wrapped = await master.wrap(secret, associated_data(key_id, NO_TENANT, SUBJECT))
        await insert_retired(connection, key_id, NO_TENANT, SUBJECT, wrapped)
        await keep(connection, key_id, secret)
    return True
