"""Reading files for many callers at once, beside the event loop: a few child processes, one file each at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from inference.formats.child import DEFAULT_LIMITS, FileReader, ReadLimits
from inference.formats.document import Read

CHILDREN = 2


class ReaderPool:
    """At most `children` child processes, each started when there is need for it."""

    def __init__(self, limits: ReadLimits = DEFAULT_LIMITS, children: int = CHILDREN) -> None:
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="reader")
        self._limits = limits
        self._idle: list[FileReader] = []
        self._closed = False

    async def read(self, raw: bytes, name: str, *, encoding: str | None = None, archives: bool = False) -> list[Read]:
        """As `FileReader.read`, all of it. Who is cancelled leaves the child to its own limit of time."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._read, raw, name, encoding, archives
        )

    def close(self) -> None:
        """End the children that wait; one that reads ends with its file."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    def _read(self, raw: bytes, name: str, encoding: str | None, archives: bool) -> list[Read]:
        # There are as many threads as children, and each takes one and gives it back: a list is enough.
        reader = self._idle.pop() if self._idle else FileReader(self._limits)
        try:
            return list(reader.read(raw, name, encoding=encoding, archives=archives))
        finally:
            if self._closed:
                reader.close()
            else:
                self._idle.append(reader)
