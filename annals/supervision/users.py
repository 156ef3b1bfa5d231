"""Who uses the servers of a data folder: locks that the kernel frees with the process, however that ends.

Each user holds a shared lock on `run/users`, and on `run/processing` where it needs documents to be processed. The
keeper of the servers stops them while it holds `run/users` alone: nobody can begin to use them meanwhile.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from annals.supervision.state import holder, read_state
from contracts.errors import AnnalsError

POLL_S = 0.05
STOP_LIMIT_S = 30.0
"""Within which servers stop, all of them."""


class Users:
    """The locks, of one process."""

    def __init__(self, data: Path) -> None:
        """Raises AnnalsError where the data folder cannot be used."""
        self._data = data
        try:
            (data / "run").mkdir(parents=True, exist_ok=True)
            self._users = (data / "run" / "users").open("a+")
            self._processing = (data / "run" / "processing").open("a+")
        except OSError as error:
            raise AnnalsError(f"cannot use the data folder {data}: {error.strerror or error}") from None

    async def join(self, *, processing: bool) -> None:
        """Become a user; waits while servers stop. Raises AnnalsError where they do not."""
        files = [self._processing, self._users] if processing else [self._users]
        for file in files:
            if not await _until(partial(_take, file, fcntl.LOCK_SH)):
                raise AnnalsError(f"the servers of {self._data} do not stop; see the logs there")

    async def leave(self) -> None:
        """Be no user any more; where there is no other one, return once what a keeper started has stopped."""
        self._processing.close()
        fcntl.flock(self._users, fcntl.LOCK_UN)
        await _until(self._is_over)
        self._users.close()

    def take_over(self) -> bool:
        """For the keeper: whether there is no user; from then on nobody becomes one while this process lives."""
        return _take(self._users, fcntl.LOCK_EX)

    def hold_until_exit(self) -> None:
        """For the keeper: what it has taken over is freed with its process, not with this object some time before."""
        os.dup(self._users.fileno())

    def processing_wanted(self) -> bool:
        """For the keeper: whether a user needs documents to be processed."""
        if not _take(self._processing, fcntl.LOCK_EX):
            return True
        fcntl.flock(self._processing, fcntl.LOCK_UN)
        return False

    def _is_over(self) -> bool:
        state = read_state(self._data)
        if state is not None and not state.keeper:
            return True
        if self.take_over():
            fcntl.flock(self._users, fcntl.LOCK_UN)
            return holder(self._data) is None
        # A keeper that stops holds it alone, other users share it.
        return _take(self._users, fcntl.LOCK_SH)


def _take(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


async def _until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + STOP_LIMIT_S
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(POLL_S)
    return True
