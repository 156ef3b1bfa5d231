"""What the metrics are told of each try and of the breaker."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import purgatory
from purgatory.domain.model import OpenedState

from telemetry import metrics

Outcome = Callable[[BaseException], str]
"""What the metrics call an error of a system: `limited`, `failed`, `refused`, `invalid` or `unreachable`."""

_STATES = {"closed": 0, "half-opened": 1, "opened": 2}


@contextmanager
def counted(system: str, outcome_of: Outcome) -> Iterator[None]:
    """Count one try, its outcome and its seconds."""
    start, outcome = time.monotonic(), "ok"
    try:
        yield
    except BaseException as error:
        outcome = _outcome(error, outcome_of)
        raise
    finally:
        metrics.EXTERNAL_REQUESTS.labels(system, outcome).inc()
        metrics.EXTERNAL_SECONDS.labels(system).observe(time.monotonic() - start)


def breaker_told(system: str, happened: str, event: Any) -> None:
    """purgatory calls this with all that happens to a breaker."""
    if happened == "circuit_breaker_created":
        metrics.EXTERNAL_BREAKER.labels(system).set(_STATES["closed"])
    if isinstance(event, purgatory.ContextChanged):
        metrics.EXTERNAL_BREAKER.labels(system).set(_STATES[event.state])


def _outcome(error: BaseException, outcome_of: Outcome) -> str:
    match error:
        case asyncio.CancelledError():
            return "cancelled"
        case OpenedState():
            return "circuit_open"
    return outcome_of(error)
