"""Which way a server comes: given by its address, in Docker, or from published packages."""

import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.servers.containers import Container, DockerServer, docker_answers
from tests.servers.handles import GivenServer, Ready, Server
from tests.servers.packages import MissingError, Say
from tests.servers.processes import Launch, ProcessServer

WANTED = "ANNALS_TEST_SERVERS"


@dataclass(frozen=True)
class Recipe:
    """One server: its name, the variable that may give an address, and how to run it at a loopback port.

    `launch` gets an empty folder for everything it writes, and raises MissingError where the machine lacks something.
    """

    name: str
    variable: str
    address: Callable[[int], str]
    ready: Ready
    container: Callable[[int], Container]
    launch: Callable[[Path, int, Say], Launch]


def wanted(recipe: Recipe) -> bool:
    """Whether somebody asked for tests on this server, by its address or for all of them."""
    return bool(os.environ.get(recipe.variable)) or os.environ.get(WANTED) == "1"


def start(recipe: Recipe, say: Say) -> Server:
    """The server, ready. Raises MissingError, FetchError, ServerError."""
    given = os.environ.get(recipe.variable)
    begun = time.monotonic()
    server: Server
    if given:
        server, way = GivenServer(recipe.name, given, recipe.ready), "at the given address"
    elif docker_answers():
        server, way = _in_docker(recipe), "in Docker"
    else:
        server, way = _from_packages(recipe, say), "from published packages"
    say(f"{recipe.name}: starting {way}")
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    say(f"{recipe.name}: ready after {time.monotonic() - begun:.1f} s")
    return server


def _in_docker(recipe: Recipe) -> Server:
    (port,) = free_ports(1)
    title = f"annals-test-{recipe.name.lower()}-{uuid.uuid4().hex[:8]}"
    return DockerServer(recipe.name, recipe.address(port), recipe.ready, recipe.container(port), title, port)


def _from_packages(recipe: Recipe, say: Say) -> Server:
    (port,) = free_ports(1)
    folder = Path(tempfile.mkdtemp(prefix=f"annals-test-{recipe.name.lower()}-"))
    try:
        launch = recipe.launch(folder, port, say)
    except BaseException as error:
        shutil.rmtree(folder)
        if isinstance(error, MissingError):
            raise MissingError(f"{recipe.name}: start Docker, or set {recipe.variable}, or {error}") from None
        raise
    return ProcessServer(recipe.name, recipe.address(port), recipe.ready, launch, folder)


def free_ports(number: int) -> list[int]:
    """Different ports of the loopback interface that nobody listens on now."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(number)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
