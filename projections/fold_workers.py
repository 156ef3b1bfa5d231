"""Folding in processes beside this one: each has a core of its own, and live work keeps its loop.

A process gets its part of the job by standard input, which stays open: it ends with whoever started it. What it made
comes back by standard output, and it does not go on before that is taken, so that memory stays bounded.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import struct
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from contracts import limits
from eventstore.errors import StoreUnavailableError
from eventstore.reader import EventReader
from projections.changes import ReadModel
from projections.folding import FoldJob, Made, Slice, few_collections, fold_slice

A_SLICE = 200
"""Aggregates of a slice, about: a process makes one while what others made is loaded. What is left when all are made is
loaded with nothing beside it, so it should not be much."""
_LENGTH = struct.Struct(">Q")
_PARENT_GONE = 3
_STDIN = 0

Named = Sequence[tuple[str, str | None]]
"""Read models, each with the revision of the model of whose outputs it is made."""


class Part(NamedTuple):
    """What one process does."""

    models: Named
    job: FoldJob
    slices: Sequence[Slice]


class FoldWorkers:
    """Implements `projections.folding.Folding` with `workers` processes for each job, which end with it."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], workers: int, least: int, least_models: int = 1
    ) -> None:
        """`command` runs `serve` in `environment`. Fewer aggregates than `least`, and fewer read models than
        `least_models`, are not worth starting any.
        """
        self.command, self.environment = command, environment
        self._workers, self._least, self._least_models = workers, least, least_models

    def made(self, models: Named, job: FoldJob, aggregates: int) -> AsyncGenerator[Made, None] | None:
        """See Folding."""
        if not self._workers or aggregates < self._least or len(models) < self._least_models:
            return None
        return self._made(models, job, job.cut(max(self._workers, aggregates // A_SLICE)))

    async def _made(self, models: Named, job: FoldJob, slices: Sequence[Slice]) -> AsyncGenerator[Made, None]:
        async with contextlib.AsyncExitStack() as stack:
            workers = [
                await stack.enter_async_context(self._started(Part(models, job, slices[first :: self._workers])))
                for first in range(self._workers)
            ]
            for number in range(len(slices)):
                next_made = workers[number % self._workers]
                while (some := await next_made()) is not None:
                    for made in some:
                        yield Made(*pickle.loads(made))

    @contextlib.asynccontextmanager
    async def _started(self, part: Part) -> AsyncIterator[Callable[[], Awaitable[Sequence[bytes] | None]]]:
        """Gives what the process makes, some at a time and each pickled, and None at the end of each slice."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            env=dict(self.environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # ctrl-C is for who started it, with whom it ends
        )
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None
        # One is taken over while the one before is loaded.
        taken = asyncio.Queue[bytes | None](maxsize=1)

        async def take() -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    (length,) = _LENGTH.unpack(await stdout.readexactly(_LENGTH.size))
                    await taken.put(await stdout.readexactly(length))
            await taken.put(None)

        async def next_made() -> Sequence[bytes] | None:
            raw = await taken.get()
            if raw is None:
                raise StoreUnavailableError(
                    f"a process that folds for the replay ended ({_how_ended(await process.wait())}); "
                    "run it again: it goes on where it stood"
                )
            found: Sequence[bytes] | Exception | None = pickle.loads(raw)  # from a process of our own
            if isinstance(found, Exception):
                raise found
            return found

        taking = asyncio.create_task(take())
        try:
            with contextlib.suppress(OSError):  # one that ended already is told of as such
                stdin.write(_framed(part))
            yield next_made
        finally:
            taking.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await asyncio.gather(taking, return_exceptions=True)


async def serve(
    opened: Callable[[Named], contextlib.AbstractAsyncContextManager[tuple[EventReader, Sequence[ReadModel]]]],
) -> None:
    """Do the part that comes by standard input. What goes wrong is told to whoever started this process."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray line is no answer
    part: Part = pickle.loads(_read(sys.stdin.buffer))  # from the process that started this one
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        async with opened(part.models) as (reader, models):
            with few_collections():
                for one in part.slices:
                    held: list[bytes] = []
                    async for made in fold_slice(models, reader, part.job, one):
                        # Each while it is still in the processor's caches.
                        held.append(pickle.dumps(tuple(made), pickle.HIGHEST_PROTOCOL))
                        if sum(map(len, held)) > limits.BATCH_BYTES:
                            _write(answers, held)
                            held = []
                    _write(answers, held)
                    _write(answers, None)
    except Exception as error:
        _write(answers, _told(error))


def _end_with_parent() -> None:
    """Nothing more comes by standard input but its end, however the other process ended."""
    # Not through `sys.stdin`: its lock would be held while the interpreter ends.
    while os.read(_STDIN, 1):
        pass
    os._exit(_PARENT_GONE)


def _read(file: BinaryIO) -> bytes:
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    return file.read(length)


def _write(file: Any, value: object) -> None:
    """Waits until it is taken: nothing else is made meanwhile."""
    left = memoryview(_framed(value))
    while left:
        left = left[file.write(left) :]


def _framed(value: object) -> bytes:
    raw = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(raw)) + raw


def _told(error: Exception) -> Exception:
    """Itself, where it can be told as it is."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _how_ended(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
