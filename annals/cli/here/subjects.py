"""What names a person, and its erasure, over the databases of this installation."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from annals.cli.context import CommandContext
from annals.session import session
from services.deadline import Deadline
from services.storage.asked_erasures import ERASURE_LIMIT_S
from services.storage.erasing import Erasure
from services.storage.naming import NAMES_LIMIT_S


async def find(context: CommandContext, names: Sequence[str]) -> dict[str, Any]:
    """What names this subject."""
    async with session(context.settings) as opened:
        found = await opened.use_cases.storage.naming.find(
            context.caller, names, deadline=Deadline.after(NAMES_LIMIT_S)
        )
    return {name: list(value) for name, value in asdict(found).items()}


async def erase(
    context: CommandContext, names: Sequence[str], documents: Sequence[str], reason: str, report: Callable[[int], None]
) -> dict[str, Any]:
    """Erase these documents where they name it; `report` gets how many of them are done."""
    async with session(context.settings, processing=True) as opened:
        done = await opened.use_cases.storage.subjects.erase(
            context.caller,
            names,
            set(documents),
            reason=reason,
            correlation_id=f"erase-{uuid4()}",
            deadline=Deadline.after(ERASURE_LIMIT_S),
            watch=_Reported(len(documents), report),
        )
    return {"documents": list(done.erasure.documents), **done.erasure.counts, "left": list(done.left)}


class _Reported:
    def __init__(self, total: int, report: Callable[[int], None]) -> None:
        self._done, self._total, self._report = 0, total, report

    async def begun(self, documents: Sequence[str]) -> None:
        """Those of the list that are not found were erased before."""
        self._done = self._total - len(documents)
        self._report(self._done)

    async def erased(self, part: Erasure) -> None:
        """So many more."""
        self._done += len(part.documents)
        self._report(self._done)
