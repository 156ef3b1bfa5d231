"""What people decide on what was found."""

from annals.composition.stores import Stores
from projections.relational.derived import DerivedReader
from projections.relational.entity_lookup import EntityLookup
from projections.relational.review import ReviewReader
from security.audit import AuditLog
from services.knowledge.derived import DerivedRelations
from services.knowledge.entities import EntityService
from services.knowledge.review import Review
from services.knowledge.use_cases import Knowledge
from services.security.recording import Recorded, recording


def entities_of(stores: Stores) -> EntityService:
    """Decisions on entities; none of them goes into the audit log by itself."""
    return EntityService(stores.commands, stores.reader, EntityLookup(stores.pool), stores.pool)


def knowledge_of(stores: Stores, audit: AuditLog) -> Knowledge:
    """All of them; each decision goes into the audit log."""
    entities = entities_of(stores)
    derived = DerivedRelations(EntityLookup(stores.pool), DerivedReader(stores.pool, stores.ontology))
    decided = Recorded("change", "write", "entities", lambda given, _: [given["entity"]])
    shown = Recorded("read", "read", "entities", lambda given, _: [given["entity"]])
    changes = dict.fromkeys(("rename", "add_alias", "remove_alias", "validate", "merge", "split", "undo"), decided)
    return Knowledge(
        entities=recording(entities, audit, show=shown, **changes),
        review=recording(
            Review(ReviewReader(stores.pool, stores.ontology)), audit, least_sure=Recorded("read", "read", "entities")
        ),
        derived=recording(derived, audit, of=Recorded("read", "read", "relations", lambda given, _: [given["entity"]])),
    )
