"""Answers that stream without an end: so many at once, and all of them ended when the process is to end."""

import contextlib
from collections import Counter
from collections.abc import Iterator

import anyio

from services.caller import Caller
from services.errors import OverloadedError

STREAM_LIMIT_S = 300.0
"""After which a stream ends and its client comes again, with a credential that counts then."""
SEND_LIMIT_S = 30.0
PING_S = 15
OF_ONE = 8
OF_ALL = 512


class LiveStreams:
    """Of one process. `stopping` is set when all of them are to end."""

    def __init__(self) -> None:
        self.stopping = anyio.Event()
        self._open: Counter[tuple[str, str]] = Counter()

    @contextlib.contextmanager
    def one(self, caller: Caller) -> Iterator[None]:
        """For as long as a stream of this caller is open. Raises OverloadedError."""
        holder = caller.tenant, caller.actor
        if self._open[holder] >= OF_ONE or self._open.total() >= OF_ALL:
            raise OverloadedError(f"{OF_ONE} streams of one user at most are open at once; close one of yours")
        self._open[holder] += 1
        try:
            yield
        finally:
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]
