"""Every event type of the specification (2.1, `EventType`) and those of access, and the aggregate that owns each."""

from enum import StrEnum
from typing import Literal

AggregateKind = Literal[
    "document", "entity", "reasoning_query", "model", "system", "account", "policy", "identity", "webhook"
]


class EventType(StrEnum):
    """What can happen. The value is the name on the wire, in the store and in `topics.yaml`."""

    DOCUMENT_INGESTED = "DocumentIngested"
    DOCUMENT_PROCESSED = "DocumentProcessed"
    DOCUMENT_UPDATED = "DocumentUpdated"
    DOCUMENT_DELETED = "DocumentDeleted"
    DOCUMENT_RESTORED = "DocumentRestored"
    DOCUMENT_REREAD = "DocumentReread"

    ENTITIES_EXTRACTED = "EntitiesExtracted"
    ENTITY_UPDATED = "EntityUpdated"
    ENTITY_MERGED = "EntityMerged"
    ENTITY_VALIDATED = "EntityValidated"
    ENTITY_SPLIT = "EntitySplit"
    ENTITY_DECISION_UNDONE = "EntityDecisionUndone"
    ENTITY_ASSIGNED = "EntityAssigned"
    ENTITY_RELEASED = "EntityReleased"
    MENTIONS_REASSIGNED = "MentionsReassigned"

    RELATIONSHIPS_DISCOVERED = "RelationshipsDiscovered"
    RELATIONSHIP_UPDATED = "RelationshipUpdated"
    RELATIONSHIP_VALIDATED = "RelationshipValidated"

    DOCUMENT_CHUNKED = "DocumentChunked"
    CHUNK_UPDATED = "ChunkUpdated"
    CHUNK_MERGED = "ChunkMerged"
    CHUNKS_RESTORED = "ChunksRestored"

    REASONING_QUERY_EXECUTED = "ReasoningQueryExecuted"
    REASONING_RESULT_CACHED = "ReasoningResultCached"
    REASONING_CHAIN_VALIDATED = "ReasoningChainValidated"

    MODEL_LOADED = "ModelLoaded"
    MODEL_UPDATED = "ModelUpdated"
    CACHE_CLEARED = "CacheCleared"
    SYSTEM_HEALTH_CHANGED = "SystemHealthChanged"

    ACCOUNT_CREATED = "AccountCreated"
    ACCOUNT_ROLES_CHANGED = "AccountRolesChanged"
    ACCOUNT_DISABLED = "AccountDisabled"
    ACCOUNT_ENABLED = "AccountEnabled"
    ROLE_DEFINED = "RoleDefined"
    ROLE_REMOVED = "RoleRemoved"

    THREAT_DETECTED = "ThreatDetected"
    IDENTITY_BLOCKED = "IdentityBlocked"
    IDENTITY_UNBLOCKED = "IdentityUnblocked"

    WEBHOOK_ADDED = "WebhookAdded"
    WEBHOOK_PAUSED = "WebhookPaused"
    WEBHOOK_RESUMED = "WebhookResumed"
    WEBHOOK_REMOVED = "WebhookRemoved"


_OWNERS: dict[AggregateKind, tuple[EventType, ...]] = {
    # What is found in a document belongs to that document: its order is the document's own.
    "document": (
        EventType.DOCUMENT_INGESTED,
        EventType.DOCUMENT_PROCESSED,
        EventType.DOCUMENT_UPDATED,
        EventType.DOCUMENT_DELETED,
        EventType.DOCUMENT_RESTORED,
        EventType.DOCUMENT_CHUNKED,
        EventType.CHUNK_UPDATED,
        EventType.CHUNK_MERGED,
        EventType.CHUNKS_RESTORED,
        EventType.ENTITIES_EXTRACTED,
        EventType.MENTIONS_REASSIGNED,
        EventType.RELATIONSHIPS_DISCOVERED,
        EventType.RELATIONSHIP_UPDATED,
        EventType.RELATIONSHIP_VALIDATED,
        EventType.DOCUMENT_REREAD,
    ),
    "entity": (
        EventType.ENTITY_UPDATED,
        EventType.ENTITY_MERGED,
        EventType.ENTITY_VALIDATED,
        EventType.ENTITY_SPLIT,
        EventType.ENTITY_DECISION_UNDONE,
        EventType.ENTITY_ASSIGNED,
        EventType.ENTITY_RELEASED,
    ),
    "reasoning_query": (
        EventType.REASONING_QUERY_EXECUTED,
        EventType.REASONING_RESULT_CACHED,
        EventType.REASONING_CHAIN_VALIDATED,
    ),
    "model": (EventType.MODEL_LOADED, EventType.MODEL_UPDATED, EventType.CACHE_CLEARED),
    "system": (EventType.SYSTEM_HEALTH_CHANGED,),
    "account": (
        EventType.ACCOUNT_CREATED,
        EventType.ACCOUNT_ROLES_CHANGED,
        EventType.ACCOUNT_DISABLED,
        EventType.ACCOUNT_ENABLED,
    ),
    "policy": (EventType.ROLE_DEFINED, EventType.ROLE_REMOVED),
    "identity": (EventType.THREAT_DETECTED, EventType.IDENTITY_BLOCKED, EventType.IDENTITY_UNBLOCKED),
    "webhook": (
        EventType.WEBHOOK_ADDED,
        EventType.WEBHOOK_PAUSED,
        EventType.WEBHOOK_RESUMED,
        EventType.WEBHOOK_REMOVED,
    ),
}

KIND_OF: dict[EventType, AggregateKind] = {
    event_type: kind for kind, event_types in _OWNERS.items() for event_type in event_types
}

TAKES_IN = frozenset({EventType.DOCUMENT_INGESTED, EventType.DOCUMENT_UPDATED, EventType.DOCUMENT_RESTORED})
"""With one of these a document has a content that is to be processed."""

CONTENT_TYPES = TAKES_IN | {EventType.DOCUMENT_DELETED}
"""After one of these, what was said of the document before is out of date."""

ACCESS_KINDS: frozenset[AggregateKind] = frozenset({"account", "policy", "identity", "webhook"})
"""Who may do what, who was seen to try, who is told. Whoever looks for contents by a name does not find these."""

ACCESS_TYPES = frozenset(event_type for event_type, kind in KIND_OF.items() if kind in ("account", "policy"))
"""After one of these, what was known of anybody's access may be out of date."""

WEBHOOK_TYPES = frozenset(event_type for event_type, kind in KIND_OF.items() if kind == "webhook")
"""They tell addresses of others, which are for those who may read webhooks."""
