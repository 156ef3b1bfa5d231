"""The logs of the roles: one format, to stderr, without what nobody needs."""

import logging
import time
from collections.abc import Callable
from typing import Any

REPEAT_S = 60.0
KNOWN_LIMIT = 1000


class Repeats(logging.Filter):
    """Lets a warning through once in REPEAT_S: libraries that wait for a server say so many times a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record: False for a warning that was written less than REPEAT_S ago."""
        if record.levelno < logging.WARNING:
            return True
        now, key = self._clock(), (record.name, record.getMessage())
        if now - self._said.get(key, -REPEAT_S) < REPEAT_S:
            return False
        if len(self._said) >= KNOWN_LIMIT:
            self._said.clear()
        self._said[key] = now
        return True


def logging_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`. Libraries that talk much are heard when something is wrong."""
    chatty = ("aiokafka", "faust", "mode", "eventsourcing", "httpx", "opensearch")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "class": "annals.terminal.VisibleFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
                "datefmt": "%Y-%m-%dT%H:%M:%S",
            }
        },
        "filters": {"repeats": {"()": Repeats}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["repeats"]},
        },
        "loggers": {name: {"level": "ERROR"} for name in chatty},
        "root": {"level": level, "handlers": ["stderr"]},
    }
