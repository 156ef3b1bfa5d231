"""`annals readers`, on a database alone."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from annals.addresses import reader_address
from tests.annals.test_audit import Commands


@pytest.fixture
def commands(tmp_path: Path, dsn: str) -> Commands:
    return Commands(tmp_path / "data", dsn)


def test_a_reader_is_added_reads_and_is_removed(commands: Commands, dsn: str) -> None:
    name = f"r{uuid4().hex[:12]}"
    assert commands.json("readers", "list") == {"readers": []}
    added = commands.json("readers", "add", name)
    assert added["reader"]["tenant"] == "default"
    parts = urlsplit(added["address"])
    assert parts.username == added["reader"]["role"] and parts.password

    async def documents() -> int:
        connection = await asyncpg.connect(dsn.replace("postgres@", f"{parts.username}:{parts.password}@"), timeout=10)
        try:
            count: int = await connection.fetchval("SELECT count(*) FROM documents")
            return count
        finally:
            await connection.close()

    assert asyncio.run(documents()) == 0
    assert [one["name"] for one in commands.json("readers", "list")["readers"]] == [name]
    assert parts.password not in commands.run("readers", "list").output
    assert commands.json("readers", "remove", name) == {"removed": name}
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(documents())


def test_the_address_is_postgresqls_with_the_readers_login() -> None:
    given = "postgresql://annals:secret@db.example:5433/annals?sslmode=verify-full&sslkey=/key&application_name=x"
    assert reader_address(given, "r", "pw", None) == "postgresql://r:pw@db.example:5433/annals?sslmode=verify-full"
    embedded = "postgresql://postgres@/annals?host=/data/postgres/socket&port=6543"
    assert reader_address(embedded, "r", "pw", 6543) == "postgresql://r:pw@127.0.0.1:6543/annals"
