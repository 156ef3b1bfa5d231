"""The local administrator's token: the file `admin.token` of the data folder, for its owner alone."""

import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.security.local_administrator import TENANT, LocalAdministrator

FILE_NAME = "admin.token"
MAX_BYTES = 8192
LIMIT_S = 30.0


async def ensure_admin_token(data: Path, administrator: LocalAdministrator) -> Path:
    """Have a token that counts in the data folder: made at the first start, and again where it counts no more.

    Raises StoreUnavailableError, DeadlineExceededError.
    """
    path = data / FILE_NAME
    caller = Caller(TENANT, "annals up", "cli", FULL_ACCESS)
    # Several machines may share one database: each holds a key of its own.
    name = f"{path} on {socket.gethostname()}"[-128:]
    token = await administrator.new_key(caller, read_admin_token(data), name, deadline=Deadline.after(LIMIT_S))
    if token is not None:
        _write(path, token)
    return path


def read_admin_token(data: Path) -> str | None:
    """What the file says; None where there is none, or others than its owner may read it."""
    try:
        descriptor = os.open(data / FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
            return None
        return file.read(MAX_BYTES).decode("ascii", "replace").strip() or None


def _write(path: Path, token: str) -> None:
    """Under its name only once it is whole; `mkstemp` makes it for its owner alone."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
