"""Redis, with every write in its append-only file before the client hears of it."""

import shutil
from pathlib import Path

from redis import Redis

from tests.servers.containers import Container
from tests.servers.packages import Say, debian
from tests.servers.processes import Launch
from tests.servers.ways import Recipe

VERSION = "7.0.15"
SETTINGS = ("--appendonly", "yes", "--save", "")


def _address(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


def _ready(address: str) -> None:
    with Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()


def _container(port: int) -> Container:
    return Container(f"redis:{VERSION}", 6379, arguments=["redis-server", *SETTINGS])


def _launch(folder: Path, port: int, say: Say) -> Launch:
    # Debian's redis-check-rdb, of the package redis-tools, is the server's binary: its name decides what it does.
    # So no package is needed that would start a server of its own.
    program = folder / "redis-server"
    program.symlink_to(shutil.which("redis-server") or debian("redis-tools", "redis-check-rdb"))
    where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    return Launch([str(program), *where, *SETTINGS])


REDIS = Recipe("Redis", "ANNALS_TEST_REDIS", _address, _ready, _container, _launch)
