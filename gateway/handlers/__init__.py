"""The handlers of the table, by their names; a group a file."""

from gateway.handler import Handler
from gateway.handlers import (
    administration,
    assistants,
    corrections,
    documents,
    entities,
    events,
    files,
    knowledge,
    lines,
    operations,
    processing,
    projections,
    reasoning,
    security,
    sessions,
    status,
    system,
    webhooks,
)

HANDLERS: dict[str, Handler] = {
    **assistants.HANDLERS,
    **corrections.HANDLERS,
    **documents.HANDLERS,
    **entities.HANDLERS,
    **events.HANDLERS,
    **files.HANDLERS,
    **knowledge.HANDLERS,
    **lines.HANDLERS,
    **operations.HANDLERS,
    **projections.HANDLERS,
    **security.HANDLERS,
    **sessions.HANDLERS,
    **processing.HANDLERS,
    **reasoning.HANDLERS,
    **administration.HANDLERS,
    **status.HANDLERS,
    **system.HANDLERS,
    **webhooks.HANDLERS,
}
