"""What runs for a data folder: one lock says who keeps it running, one file says where everything is."""

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from annals.addresses import without_password
from contracts.errors import AnnalsError


class AlreadyUpError(AnnalsError):
    """This data folder is up already; use it as it is, or stop that `annals up` first."""


@dataclass(frozen=True, slots=True)
class State:
    """`addresses` by name, `processes` as role to process ids, and in which profile they run.

    `ready`: all of them are. `keeper`: they end with the last command that uses them, else with `annals up`.
    """

    supervisor: int
    addresses: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, list[int]] = field(default_factory=dict)
    profile: str = "embedded"
    ready: bool = False
    keeper: bool = False

    @property
    def shown(self) -> dict[str, str]:
        """The addresses, for people and programs that only want to know: without the password of PostgreSQL."""
        return {name: without_password(address) for name, address in self.addresses.items()}


def _folder(data: Path) -> Path:
    return data / "run"


class Lock:
    """Held while a supervisor lives; the kernel frees it with the process, however that ends."""

    def __init__(self, data: Path) -> None:
        _folder(data).mkdir(parents=True, exist_ok=True)
        self._file = (_folder(data) / "lock").open("a+")

    def take(self) -> None:
        """Raises AlreadyUpError naming the process that has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            raise AlreadyUpError(f"this data folder is kept running by process {holder}; stop that one first") from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let others take it."""
        self._file.close()


def write_state(data: Path, state: State) -> None:
    """All at once, readable by its owner alone."""
    with tempfile.NamedTemporaryFile("w", dir=_folder(data), delete=False) as file:
        json.dump(asdict(state), file)
    os.replace(file.name, _folder(data) / "state.json")


def holder(data: Path) -> int | None:
    """The process that keeps this folder running, 0 where it has not said yet, None where there is none."""
    try:
        with (_folder(data) / "lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return int(file.read() or 0)
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_state(data: Path) -> State | None:
    """What runs now; None when nothing keeps this folder running, whatever an old file says."""
    pid = holder(data)
    state = last_state(data) if pid is not None else None
    # An old file may be of one that was killed.
    return state if state is not None and state.supervisor == pid else None


def last_state(data: Path) -> State | None:
    """What the file says, whether or not that is still so."""
    try:
        return State(**json.loads((_folder(data) / "state.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
