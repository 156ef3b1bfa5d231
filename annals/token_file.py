"""The local administrator's token, for commands that send it."""

import os
import stat
from pathlib import Path

FILE_NAME = "admin.token"
MAX_BYTES = 8192


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
