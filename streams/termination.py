"""Ending a worker on purpose, so that whoever supervises it starts a new one."""

import logging
import os
from typing import NoReturn

log = logging.getLogger(__name__)

STALLED = 70
UNAVAILABLE = 69
NEW_EPOCH = 75
OUTDATED = 78
"""A newer Annals wrote what this process cannot read: only an update helps."""


def terminate(code: int, why: str) -> NoReturn:
    """End at once: what was not acknowledged is delivered again, and a tidy stop could hang (faust #162, #324)."""
    log.log(logging.ERROR if code else logging.INFO, "ending this worker: %s", why)
    logging.shutdown()
    os._exit(code)
