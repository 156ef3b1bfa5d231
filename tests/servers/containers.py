"""A server in Docker."""

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.servers.guard import Guard
from tests.servers.handles import Ready, Server, ServerError

ANSWER_LIMIT_S = 20.0
PULL_LIMIT_S = 900.0


def docker_answers() -> bool:
    """Whether there is a Docker engine that we may use."""
    if shutil.which("docker") is None:
        return False
    try:
        return (
            subprocess.run(["docker", "info"], capture_output=True, timeout=ANSWER_LIMIT_S, check=False).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


@dataclass(frozen=True)
class Container:
    """A pinned image, the port that it listens on inside, its settings, and the arguments of its program."""

    image: str
    port: int
    env: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()


class DockerServer(Server):
    """A container at a port of the loopback interface. Its data live in the container, so they outlast `kill`.

    Written from the documentation of Docker and of the images, and not tried yet: the machines that this was made on
    have no Docker engine.
    """

    def __init__(self, name: str, address: str, ready: Ready, container: Container, title: str, port: int) -> None:
        """`title` is the container's own name, `port` the one outside."""
        super().__init__(name, address, ready)
        self._title = title
        settings = [f"--env={key}={value}" for key, value in container.env.items()]
        publish = f"--publish=127.0.0.1:{port}:{container.port}"
        self._create = ["create", f"--name={title}", publish, *settings, container.image, *container.arguments]
        self._guard = Guard()
        self._guard.tell(["docker", "rm", "--force", "--volumes", title])

    def _launch(self) -> None:
        if self._create:
            _docker(*self._create)
            self._create = []
        _docker("start", self._title)

    def _log(self) -> str:
        return _docker("logs", "--tail=40", self._title)

    def alive(self) -> bool:
        """Whether the container runs."""
        return not self._create and _docker("inspect", "--format={{.State.Running}}", self._title).strip() == "true"

    def kill(self) -> None:
        """SIGKILL to the container's first process."""
        _docker("kill", "--signal=KILL", self._title)

    def close(self) -> None:
        """Remove the container and its volumes, which is what the guard was told."""
        self._guard.close()


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=PULL_LIMIT_S, check=False)
    if done.returncode:
        raise ServerError(f"docker {shlex.join(arguments)}: {done.stderr.strip()}")
    return done.stdout + done.stderr
