"""How tests make generations of the past, and have the live ones follow."""

from datetime import datetime

from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.past.generations import NamedGeneration
from tests.projections.contract.folding import follow
from tests.projections.history import History

CALLER = Caller("default", "ada", "test", FULL_ACCESS)
ALL = ("relational", "graph", "vector")


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(60)


async def live_on(stores: Stores, history: History) -> None:
    """Bring the live read models to everything that happened."""
    for one in stores.projections.values():
        await follow(one.projector, history)


async def make(use_cases: UseCases, name: str, moment: int | datetime, *, expires_s: float = 3600) -> NamedGeneration:
    """All read models, as of then."""
    return await use_cases.past.generations.make(
        CALLER, name, moment, ALL, lambda _: None, expires_s=expires_s, deadline=soon()
    )
