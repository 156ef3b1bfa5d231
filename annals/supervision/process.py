"""One child process: started, watched, started again, ended."""

import asyncio
import contextlib
import ctypes
import logging
import os
import random
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

READY_LIMIT_S = 180.0
"""Models load within seconds, on a machine that is busy with other things in minutes; what ended is told at once."""
BACKOFF_MAX_S = 5.0
HEALTHY_S = 30.0
LOG_BYTES = 10_000_000
LAST_WORDS_BYTES = 100_000


@dataclass(frozen=True)
class ProcessSpec:
    """How to start one process. `ready` returns once it does its work and raises while it does not.

    `prepare` is called before the first start, `clean_up` after the end, also where it could not be started.
    `files` are descriptors of ours that it gets under the same numbers. `niceness` is how far it and its children give
    way to others for the processor (nice(2)).
    """

    role: str
    command: Sequence[str]
    ready: Callable[[], Awaitable[None]] | None = None
    prepare: Callable[[], None] | None = None
    clean_up: Callable[[], None] | None = None
    stop_signal: int = signal.SIGTERM
    stop_grace_s: float = 5.0
    env: Mapping[str, str] | None = None
    files: tuple[int, ...] = ()
    niceness: int = 0
    log_file: Path = field(default=Path(os.devnull))


class Child:
    """Keeps one process running until told to stop."""

    def __init__(self, spec: ProcessSpec, on_change: Callable[[], None]) -> None:
        self.spec = spec
        self.starts = 0
        self._log_from = 0
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the present process, if there is one."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process is not None else None

    async def start(self) -> None:
        """Start, and return once it is ready. Raises TimeoutError, OSError, or what `prepare` raises."""
        if self.spec.prepare is not None:
            await asyncio.to_thread(self.spec.prepare)
        await self._spawn()
        await self._until_ready()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not within its grace."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.spec.stop_signal)
            try:
                async with asyncio.timeout(self.spec.stop_grace_s):
                    await process.wait()
            except TimeoutError:
                log.warning("%s does not stop; killing it", self.spec.role)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
        if self.spec.clean_up is not None:
            await asyncio.to_thread(self.spec.clean_up)

    async def _spawn(self) -> None:
        _turn_over(self.spec.log_file)
        with self.spec.log_file.open("ab") as output:
            self._log_from = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if self.spec.env is None else dict(self.spec.env),
                start_new_session=True,
                pass_fds=self.spec.files,
                preexec_fn=self._before_program if sys.platform == "linux" else None,
            )
        self.starts += 1
        self._on_change()

    async def _until_ready(self) -> None:
        if self.spec.ready is None:
            return
        end = time.monotonic() + READY_LIMIT_S
        while True:
            try:
                await self.spec.ready()
                return
            except Exception as error:
                assert self._process is not None
                if self._process.returncode is not None:
                    raise RuntimeError(self._last_words()) from error
                if time.monotonic() > end:
                    waited = f"{self.spec.role} is not ready after {READY_LIMIT_S:.0f} s"
                    raise TimeoutError(f"{waited}: {error} (log: {self.spec.log_file})") from error
                await asyncio.sleep(0.05)

    def _before_program(self) -> None:
        """In the child, before it becomes the program: nothing outlives a supervisor that was killed."""
        ctypes.CDLL(None).prctl(1, self.spec.stop_signal)  # PR_SET_PDEATHSIG
        if self.spec.niceness:
            os.nice(self.spec.niceness)
            # It has a session of its own; where Linux shares the processor among sessions, these have a niceness, too.
            with contextlib.suppress(OSError):
                Path("/proc/self/autogroup").write_text(str(self.spec.niceness), "utf-8")

    def _last_words(self) -> str:
        """Of this start: the log may hold older ones."""
        said = ""
        if self.spec.log_file.is_file():
            with self.spec.log_file.open("rb") as log_file:
                log_file.seek(self._log_from)
                said = log_file.read(LAST_WORDS_BYTES).decode(errors="replace")
        return f"{self.spec.role} ended while starting: {cause(said)} (log: {self.spec.log_file})"

    async def _keep(self) -> None:
        """Start again whatever ends, at once the first time, then with a growing pause."""
        failures = 0
        while True:
            assert self._process is not None
            started = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            failures = 0 if time.monotonic() - started > HEALTHY_S else failures + 1
            log.warning("%s ended (%s); starting it again", self.spec.role, _reason(code))
            self._on_change()
            if failures > 1:
                await asyncio.sleep(min(BACKOFF_MAX_S, 0.1 * 2**failures) * random.uniform(0.5, 1.0))
            try:
                await self._spawn()
            except OSError as error:
                log.error("%s cannot be started: %s", self.spec.role, error)
                await asyncio.sleep(BACKOFF_MAX_S)


def _turn_over(file: Path) -> None:
    """Keep the log bounded: the last full one, and the present one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_file() and file.stat().st_size > LOG_BYTES:
        file.replace(file.with_suffix(".old.log"))


def cause(said: str) -> str:
    """The line of a server's last words that says why it ended: often others follow it. Without time and process id."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for word in ("FATAL", "PANIC", "ERROR", "error:"):
        for line in lines:
            if word in line:
                return re.sub(r"^[\d: .-]+ \w+ \[\d+\] ", "", line)
    return lines[-1] if lines else "it said nothing"


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
