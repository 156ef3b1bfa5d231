"""Which payload each event type carries."""

from contracts import access, accounts, documents, entities, reasoning, system, threats, webhooks
from contracts.event_types import EventType
from contracts.payload import Payload

PAYLOADS: dict[EventType, type[Payload]] = {
    payload.event_type: payload
    for payload in (
        documents.DocumentIngested,
        documents.DocumentProcessed,
        documents.DocumentUpdated,
        documents.DocumentRestored,
        documents.DocumentDeleted,
        entities.EntityUpdated,
        entities.EntityMerged,
        entities.EntityValidated,
        entities.EntitySplit,
        entities.EntityDecisionUndone,
        entities.EntityAssigned,
        entities.EntityReleased,
        documents.EntitiesExtracted,
        documents.MentionsReassigned,
        documents.RelationshipsDiscovered,
        documents.DocumentReread,
        documents.RelationshipUpdated,
        documents.RelationshipValidated,
        documents.DocumentChunked,
        documents.ChunkUpdated,
        documents.ChunkMerged,
        documents.ChunksRestored,
        reasoning.ReasoningQueryExecuted,
        reasoning.ReasoningResultCached,
        reasoning.ReasoningChainValidated,
        system.ModelLoaded,
        system.ModelUpdated,
        system.CacheCleared,
        system.SystemHealthChanged,
        accounts.AccountCreated,
        accounts.AccountRolesChanged,
        accounts.AccountDisabled,
        accounts.AccountEnabled,
        access.RoleDefined,
        access.RoleRemoved,
        threats.ThreatDetected,
        threats.IdentityBlocked,
        threats.IdentityUnblocked,
        webhooks.WebhookAdded,
        webhooks.WebhookPaused,
        webhooks.WebhookResumed,
        webhooks.WebhookRemoved,
    )
}
