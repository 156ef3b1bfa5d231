"""Changing a document only where nobody changed it since it was read."""

from typing import Protocol

from contracts.errors import AnnalsError

NONE_YET = 0
"""The version of a document that was never taken in, or was deleted."""


class Versioned(Protocol):
    """The state of an aggregate."""

    @property
    def version(self) -> int:
        """Number of its last event."""
        ...

    @property
    def deleted(self) -> bool:
        """Whether it is there no more."""
        ...


class VersionMismatchError(AnnalsError):
    """Somebody changed the document since it was read; read it again, and decide again."""


def check_version(expected: int | None, state: Versioned | None) -> None:
    """None expects nothing. Raises VersionMismatchError."""
    present = state.version if state is not None and not state.deleted else NONE_YET
    if expected is not None and expected != present:
        raise VersionMismatchError(
            f"the document is at version {present} and not at {expected}; read it again, and decide again"
        )
