"""PostgreSQL fails in the middle of what is asked of it: cut connections, a full disk, a clock that jumps."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from eventstore.migrations import migrate
from tests.conftest import Databases, PostgresServer, eventually
from tests.faults.proxy import Cut, CuttingProxy
from tests.faults.seeds import first_seed, rounds
from tests.faults.storm import Storm
from tests.faults.world import open_world
from tests.servers.packages import FetchError, MissingError, debian

MOST_BYTES = 12_000
"""To the server, before a cut: an operation sends a few thousand, and its deliveries tens of thousands."""
DISK = 192 * 1024 * 1024
DAYS = 60
"""That a clock may jump to: more rounds are not on days of their own."""


async def cut(server: PostgresServer, database: str, folder: Path, seed: int, count: int) -> None:
    """So many rounds, in each of which every connection is cut once."""
    chance, began = random.Random(seed), time.monotonic()
    print(f"\ncut connections: seed {seed}, {count} rounds", file=sys.stderr)
    proxy = CuttingProxy(server.embedded.socket_folder / ".s.PGSQL.5432")
    proxy.start()
    try:
        dsn = f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}?sslmode=disable"
        async with open_world(dsn, folder) as world:
            storm = Storm(world, chance)
            for number in range(count):
                with proxy.cutting(Cut(chance.randrange(1, MOST_BYTES), answer=chance.random() < 0.5)):
                    await storm.something()
                    await storm.insist(lambda: world.deliver_all(chance))
                await storm.check(verify=number % 10 == 9 or number == count - 1)
    finally:
        proxy.stop()
    print(
        f"cut connections: {proxy.cuts} cuts, {storm.failures} calls failed, {time.monotonic() - began:.1f} s",
        file=sys.stderr,
    )
    assert proxy.cuts > count // 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of DISK bytes in memory; only root can have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system needs root, and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that takes what is free on a disk, but for some bytes."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ballast"

    def fill(self, left: int) -> None:
        """Until so many bytes are left."""
        free = os.statvfs(self._file.parent)
        size = free.f_bavail * free.f_frsize - left
        if size > 0:
            with self._file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)

    def drop(self) -> None:
        """All of it is free again."""
        self._file.unlink(missing_ok=True)


async def fill(server: PostgresServer, ballast: Ballast, folder: Path, seed: int, count: int) -> None:
    """So many rounds, in each of which the disk is full for a while."""
    chance, began = random.Random(seed), time.monotonic()
    print(f"\nfull disk: seed {seed}, {count} rounds", file=sys.stderr)
    restarts = 0

    async def make_room() -> None:
        nonlocal restarts
        ballast.drop()
        if server.process is not None and server.process.poll() is not None:
            restarts += 1
            await asyncio.to_thread(server.start)
        # One that had no room for its write-ahead log recovers from that by itself, and takes nobody until it has.
        await asyncio.to_thread(eventually, server.embedded.ready)

    async with open_world(server.embedded.dsn, folder) as world:
        storm = Storm(world, chance, between=make_room)
        storm.padding = 150
        for number in range(count):
            ballast.fill(chance.randrange(0, 256 * 1024))
            await storm.something()
            await storm.insist(lambda: world.deliver_all(chance))
            await make_room()
            await storm.insist(lambda: storm.check(verify=number % 10 == 9 or number == count - 1))  # noqa: B023
    print(
        f"full disk: {storm.failures} calls failed, {restarts} restarts, {time.monotonic() - began:.1f} s",
        file=sys.stderr,
    )
    assert storm.failures > 0


@pytest.fixture
def small_server(small_disk: Path) -> Iterator[PostgresServer]:
    """On the small disk, with a write-ahead log that leaves room there."""
    with contextlib.ExitStack() as stack:
        server = PostgresServer(small_disk, "max_wal_size=48MB", "min_wal_size=32MB")
        server.start()
        stack.callback(server.stop)
        yield server


@dataclass(frozen=True)
class JumpingClock:
    """The clock of a server, which goes as many seconds wrong as it is told."""

    server: PostgresServer
    file: Path

    def jump(self, seconds: int) -> None:
        """From now on."""
        self.file.write_text(f"{seconds:+d}\n")


@pytest.fixture
def jumping_clock(tmp_path: Path) -> Iterator[JumpingClock]:
    """A server that libfaketime tells the time."""
    try:
        program = Path(debian("faketime", "faketime"))
    except (MissingError, FetchError) as error:
        pytest.skip(f"libfaketime cannot be had: {error}")
    (library,) = list(program.parents[1].glob("lib/*/faketime/libfaketime.so.1"))
    file = tmp_path / "clock"
    file.write_text("+0\n")
    told = ("FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", f"FAKETIME_TIMESTAMP_FILE={file}")
    server = PostgresServer(tmp_path / "jumping", by=["env", f"LD_PRELOAD={library}", *told])
    server.start()
    yield JumpingClock(server, file)
    server.stop()


async def jump(clock: JumpingClock, folder: Path, seed: int, count: int) -> None:
    """So many rounds, before each of which the database's clock jumps, a month at most, forward or back."""
    chance, began, told = random.Random(seed), time.monotonic(), set()
    print(f"\njumping clock: seed {seed}, {count} rounds", file=sys.stderr)
    async with open_world(clock.server.embedded.dsn, folder) as world:
        storm = Storm(world, chance)
        for number in range(count):
            clock.jump(chance.randrange(-30 * 86_400, 30 * 86_400))
            told.add((await world.stores.pool.fetchval("SELECT clock_timestamp()")).date())
            await storm.something()
            await storm.check(verify=number % 10 == 9 or number == count - 1)
    print(f"jumping clock: {len(told)} days, {time.monotonic() - began:.1f} s", file=sys.stderr)
    assert len(told) > min(count, DAYS) // 2, "the clock did not jump"


@pytest.mark.timeout(300)
async def test_a_connection_that_is_cut_loses_and_doubles_nothing(
    postgres_server: PostgresServer, databases: Databases, tmp_path: Path
) -> None:
    await cut(postgres_server, databases.take(), tmp_path, 20_261_126, 40)


@pytest.mark.timeout(300)
async def test_a_full_disk_is_waited_for(small_server: PostgresServer, small_disk: Path, tmp_path: Path) -> None:
    await migrate(small_server.embedded.dsn)
    await fill(small_server, Ballast(small_disk), tmp_path / "data", 20_261_126, 10)


@pytest.mark.timeout(300)
async def test_a_clock_that_jumps_turns_no_order_round(jumping_clock: JumpingClock, tmp_path: Path) -> None:
    await migrate(jumping_clock.server.embedded.dsn)
    await jump(jumping_clock, tmp_path / "data", 20_261_126, 10)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
async def test_a_clock_that_jumps_many_times(jumping_clock: JumpingClock, tmp_path: Path) -> None:
    """ANNALS_TEST_ROUNDS rounds (200)."""
    await migrate(jumping_clock.server.embedded.dsn)
    await jump(jumping_clock, tmp_path / "data", first_seed(), rounds(200))


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
async def test_many_cuts(postgres_server: PostgresServer, databases: Databases, tmp_path: Path) -> None:
    """ANNALS_TEST_ROUNDS rounds (400)."""
    await cut(postgres_server, databases.take(), tmp_path, first_seed(), rounds(400))


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
async def test_a_disk_that_is_full_many_times(small_server: PostgresServer, small_disk: Path, tmp_path: Path) -> None:
    """ANNALS_TEST_ROUNDS rounds (100)."""
    await migrate(small_server.embedded.dsn)
    await fill(small_server, Ballast(small_disk), tmp_path / "data", first_seed(), rounds(100))
