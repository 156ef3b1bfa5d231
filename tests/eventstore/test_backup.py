"""deploy/backup and deploy/restore: the log's dump opens nothing without its keys, which are a file of their own."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from annals.embedded.postgres import BINARIES
from eventstore.pool import PostgresPool
from security.errors import UnknownKeyError
from tests.annals.pipeline import ROOT
from tests.eventstore.sealing import Sealing

pytestmark = pytest.mark.skipif(shutil.which("mkfifo") is None, reason="the scripts are for machines with a shell")


@pytest.fixture
async def sealing(dsn: str, pool: PostgresPool) -> AsyncIterator[Sealing]:
    made = Sealing.over(dsn, pool)
    yield made
    made.close()


@pytest.fixture
def env(dsn: str, tmp_path: Path) -> dict[str, str]:
    """PostgreSQL's programs, and an `annals` that has no topics and read models to see to."""
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "annals"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    path = os.pathsep.join((str(programs), str(BINARIES), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "ANNALS_POSTGRES": dsn}


async def run(env: dict[str, str], *command: str | Path) -> "subprocess.CompletedProcess[bytes]":
    return await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, timeout=120, check=False)


async def script(env: dict[str, str], name: str, *files: Path) -> tuple[int, str]:
    """How it ended, and what it said of faults."""
    done = await run(env, ROOT / "deploy" / name, *files)
    return done.returncode, done.stderr.decode()


async def secrets(pool: PostgresPool) -> list[bytes]:
    return [row["wrapped"] for row in await pool.fetch("SELECT wrapped FROM annals.data_keys ORDER BY key_id")]


async def test_a_backup_without_its_keys_opens_nothing(
    sealing: Sealing, pool: PostgresPool, env: dict[str, str], tmp_path: Path
) -> None:
    kept = [*await sealing.take("one", "Ada"), *await sealing.take("two", "Grace")]
    held = await secrets(pool)
    dump, keys = tmp_path / "annals.dump", tmp_path / "elsewhere"
    assert await script(env, "backup", dump, keys) == (0, "")
    assert [one.stat().st_mode & 0o077 for one in (dump, keys)] == [0, 0]
    assert sorted(os.listdir(tmp_path)) == ["annals.dump", "elsewhere", "programs"]
    found = await run(env, "pg_restore", "--file=-", dump)
    assert found.returncode == 0 and not any(one.hex().encode() in found.stdout for one in held)

    await sealing.take("three", "Hopper")
    code, said = await script(env, "restore", dump)
    assert code == 1 and f"cannot read {dump}.keys" in said
    await pool.execute("DROP SCHEMA annals CASCADE")
    assert (await run(env, "pg_restore", f"--dbname={env['ANNALS_POSTGRES']}", dump)).returncode == 0
    sealing.keys.forget()
    with pytest.raises(UnknownKeyError):
        await sealing.reader.after(0, 10)

    code, said = await script(env, "restore", dump, keys)
    assert code == 0, said
    sealing.keys.forget()
    assert await sealing.reader.after(0, 10) == kept and await secrets(pool) == held


async def test_later_keys_open_all_but_what_was_erased_since(
    sealing: Sealing, env: dict[str, str], tmp_path: Path
) -> None:
    await sealing.take("gone", "Ada")
    kept = await sealing.take("kept", "Grace")
    before, after = tmp_path / "before.dump", tmp_path / "after.dump"
    assert await script(env, "backup", before) == (0, "")
    await sealing.destroy("gone")
    assert await script(env, "backup", after) == (0, "")
    code, said = await script(env, "restore", before, after.with_name("after.dump.keys"))
    assert code == 0, said
    sealing.keys.forget()
    assert await sealing.reader.after(0, 10) == kept


async def test_a_backup_of_before_has_its_keys_within(sealing: Sealing, env: dict[str, str], tmp_path: Path) -> None:
    kept = await sealing.take("kept", "Grace")
    dump = tmp_path / "annals.dump"
    whole = await run(env, "pg_dump", "--format=custom", "--schema=annals", f"--dbname={env['ANNALS_POSTGRES']}")
    dump.write_bytes(whole.stdout)
    code, said = await script(env, "restore", dump)
    assert code == 0, said
    sealing.keys.forget()
    assert await sealing.reader.after(0, 10) == kept


async def test_what_is_no_whole_backup_changes_nothing(sealing: Sealing, env: dict[str, str], tmp_path: Path) -> None:
    kept = await sealing.take("kept", "Grace")
    dump = tmp_path / "annals.dump"
    assert await script(env, "backup", dump) == (0, "")
    cut, text = tmp_path / "cut", tmp_path / "text"
    cut.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    text.write_text("no dump")
    for files in ((cut, tmp_path / "annals.dump.keys"), (dump, text), (text, text), (text,)):
        code, said = await script(env, "restore", *files)
        assert code == 1 and "the log is as it was" in said, said
        assert await sealing.reader.after(0, 10) == kept
