"""Who calls a use case."""

from dataclasses import dataclass

from contracts.envelope import EventMetadata


@dataclass(frozen=True, slots=True)
class Caller:
    """Every read and write of a use case is of this tenant alone. `source` names the edge: `cli`, `http`, an inbox."""

    tenant: str
    actor: str
    source: str

    @property
    def metadata(self) -> EventMetadata:
        """What the events of the use case say of it."""
        return EventMetadata(tenant=self.tenant, actor=self.actor, source=self.source)
