"""A gateway as `annals run gateway` starts it, over a real PostgreSQL, with two tenants and what they have."""

import asyncio
import contextlib
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

from annals.composition.use_cases import UseCases, open_use_cases
from annals.embedded.broker import free_port
from annals.settings import Settings, load_settings
from eventstore.dead_letters import DeadLetter, DeadLetters
from inference.embedder import embedder_revision
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from tests.annals.pipeline import ANNALS, environment
from tests.annals.processes import until
from tests.conftest import PostgresServer
from tests.projections.history import History
from tests.projections.stories import Story

T = TypeVar("T")

EMBEDDER = embedder_revision(Settings.model_fields["embedder"].default, None)
HOME, THEIRS = "default", "theirs"
UNBLOCKED = {"ANNALS_THREAT_FAILURES": "1000000", "ANNALS_THREAT_DENIALS": "1000000"}
"""Threats have tests of their own: here one attack shall not be refused for the one before."""


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(30)


def root(tenant: str = HOME) -> Caller:
    """Who may do everything in a tenant."""
    return Caller(tenant, "root", "test", FULL_ACCESS)


@dataclass
class RealGateway:
    """A process. `port` is the same after each start."""

    dsn: str
    data: Path
    port: int
    process: "subprocess.Popen[bytes]"
    env: Mapping[str, str]

    @classmethod
    def start(cls, dsn: str, data: Path, **env: str) -> "RealGateway":
        """One that takes connections."""
        data.mkdir(parents=True, exist_ok=True)
        port = free_port()
        given = {
            "ANNALS_POSTGRES": dsn,
            "ANNALS_BROKER": "127.0.0.1:1",
            "ANNALS_GATEWAY_PORT": str(port),
            **UNBLOCKED,
            **env,
        }
        opened = cls(dsn, data, port, _started(data, given), given)
        opened.wait()
        return opened

    def again(self) -> None:
        """Start it anew, after it was killed."""
        self.process = _started(self.data, self.env)
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        assert until(self._answers, limit_s=90), self.log()

    def wait_for_models(self) -> None:
        """Until they are loaded, and memory is what it will be."""
        assert until(lambda: self._answers("ready"), limit_s=150), self.log()

    def _answers(self, what: str = "live") -> bool:
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/{what}", timeout=5, verify=False).status_code == 200
        return False

    def log(self) -> str:
        """What it wrote."""
        return (self.data / "gateway.log").read_text(errors="replace")

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """As it has them."""
        return load_settings(data=self.data)

    @property
    def resident_bytes(self) -> int:
        """What it holds in memory."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """In good order, killed if that takes long."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.kill()


class Inside:
    """The use cases over the same stores, in this process: what a test prepares and looks at."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._runner, self._stack = asyncio.Runner(), contextlib.AsyncExitStack()
        self._use_cases = self._runner.run(self._stack.enter_async_context(open_use_cases(settings, dsn)))

    def do(self, work: Callable[[UseCases], Awaitable[T]]) -> T:
        """Its result."""

        async def done() -> T:
            return await work(self._use_cases)

        return self._runner.run(done())

    def close(self) -> None:
        """Close the stores."""
        self._runner.run(self._stack.aclose())
        self._runner.close()


@contextlib.contextmanager
def database(server: PostgresServer, name: str) -> Iterator[str]:
    """A fresh, migrated database, for longer than one test."""
    server.execute(f"CREATE DATABASE {name} TEMPLATE annals")
    try:
        yield server.dsn(name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _started(data: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    with (data / "gateway.log").open("ab") as output:
        return subprocess.Popen(
            [*ANNALS, "run", "gateway", "--data", str(data)],
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


@dataclass(frozen=True)
class Embedded(Story):
    """With vectors that pass for the default embedder's."""

    dimension: int = 384

    @property
    def embedder(self) -> str:
        """Its revision."""
        return EMBEDDER


OURS = Embedded("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour", tenant=HOME)
SECRET = Embedded("vault", ("Xerxes met Yolanda.", "Yolanda saw Zeno."), title="Secretum", tenant=THEIRS)


async def furnish(use_cases: UseCases, history: History, letters: DeadLetters) -> dict[str, int]:
    """A document, entities, a question and a dead letter for each tenant, in the log and the read models; the letters
    by tenant."""
    await history.tell(OURS, SECRET)
    for tenant in (HOME, THEIRS):
        await history.ask(f"question-{tenant}", tenant=tenant, chains=("One met another.",))
    await letters.add([_letter(tenant) for tenant in (HOME, THEIRS)])
    await use_cases.operations.rebuilding.replay(root(), READ_MODELS, lambda _: None, deadline=Deadline.after(120))
    found = {tenant: await letters.newest(tenant, None, 1) for tenant in (HOME, THEIRS)}
    return {tenant: own[0].id or 0 for tenant, own in found.items()}


def _letter(tenant: str) -> DeadLetter:
    return DeadLetter("chunking", f"letter of {tenant}", "annals.documents", 0, 1, None, b"x", "E", "c", tenant=tenant)
