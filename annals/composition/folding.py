"""How processes that fold for a replay are started."""

import sys

from annals.settings import Settings
from annals.settings_environment import settings_environment
from projections.fold_workers import FoldWorkers

PROCESS = "annals.fold_process"
LEAST = 10_000
"""Aggregates: starting processes takes about a second of each, in which one folds half as many."""


def fold_workers(settings: Settings, dsn: str) -> FoldWorkers:
    """As many as the settings say, each with all of these settings."""
    environment = settings_environment(settings) | {"ANNALS_POSTGRES": dsn}
    return FoldWorkers([sys.executable, "-m", PROCESS], environment, settings.replay_workers, LEAST)
