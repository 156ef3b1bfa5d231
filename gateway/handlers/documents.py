"""Documents."""

from fastapi import Request, Response

from contracts.inbox import InboxDocument
from contracts.payload import Identifier
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from services.storage.interface import StoreDocumentRequest, StoreDocumentResponse


class NewDocument(InboxDocument):
    """`id` makes it the same document: taken in again with other content, it is an update."""

    id: Identifier


async def store(request: Request, response: Response, document: NewDocument) -> StoreDocumentResponse:
    """Take a document in. The log has it when this answers; the read models follow within moments."""
    exchange = exchange_of(request.scope)
    stored = await services_of(request).storage.store_document(
        exchange.caller,
        StoreDocumentRequest(
            document_id=document.id,
            title=document.title,
            text=document.text,
            uri=document.uri,
            attributes=dict(document.attributes),
            # The same for each try of this request, and for no other request.
            delivery_id=exchange.delivery_id,
        ),
        exchange.deadline,
    )
    if stored.outcome != "ingested":
        response.status_code = 200
    response.headers["etag"] = f'"{stored.processing_metadata["version"]}"'
    return stored


HANDLERS = {
    "document_processor": Handler(
        store,
        "documents",
        "Take a document in.",
        status=201,
        also=(200,),
        raises=(409,),
        request={
            "id": "articles/lovelace",
            "title": "Ada Lovelace",
            "text": "Ada Lovelace wrote the first program for the Analytical Engine.",
            "uri": "https://example.org/lovelace",
            "attributes": {"language": "en", "year": 1843},
        },
        example={
            "document_id": "articles/lovelace",
            "outcome": "ingested",
            "storage_locations": [
                {"store": "log", "position": 12, "current": True},
                {"store": "relational", "position": 11, "current": False},
                {"store": "graph", "position": 11, "current": False},
                {"store": "vector", "position": 11, "current": False},
            ],
            "processing_metadata": {
                "outcome": "ingested",
                "version": 1,
                "position": 12,
                "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                "milliseconds": 9,
            },
        },
    )
}
