"""Keeps a set of processes running in their order, and says what runs where."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from annals.supervision.process import Child, ProcessSpec
from annals.supervision.state import Lock, State, last_state, write_state
from contracts.errors import AnnalsError

LEFTOVER_LIMIT_S = 10.0


class Supervisor:
    """One for a data folder. Processes start one after another, each ready before the next, and stop backwards."""

    def __init__(
        self,
        data: Path,
        stages: Sequence[Sequence[ProcessSpec]],
        addresses: Mapping[str, str],
        profile: str = "embedded",
        *,
        keeper: bool = False,
    ) -> None:
        """`stages`: the processes of one stage start side by side. `keeper`: as the state says it."""
        self._ready = False
        self._keeper = keeper
        self._profile = profile
        self._data = data
        self._addresses = dict(addresses)
        self._stages = [[Child(spec, self._changed) for spec in stage] for stage in stages]
        self._lock: Lock | None = None

    @property
    def state(self) -> State:
        """What runs now."""
        processes: dict[str, list[int]] = {}
        for child in self._children:
            pid = child.pid
            processes.setdefault(child.spec.role, []).extend([pid] if pid is not None else [])
        return State(os.getpid(), self._addresses, processes, self._profile, self._ready, self._keeper)

    @property
    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    async def start(self) -> None:
        """Start everything; what started is stopped again if the rest cannot be. Raises AnnalsError."""
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            lock = Lock(self._data)
        except OSError as error:
            raise AnnalsError(f"cannot use the data folder {self._data}: {error.strerror or error}") from None
        lock.take()
        self._lock = lock
        try:
            await asyncio.to_thread(_end_leftovers, self._data)
        except BaseException:
            await asyncio.shield(self.stop())
            raise
        await self._start_stages(self._stages)

    async def add(self, stages: Sequence[Sequence[ProcessSpec]], addresses: Mapping[str, str]) -> None:
        """Start more; where it cannot be started, everything is stopped. Raises AnnalsError."""
        self._ready = False
        more = [[Child(spec, self._changed) for spec in stage] for stage in stages]
        self._addresses |= addresses
        self._stages += more
        await self._start_stages(more)

    async def start_child(self, spec: ProcessSpec) -> Child:
        """One more process, ready when this returns. Raises RuntimeError, TimeoutError, OSError."""
        child = Child(spec, self._changed)
        self._stages.append([child])
        try:
            await child.start()
        except BaseException:
            await asyncio.shield(self.stop_child(child))
            raise
        return child

    async def stop_child(self, child: Child) -> None:
        """End one that `start_child` started, and forget it."""
        await child.stop()
        with contextlib.suppress(ValueError):
            self._stages.remove([child])
        self._changed()

    async def _start_stages(self, stages: Sequence[Sequence[Child]]) -> None:
        try:
            for stage in stages:
                await _start(stage)
            self._ready = True
            self._changed()
        except (RuntimeError, TimeoutError, OSError) as error:
            await self.stop()
            raise AnnalsError(str(error)) from error
        except BaseException:
            await asyncio.shield(self.stop())
            raise

    async def stop(self) -> None:
        """Stop everything, last started first; done within about 10 s."""
        for stage in reversed(self._stages):
            await asyncio.gather(*(child.stop() for child in stage))
        if self._lock is not None:
            with contextlib.suppress(OSError):
                (self._data / "run" / "state.json").unlink()
            self._lock.release()
            self._lock = None

    def _changed(self) -> None:
        if self._lock is not None:
            write_state(self._data, self.state)


async def _start(stage: Sequence[Child]) -> None:
    """Side by side. When one cannot be started, the others are not any more; raises what the first one raised."""
    try:
        async with asyncio.TaskGroup() as starting:
            for child in stage:
                starting.create_task(child.start())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _end_leftovers(data: Path) -> None:
    """A supervisor that was killed may have left children: end those, and only those, before starting anew."""
    old = last_state(data)
    if old is None:
        return
    pids = [pid for pids in old.processes.values() for pid in pids if _is_ours(pid, old.supervisor)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + LEFTOVER_LIMIT_S
    while pids and time.monotonic() < end:
        pids = [pid for pid in pids if _is_ours(pid, old.supervisor)]
        time.sleep(0.05)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_ours(pid: int, supervisor: int) -> bool:
    """Whether a recorded pid still is a process that supervisor started: it marks its children's environment."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        return f"ANNALS_SUPERVISOR={supervisor}".encode() in environment.split(b"\x00")
    except OSError:
        return False
