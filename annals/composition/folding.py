"""How processes that fold for a replay are started."""

import os
import sys

from annals.settings import Settings
from annals.settings_environment import settings_environment
from projections.fold_workers import FoldWorkers

PROCESS = "annals.fold_process"
LEAST = 10_000
"""Aggregates: starting processes takes about a second of each, in which one folds half as many."""
OWN_CORES = 2
"""For PostgreSQL and the process that loads. Where there are no others, that process has time to fold for one read
model, and the whole takes up to a quarter less of them; while it loads several, others had better fold."""


def fold_workers(settings: Settings, dsn: str) -> FoldWorkers:
    """As many as the settings say, each with all of these settings."""
    environment = settings_environment(settings) | {"ANNALS_POSTGRES": dsn}
    least_models = 1 if (os.cpu_count() or 1) > OWN_CORES else 2
    return FoldWorkers([sys.executable, "-m", PROCESS], environment, settings.replay_workers, LEAST, least_models)
