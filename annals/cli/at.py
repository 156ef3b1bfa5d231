"""The option of commands that read: of read models as they were."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:  # a command that a gateway does loads none of it
    from annals.composition.use_cases import UseCases
    from services.deadline import Deadline
    from services.past.reads import Reads
    from services.storage.use_cases import Storage

T = TypeVar("T")


def at_option(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command --at."""
    return click.option("--at", metavar="NAME", help="As it was then: a generation that `replay --as-of` made.")(
        function
    )


async def documents_at(use_cases: "UseCases", at: str | None, deadline: "Deadline") -> "Storage | Reads":
    """The reads of this generation, or of the live one. Raises UnknownGenerationError."""
    return use_cases.storage if at is None else await use_cases.past.reads.of(at, deadline=deadline)


def parameters_of(at: str | None) -> dict[str, Any]:
    """What a gateway is told of it."""
    return {} if at is None else {"at": at}
