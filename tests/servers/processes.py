"""A server as a child process of the tests."""

import contextlib
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.guard import Guard
from tests.servers.handles import LOG_CHARACTERS, Ready, Server, ServerError

PREPARE_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0


@dataclass(frozen=True)
class Launch:
    """How to run it in the foreground. `prepare` runs once before the first start, for example to format a folder.

    `user` is whom to run it as: None is whoever runs the tests.
    """

    command: Sequence[str]
    prepare: Sequence[str] = ()
    user: str | None = None


class ProcessServer(Server):
    """All its files are in `folder`. Ctrl-C at the test run does not reach it: we end it ourselves."""

    def __init__(self, name: str, address: str, ready: Ready, launch: Launch, folder: Path) -> None:
        super().__init__(name, address, ready)
        self._command, self._prepare, self._folder = launch.command, launch.prepare, folder
        self._user, self._group = launch.user, pwd.getpwnam(launch.user).pw_gid if launch.user else None
        # Nothing of the caller's: a CLASSPATH or JAVA_TOOL_OPTIONS would change the server.
        self._env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = Guard()
        self._remove = ["rm", "-rf", str(folder)]
        self._guard.tell(self._remove)

    @property
    def _log_file(self) -> Path:
        return self._folder / "server.log"

    def _log(self) -> str:
        return self._log_file.read_text(errors="replace")[-LOG_CHARACTERS:]

    def _launch(self) -> None:
        with self._log_file.open("ab") as log:
            if self._prepare:
                try:
                    subprocess.run(
                        self._prepare, cwd=self._folder, env=self._env, stdout=log, stderr=log,
                        timeout=PREPARE_LIMIT_S, check=True,
                    )  # fmt: skip
                except subprocess.SubprocessError as error:
                    raise ServerError(f"{self.name} could not be prepared: {error}\n{self._log()}") from error
                self._prepare = ()
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, user=self._user, group=self._group, extra_groups=[] if self._user else None,
            )  # fmt: skip
        self._guard.tell(["kill", "-9", str(self._process.pid)], self._remove)

    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """SIGTERM, SIGKILL if that takes long, and its folder removed."""
        self._end(signal.SIGTERM)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._guard.close()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT_S)
        self._process.kill()
        self._process.wait(STOP_LIMIT_S)
        # Its number may soon be another process's.
        self._guard.tell(self._remove)
