"""What somebody may do: the decision, and who takes it (specification 4.1, `AccessDecision`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """`matching_permission` is what allowed it; `reason` says why it was denied.

    `masked_fields` are the fields that the caller may not see of what he may read.
    """

    allowed: bool
    matching_permission: str | None = None
    applied_constraints: tuple[str, ...] = ()
    masked_fields: frozenset[str] = frozenset()
    reason: str = ""


class Access(Protocol):
    """What one caller may do in his tenant, at the time of the call. Decides without input or output."""

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        """`resource` is a kind of thing (`documents`), `action` what is done (`read`), `attributes` of the thing."""
        ...


class FullAccess:
    """For processes that hold the database's own password: the command line on the host, stages, projections."""

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        """Everything is allowed."""
        return AccessDecision(True, matching_permission="*:*")


FULL_ACCESS = FullAccess()
