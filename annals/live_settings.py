"""ConfigurationService (specification 1.2): settings that change while a process runs, and those that do not.

The settings file is watched; SIGHUP has a role look at once. What comes from variables and options stays over it. Under
`annals up` that process alone reads the file, and tells its roles by a file of its own.
"""

import contextlib
import json
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from annals.settings import Settings
from contracts.errors import AnnalsError

log = logging.getLogger(__name__)

LOOK_S = 1.0
LIVE = ("log_level", "questions_per_minute", "service_least", "service_most")
"""The others are read once: what is made of them, pools, servers and models, lasts as long as its process."""

Load = Callable[[], Settings]
Apply = Callable[[Any], None]


class LiveSettings:
    """Watches from a thread of its own, so that it is the same for every role. `on_change` functions run in it."""

    def __init__(self, load: Load, file: Path | None) -> None:
        """`load` reads all layers anew; `file` is looked at for changes. Raises what `load` raises."""
        self._load, self._file = load, file
        self._known = load()
        self._seen = _mark(file)
        self._apply: dict[str, list[Apply]] = {name: [] for name in LIVE}
        self._every: list[Callable[[Settings], None]] = []
        self._wake, self._ended = threading.Event(), False
        self.on_change("log_level", lambda level: logging.getLogger().setLevel(level))

    def on_change(self, name: str, apply: Apply) -> None:
        """Have `apply` called with each new value of a setting of LIVE."""
        self._apply[name].append(apply)

    def on_every_change(self, apply: Callable[[Settings], None]) -> None:
        """Have `apply` called with all settings when one of LIVE changed, before any other function."""
        self._every.append(apply)

    @property
    def present(self) -> Settings:
        """As they were last read."""
        return self._known

    def watch(self) -> None:
        """Begin. It ends with the process, or with `stop`."""
        threading.Thread(target=self._watch, name="settings", daemon=True).start()

    def take_signals(self) -> None:
        """Look at once when SIGHUP comes. To be called in the main thread."""
        signal.signal(signal.SIGHUP, lambda *_: self._wake.set())

    def stop(self) -> None:
        """Look no more."""
        self._ended = True
        self._wake.set()

    def look(self, *, always: bool = False) -> None:
        """Read the file where it changed, or `always`; a file that is wrong changes nothing, and is told."""
        seen = _mark(self._file)
        if seen == self._seen and not always:
            return
        self._seen = seen
        try:
            found = self._load()
        except AnnalsError as error:
            log.error("the settings stay as they were: %s", error)
            return
        self._take(found)

    def _take(self, found: Settings) -> None:
        before, self._known = self._known, found
        changed = [name for name in Settings.model_fields if getattr(found, name) != getattr(before, name)]
        for name in changed:
            if name not in LIVE:
                log.error("%s cannot change while it runs; start it again for the new value", name)
        if any(name in LIVE for name in changed):
            for every in self._every:
                every(found)
        for name in changed:
            if name in LIVE:
                log.warning("%s is %s now", name, getattr(found, name))
                for apply in self._apply[name]:
                    apply(getattr(found, name))

    def _watch(self) -> None:
        while not self._ended:
            told = self._wake.wait(LOOK_S)
            self._wake.clear()
            if not self._ended:
                self.look(always=told)


def _mark(file: Path | None) -> tuple[int, int, int] | None:
    """What changes when the file does."""
    if file is not None:
        with contextlib.suppress(OSError):
            found = file.stat()
            return found.st_mtime_ns, found.st_size, found.st_ino
    return None


def told_file(data: Path) -> Path:
    """Where `annals up` tells its roles of changes."""
    return data / "run" / "live.json"


def tell(data: Path, settings: Settings) -> None:
    """For `annals up`: have its roles use these. All at once, readable by its owner alone."""
    told = {"supervisor": os.getpid(), "settings": {name: getattr(settings, name) for name in LIVE}}
    file = told_file(data)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as written:
        json.dump(told, written)
    os.replace(written.name, file)


def told(settings: Settings, supervisor: str) -> Settings:
    """For a role of `annals up`: its settings with what that process told last. Raises WrongSettingError."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        read: Mapping[str, Any] = json.loads(told_file(settings.data).read_text("utf-8"))
        # An old file may be of one that was killed.
        if str(read.get("supervisor")) == supervisor:
            return settings.model_copy(update={name: read["settings"][name] for name in LIVE})
    return settings


def live_settings_of_role(settings: Settings, load: Load, file: Path | None) -> LiveSettings:
    """For a role: what its supervisor tells where `annals up` started it, else the settings file itself."""
    supervisor = os.environ.get("ANNALS_SUPERVISOR")
    if supervisor is not None:
        return LiveSettings(lambda: told(settings, supervisor), told_file(settings.data))
    return LiveSettings(load, file)
