"""A server under test: its address, how it is killed, and how it comes back with its data."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import pytest

START_LIMIT_S = 180.0
LOG_CHARACTERS = 3000

Ready = Callable[[str], object]


class ServerError(Exception):
    """A server did not start. The message has the last lines of its log."""


class Server(ABC):
    """`address` is what clients are given. `ready(address)` returns once it works and raises while it does not."""

    def __init__(self, name: str, address: str, ready: Ready) -> None:
        self.name, self.address, self._ready = name, address, ready

    def start(self) -> None:
        """Start, or start again at the same address with the same data. Raises ServerError."""
        self._launch()
        end = time.monotonic() + START_LIMIT_S
        while True:
            try:
                self._ready(self.address)
                return
            except Exception as error:
                if time.monotonic() > end or not self.alive():
                    raise ServerError(f"{self.name} did not start: {error}\n{self._log()}") from None
            time.sleep(0.1)

    @abstractmethod
    def _launch(self) -> None: ...

    @abstractmethod
    def _log(self) -> str:
        """The last lines that it wrote."""

    @abstractmethod
    def alive(self) -> bool:
        """Whether it runs, as far as we can see without asking it."""

    @abstractmethod
    def kill(self) -> None:
        """As a crash would: at once. The data stay."""

    @abstractmethod
    def close(self) -> None:
        """End it for good and remove its data."""


class GivenServer(Server):
    """Somebody else's server: used, never killed. `start` finds out once whether it answers."""

    def _launch(self) -> None:
        pass

    def _log(self) -> str:
        # Its address may hold a password.
        return "it was given by its address, and does not answer there"

    def alive(self) -> bool:
        """We see no process of its."""
        return False

    def kill(self) -> None:
        """Skips the test that asks for it."""
        pytest.skip(f"{self.name} was given by its address, so it is not ours to kill")

    def close(self) -> None:
        """There is nothing of ours to end."""
