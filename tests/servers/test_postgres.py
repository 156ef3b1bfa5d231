"""PostgreSQL by address, with a user and a password: used as it is, or refused in one line that says why."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from annals.supervision.state import Lock
from tests.annals.pipeline import annals, called, given
from tests.servers.postgres import execute, of_database

SECRET = "nobody-may-see-this"
READER = "annals_test_reader"


def made(dsn: str, folder: Path) -> dict[str, str]:
    """Have Annals' database there, with one document, as commands that only read make none; what opens it elsewhere."""
    article = folder / "made.md"
    article.write_text("# Made\n\nThis is here.")
    env = {"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": "127.0.0.1:1"}
    given(folder / "maker", "ingest", str(article), env=env)
    return {**env, "ANNALS_MASTER_KEY_FILE": str(folder / "maker" / "master.key")}


@pytest.fixture
def reader(postgres_dsn: str, tmp_path: Path) -> Iterator[None]:
    """A user who may connect to a database that Annals made, and nothing else."""
    made(postgres_dsn, tmp_path)
    execute(postgres_dsn, f"CREATE ROLE {READER} LOGIN PASSWORD '{SECRET}'")
    yield
    execute(postgres_dsn, f"DROP ROLE {READER}")


def wrong_password(dsn: str) -> str:
    return _of_user(dsn, "annals")


def no_such_database(dsn: str) -> str:
    return of_database(dsn, "nowhere")


def not_allowed(dsn: str) -> str:
    return _of_user(dsn, READER)


def password_not_spelled(dsn: str) -> str:
    return f"postgresql://annals:{SECRET}:/?#@{urlsplit(dsn).hostname}/annals"


def nobody_there(dsn: str) -> str:
    return f"postgresql://annals:{SECRET}@127.0.0.1:1/annals"


def _of_user(dsn: str, user: str) -> str:
    address = urlsplit(dsn)
    return address._replace(netloc=f"{user}:{SECRET}@{address.hostname}:{address.port}").geturl()


REFUSED: list[tuple[Callable[[str], str], str]] = [
    (wrong_password, "PostgreSQL refuses the connection: password authentication failed"),
    (no_such_database, 'PostgreSQL refuses the connection: database "nowhere" does not exist'),
    (not_allowed, "PostgreSQL refuses a command: permission denied"),
    (password_not_spelled, "postgres (the variable ANNALS_POSTGRES): is no address; write postgresql://"),
    (nobody_there, "PostgreSQL does not answer: "),
]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("command", [("list",), ("run", "relay"), ("run", "intake")], ids=" ".join)
@pytest.mark.parametrize(("wrong", "said"), REFUSED, ids=[wrong.__name__ for wrong, _ in REFUSED])
def test_what_is_wrong_with_it_is_said_in_one_line(
    postgres_dsn: str, tmp_path: Path, wrong: Callable[[str], str], said: str, command: tuple[str, ...]
) -> None:
    env = {"ANNALS_POSTGRES": wrong(postgres_dsn), "ANNALS_BROKER": "127.0.0.1:1"}
    if command[0] == "run":
        role = annals(tmp_path, *command, env=env, check=False, limit_s=60)
        code, line = role.returncode, role.stderr
    else:
        done = called(tmp_path, *command, env=env)
        code, line = done.exit_code, done.stderr
    assert code == (2 if wrong is password_not_spelled else 1)
    assert line.startswith(f"Error: {said}") and line.count("\n") == 1, line
    assert SECRET not in line


def test_a_database_of_a_newer_annals_is_left_alone(postgres_dsn: str, tmp_path: Path) -> None:
    env = made(postgres_dsn, tmp_path)
    assert given(tmp_path, "list", env=env)["documents"] == []
    execute(postgres_dsn, "INSERT INTO annals.migrations (number, name) VALUES (9999, 'tomorrow')")
    done = called(tmp_path, "list", env=env)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "migration 'tomorrow', which this Annals does not know; update it" in done.stderr


def test_commands_use_nothing_of_a_data_folder_that_is_in_use(postgres_dsn: str, tmp_path: Path) -> None:
    """Where all is given by address, one command does not keep another one waiting."""
    env = made(postgres_dsn, tmp_path)
    lock = Lock(tmp_path)
    lock.take()
    try:
        # Kafka is away, which status tells by its exit code.
        status = given(tmp_path, "status", exit_code=1, env=env)
    finally:
        lock.release()
    assert (status["processes"], status["addresses"]["broker"]) == ({}, "127.0.0.1:1")


def test_nobody_is_told_to_start_what_may_run_elsewhere(postgres_dsn: str, tmp_path: Path) -> None:
    env = {"ANNALS_POSTGRES": postgres_dsn, "ANNALS_BROKER": "127.0.0.1:1"}
    article = tmp_path / "article.md"
    article.write_text("# Alder Mill\n\nAlder Mill was built by Greta Fairfax in 1802.")
    taken = called(tmp_path / "data", "ingest", str(article), env=env)
    assert "1 document taken in" in taken.stdout and "annals up" not in taken.stdout
    status = called(tmp_path / "data", "status", env=env)
    assert "log at position 1" in status.stdout
    assert "given by address" in status.stdout and "annals up" not in status.stdout
    # Made by the first who has something to seal, where no other master key is set.
    assert [one.name for one in (tmp_path / "data").iterdir()] == ["master.key"]
