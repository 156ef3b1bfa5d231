"""The handlers of the table, by their names; a group a file."""

from gateway.handler import Handler
from gateway.handlers import documents, processing, reasoning, system

HANDLERS: dict[str, Handler] = {
    **documents.HANDLERS,
    **processing.HANDLERS,
    **reasoning.HANDLERS,
    **system.HANDLERS,
}
