"""The local administrator's token: the file `admin.token` of the data folder, for its owner alone."""

import contextlib
import os
import socket
import tempfile
from pathlib import Path

from annals.token_file import FILE_NAME, read_admin_token
from security.access import FULL_ACCESS
from security.local_administrator import TENANT
from services.caller import Caller
from services.deadline import Deadline
from services.security.local_administrator import LocalAdministrator

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
