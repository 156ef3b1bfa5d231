"""Commands where nothing is up, which start what they need for their own length; and `up` from start to ctrl-C."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from annals.embedded.postgres import EmbeddedPostgres
from annals.roles import UP
from annals.supervision.state import holder, read_state
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, annals, annals_json, environment, given, refused
from tests.annals.processes import beats, healthy, of_folder, until
from tests.conftest import PostgresServer

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(300)]

PASSAGES = 40


def running(data: Path) -> set[str]:
    """Roles that a supervisor keeps running for this folder."""
    state = read_state(data)
    return {role for role, pids in state.processes.items() if pids} if state is not None else set()


def users(data: Path) -> set[str]:
    """Processes that hold the lock of those who use the servers."""
    file = (data / "run" / "users").stat()
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {lock[4] for lock in locks if lock[1] == "FLOCK" and lock[5].endswith(f":{file.st_ino}")}


@contextmanager
def started(data: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs beside the test."""
    process = subprocess.Popen(
        [*ANNALS, *arguments, "--data", str(data)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_a_command_starts_what_it_needs_and_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    article = tmp_path / "article.md"
    article.write_text("# Alder Mill\n\nAlder Mill was built by Greta Fairfax in 1802 to grind rye.")
    taken = annals_json(data, "ingest", str(article), "--wait")
    assert (taken["documents"], taken["processed"]) == (1, 1)
    assert until(lambda: of_folder(data) == [])
    asked = annals_json(data, "ask", "Who built Alder Mill?")
    assert "Greta Fairfax" in asked["answer"]
    assert asked["sources"][0]["document_id"] == str(article)
    assert until(lambda: of_folder(data) == [])
    status = given(data, "status")
    assert (status["documents"], status["addresses"], status["processes"]) == (1, {}, {})
    assert not (data / "run" / "state.json").exists()


def test_documents_wait_where_nobody_processes_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (tmp_path / "article.md").write_text("# Alder Mill\n\nAlder Mill was built by Greta Fairfax in 1802.")
    done = annals(data, "ingest", str(tmp_path / "article.md"))
    assert "run `annals up`, or ingest with --wait" in done.stdout
    status = given(data, "status")
    assert (status["events"], status["chunks"]) == ({"DocumentIngested": 1}, 0)


def test_an_ingest_that_is_stopped_can_be_finished_later(tmp_path: Path) -> None:
    data, corpus = tmp_path / "data", tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    for number in (signal.SIGINT, signal.SIGTERM):
        with started(data, "ingest", str(corpus), "--wait") as ingest:
            assert until(lambda: "worker" in running(data), limit_s=120)
            ingest.send_signal(number)
            output, said = ingest.communicate(timeout=60)
        assert ingest.returncode == 130, said
        assert said == "stopped\n"
        assert output == ""
        assert of_folder(data) == []

    finished = annals_json(data, "ingest", str(corpus), "--wait")
    assert (finished["documents"], finished["processed"]) == (PASSAGES, PASSAGES)
    events = given(data, "status")["events"]
    assert events["DocumentIngested"] == events["DocumentProcessed"] == PASSAGES


def test_two_commands_share_servers_that_end_with_the_last_user(tmp_path: Path) -> None:
    """The second one joins the first one's servers, and goes on where that one is stopped by ctrl-C."""
    data, corpus = tmp_path / "data", tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    with started(data, "ingest", str(corpus), "--wait", "--json") as first:
        assert until(lambda: "worker" in running(data), limit_s=120)
        with started(data, "ingest", str(corpus), "--wait", "--json") as second:
            assert until(lambda: len(users(data)) == 2)
            first.send_signal(signal.SIGINT)
            _, said = first.communicate(timeout=60)
            assert (first.returncode, said) == (130, "stopped\n")
            assert "worker" in running(data), "the servers are there for the second one"
            output, said = second.communicate(timeout=240)
    assert second.returncode == 0, said
    taken = json.loads(output)
    assert (taken["documents"], taken["processed"]) == (PASSAGES, PASSAGES)
    assert of_folder(data) == []


def test_a_command_that_processes_joins_one_that_does_not(tmp_path: Path) -> None:
    """And servers of a user that was killed end, too."""
    data = tmp_path / "data"
    article = tmp_path / "article.md"
    article.write_text("# Alder Mill\n\nAlder Mill was built by Greta Fairfax in 1802 to grind rye.")
    with started(data, "ingest", "-") as waiting:
        assert until(lambda: running(data) == {"postgres"}, limit_s=60)
        taken = annals_json(data, "ingest", str(article), "--wait")
        assert taken["processed"] == 1
        assert running(data) > {"postgres", "broker", "worker"}, "the one that waits for its input uses them still"
        waiting.kill()
        waiting.wait()
        assert until(lambda: of_folder(data) == [])


def test_a_killed_keeper_is_noticed_by_the_next_command(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data, "ingest", "-"):
        assert until(lambda: running(data) == {"postgres"}, limit_s=60)
        keeper = holder(data)
        assert keeper
        os.kill(keeper, signal.SIGKILL)
        assert until(lambda: running(data) == set())
        assert given(data, "status")["documents"] == 0
        assert holder(data) != keeper
    assert until(lambda: of_folder(data) == [])


def test_up_from_start_to_end(tmp_path: Path) -> None:
    data = tmp_path / "data"
    pipeline = Pipeline(data)
    try:
        assert set(pipeline.addresses) == {"broker", "gateway", "postgres", "inbox_topic"}
        said = (data / "up.log").read_text()
        assert "Annals is up." in said and "Ctrl-C stops everything." in said
        holder = refused(data, "up")
        assert holder.startswith("this data folder is kept running by process ")
        assert given(data, "status")["processes"].keys() > {"relay", "worker"}, "the second one disturbed nothing"
        assert until(lambda: given(data, "status")["events"].get("ModelLoaded", 0) == 3, limit_s=120), "it is idle"
        assert until(lambda: set(beats(data)) == set(UP), limit_s=120) and healthy(data)
    finally:
        seconds = pipeline.stop()
    # About one second on a quiet machine. What does not end by itself is killed, and that takes ten.
    assert seconds < 8, "everything ends by itself"
    said = (data / "up.log").read_text()
    assert "does not stop" not in said and "Traceback" not in said
    assert beats(data) == {} and not healthy(data), "a clean end leaves no sign of life"
    assert of_folder(data) == []


def test_a_start_that_fails_says_why_and_leaves_no_socket(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 20) / ("er" * 20)
    embedded = EmbeddedPostgres(data)
    (embedded.folder / "data").mkdir(parents=True)
    (embedded.folder / "data" / "PG_VERSION").write_text("12\n")
    said = refused(data, "up")
    assert said.startswith("postgres ended while starting: ") and "could not access the server configuration" in said
    assert not embedded.socket_folder.exists() and str(embedded.socket_folder).startswith("/tmp/annals-")
    assert of_folder(data) == []


READING = [
    ("status",),
    ("ask", "Who?"),
    ("search", "glass"),
    ("list",),
    ("entity", "list"),
    ("entity", "rename", "a", "b"),
    ("relation", "list"),
    ("chunk", "list", "a"),
    ("models", "list"),
    ("review",),
    ("prove", "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11"),
    ("show", "a"),
    ("history", "a"),
    ("verify",),
    ("replay", "all"),
    ("delete", "a"),
    ("dead-letters", "list"),
    ("export", "-", "--keys", "keys"),
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_what_only_reads_makes_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = refused(tmp_path / "typo", *command)
    assert said.startswith(f"there is nothing in the data folder {tmp_path / 'typo'}: ") and "--data" in said
    assert list(tmp_path.iterdir()) == []


def test_an_impatient_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data, "up") as up:
        assert until(lambda: "worker" in running(data), limit_s=120)
        for _ in range(5):
            os.kill(up.pid, signal.SIGINT)
            until(lambda: False, limit_s=0.1)
        _, said = up.communicate(timeout=60)
    assert "Traceback" not in said
    assert of_folder(data) == []


@pytest.fixture
def empty(postgres_server: PostgresServer) -> Iterator[str]:
    """A database that nobody ever used."""
    name, admin = "never_used", postgres_server.dsn("postgres")
    asyncio.run(_run(admin, f"CREATE DATABASE {name} TEMPLATE template0"))
    yield postgres_server.dsn(name)
    asyncio.run(_run(admin, f"DROP DATABASE {name} WITH (FORCE)"))


async def _run(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_what_only_reads_leaves_an_empty_database_empty(tmp_path: Path, empty: str, command: tuple[str, ...]) -> None:
    said = refused(tmp_path / "data", *command, env={"ANNALS_POSTGRES": empty, "ANNALS_BROKER": "127.0.0.1:1"})
    assert said.startswith("PostgreSQL at postgresql://") and "holds no log yet: " in said and "annals ingest" in said
    assert asyncio.run(_run(empty, "SELECT FROM pg_namespace WHERE nspname = 'annals'")) == []
