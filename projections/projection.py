"""A read model, where it is, and how it follows the log."""

from dataclasses import dataclass

from projections.changes import ReadModel
from projections.projector import Projector
from projections.store import LiveStore


@dataclass(frozen=True)
class Projection:
    """What belongs together for one read model."""

    model: ReadModel
    store: LiveStore
    projector: Projector
