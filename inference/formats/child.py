"""Reading files in a child process: what a broken or hostile file does to its parser, it does there."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from inference.formats.document import Heading, NotRead, Read, ReadDocument
from inference.formats.errors import UnreadableFileError

WORKER = "inference.formats.worker"
BLOCK = 65_536
FILES_A_CHILD = 500
"""Files that one child reads before another takes its place, so that what libraries leak does not add up."""
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TESSDATA_PREFIX", "SYSTEMROOT")
"""Of the environment: no secret is among them."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one file may cost: its own bytes, seconds, the child's memory, and of its documents bytes and number."""

    file_bytes: int = 64 * 1024 * 1024
    seconds: float = 30.0
    memory_bytes: int = 2 * 1024 * 1024 * 1024
    output_bytes: int = 256 * 1024 * 1024
    documents: int = 20_000


DEFAULT_LIMITS = ReadLimits()


class FileReader:
    """Reads files one after another, for one thread; a context manager. Its child starts with the first file."""

    def __init__(self, limits: ReadLimits | None = None) -> None:
        self.limits = limits or DEFAULT_LIMITS
        self._child: subprocess.Popen[bytes] | None = None
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, once there is one."""
        return None if self._child is None else self._child.pid

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()

    def interrupt(self) -> None:
        """From another thread: the file that is read now is named as one that breaks its parser, at once."""
        child = self._child
        if child is not None:
            child.kill()

    def read(self, raw: bytes, name: str, *, encoding: str | None = None, archives: bool = False) -> Iterator[Read]:
        """All documents of a file, and what of it is none, with the reason; nothing is raised for what it holds.

        `name` is a hint for what content alone does not tell. `encoding`: what text is decoded by; `archives`: whether
        these are opened.
        """
        limit = self.limits.file_bytes
        if len(raw) > limit:
            yield NotRead(f"is {len(raw):,} bytes and the limit is {limit:,}; split it or raise max_file_bytes")
            return
        request = {"name": _utf8(name), "encoding": encoding, "archives": archives, "bytes": len(raw)}
        message = json.dumps(request).encode() + b"\n" + raw
        ended = False
        try:
            for line in self._exchange(message):
                answer = json.loads(line)
                ended = "end" in answer
                if not ended:
                    yield _read(answer)
        except UnreadableFileError as error:
            yield NotRead(str(error))
        finally:
            self._files += 1
            if not ended or self._files >= FILES_A_CHILD:
                self.close()

    def _exchange(self, message: bytes) -> Iterator[bytes]:
        """The lines of the answer. Raises UnreadableFileError where the child ends, or takes too long."""
        child = self._started()
        assert child.stdin is not None and child.stdout is not None
        until = time.monotonic() + self.limits.seconds
        sending, rest = memoryview(message), b""
        with selectors.DefaultSelector() as ready:
            ready.register(child.stdin, selectors.EVENT_WRITE)
            ready.register(child.stdout, selectors.EVENT_READ)
            while True:
                left = until - time.monotonic()
                events = ready.select(left) if left > 0 else []
                if not events:
                    raise UnreadableFileError(
                        f"takes more than {self.limits.seconds:g} s to be read; split it or raise read_seconds"
                    )
                for key, _ in events:
                    if key.fileobj is child.stdin:
                        try:
                            sending = sending[os.write(child.stdin.fileno(), sending[:BLOCK]) :]
                        except BlockingIOError:
                            continue
                        except BrokenPipeError:
                            sending = sending[:0]
                        if not sending:
                            ready.unregister(child.stdin)
                        continue
                    block = os.read(child.stdout.fileno(), BLOCK)
                    if not block:
                        raise UnreadableFileError(_why(child))
                    *lines, rest = (rest + block).split(b"\n")
                    # Waiting for whoever takes the documents is no time of the child's.
                    for line in lines:
                        began = time.monotonic()
                        yield line
                        until += time.monotonic() - began
                    if lines and lines[-1] == b'{"end": true}':
                        return

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        settings = {
            "seconds": self.limits.seconds,
            "memory_bytes": self.limits.memory_bytes,
            "output_bytes": self.limits.output_bytes,
            "documents": self.limits.documents,
        }
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self._files = 0
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-S", "-m", WORKER, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**kept, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))},
            start_new_session=True,
            bufsize=0,
        )
        assert self._child.stdin is not None
        os.set_blocking(self._child.stdin.fileno(), False)
        return self._child


def _read(answer: dict[str, Any]) -> Read:
    if "not_read" in answer:
        return NotRead(**answer["not_read"])
    fields = answer["document"]
    fields["headings"] = tuple(Heading(*one) for one in fields["headings"])
    for name in ("authors", "pages", "warnings"):
        fields[name] = tuple(fields[name])
    return ReadDocument(**fields)


def _why(child: subprocess.Popen[bytes]) -> str:
    try:
        code = child.wait(5)
    except subprocess.TimeoutExpired:
        code = 0
    ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"breaks its parser ({ended}); is it broken? save it again"


def _utf8(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
