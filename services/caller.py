"""Who calls a use case."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aggregates.cause import Cause
from contracts.envelope import EventMetadata
from security.access import NO_ATTRIBUTES, Access, AccessDecision
from security.reach import Reach
from services.errors import AccessDeniedError


@dataclass(frozen=True, slots=True)
class Caller:
    """Every read and write of a use case is of this tenant alone, and allowed by `access`.

    `source` names the edge: `cli`, `http`, an inbox. `correlation_id` is the request's, for the events that it causes.
    For the audit log: `credential` names the token or key that he came with, `address` is where he came from.
    """

    tenant: str
    actor: str
    source: str
    access: Access
    correlation_id: str | None = None
    credential: str = ""
    address: str = ""

    @property
    def metadata(self) -> EventMetadata:
        """What the events of the use case say of it."""
        return EventMetadata(tenant=self.tenant, actor=self.actor, source=self.source)

    def cause(self, correlation_id: str) -> Cause:
        """Of the events of the use case, under the request's correlation id, or this one where it has none."""
        return Cause(self.metadata, self.correlation_id or correlation_id)

    def require(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        """The decision that allows it. Raises AccessDeniedError with the reason."""
        decision = self.access.decide(resource, action, attributes)
        if not decision.allowed:
            raise AccessDeniedError(
                f"{self.actor} may not {action} {resource}: {decision.reason}; ask an administrator for a role that may"
            )
        return decision

    def require_everything(self, resource: str, action: str) -> AccessDecision:
        """As `require`, for what tells of all documents of the tenant: whoever may see only some may not have it."""
        decision = self.require(resource, action)
        if not self.access.reach(resource, action).is_everything:
            raise AccessDeniedError(
                f"{self.actor} may not {action} {resource}: they tell of all documents, and only some may be seen; "
                "ask an administrator for a role that may see them all"
            )
        return decision

    def require_progress(self, resource: str) -> Reach:
        """Of which documents he may know how far they are: those that he may read, and those that he may take in.

        Raises AccessDeniedError for whoever may neither write documents nor read this resource.
        """
        if not self.access.decide("documents", "write").allowed:
            self.require(resource, "read")
        return self.access.reach("documents", "read").together(self.access.reach("documents", "write"))

    def require_to_give(self, roles: Collection[str], scopes: Collection[str] | None = None) -> None:
        """Nobody gives these roles, within these scopes, who has not all of it. Raises AccessDeniedError."""
        refusal = self.access.refusal_to_give(roles, scopes)
        if refusal is not None:
            raise AccessDeniedError(f"{self.actor} cannot give what he does not have: {refusal}; ask an administrator")
