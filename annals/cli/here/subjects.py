"""What names a person, and its erasure, over the databases of this installation."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from annals.cli.context import CommandContext
from annals.session import session
from services.deadline import Deadline
from services.storage.naming import NAMES_LIMIT_S


async def find(context: CommandContext, names: Sequence[str]) -> dict[str, Any]:
    """What names this subject."""
    async with session(context.settings) as opened:
        found = await opened.use_cases.storage.naming.find(
            context.caller, names, deadline=Deadline.after(NAMES_LIMIT_S)
        )
    return {name: list(value) for name, value in asdict(found).items()}


async def erase(context: CommandContext, names: Sequence[str], documents: Sequence[str], reason: str) -> dict[str, Any]:
    """Erase these documents where they name it."""
    async with session(context.settings, processing=True) as opened:
        done = await opened.use_cases.storage.subjects.erase(
            context.caller,
            names,
            set(documents),
            reason=reason,
            correlation_id=f"erase-{uuid4()}",
            deadline=Deadline.after(NAMES_LIMIT_S),
        )
    return {**asdict(done.erasure), "documents": list(done.erasure.documents), "left": list(done.left)}
