"""What somebody may do: the decision, and who takes it (specification 4.1, `AccessDecision`)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from security.reach import EVERYTHING, Reach

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
        """`resource` is a kind of thing (`documents`), `action` what is done (`read`), `attributes` of the thing.

        Without attributes: whether he may do it to some of them. Of one document, `collection` is always given, empty
        where it is of none.
        """
        ...

    def reach(self, resource: str, action: str) -> Reach:
        """Which documents he may do this to, or read what rests on them: what lists and searches keep to."""
        ...

    def refusal_to_give(self, roles: Collection[str], scopes: Collection[str] | None = None) -> str | None:
        """Why he may not give these roles, within these scopes, to an account or a key.

        None where they hold nothing that he does not have himself.
        """
        ...


class FullAccess:
    """For processes that hold the database's own password: the command line on the host, stages, projections."""

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        """Everything is allowed."""
        return AccessDecision(True, matching_permission="*:*")

    def reach(self, resource: str, action: str) -> Reach:
        """Every document."""
        return EVERYTHING

    def refusal_to_give(self, roles: Collection[str], scopes: Collection[str] | None = None) -> str | None:
        """Nothing is refused."""
        return None


FULL_ACCESS = FullAccess()
