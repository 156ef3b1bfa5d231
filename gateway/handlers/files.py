"""A file in one request: every document in it is taken in."""

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.payload import Attributes, Identifier, storable
from gateway.errors import MalformedRequestError
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from gateway.handlers.documents import STORED, StoredDocument
from gateway.parameters import DocumentId
from services.storage.file_taking import TakeFileRequest


class TakenDocuments(BaseModel):
    """`not_read`: reasons by the part of the file that gives no document; "" is the file itself.

    `warnings`: by document id, what there is to know of how it was read.
    """

    model_config = ConfigDict(strict=True)

    documents: list[StoredDocument]
    not_read: dict[str, str]
    warnings: dict[str, list[str]]


Words = Annotated[str, Field(max_length=1024), AfterValidator(storable)]


async def take(
    request: Request,
    response: Response,
    id: Annotated[Identifier, Query(description="Makes it the same document; those within it have `ID#PART`.")],
    name: Annotated[Words, Query(description="The file's name: a hint where content does not tell its kind.")] = "",
    title: Annotated[Words, Query(description="Instead of the file's own.")] = "",
    uri: Annotated[Annotated[str, Field(max_length=4096), AfterValidator(storable)] | None, Query()] = None,
    encoding: Annotated[
        Annotated[str, Field(max_length=64), AfterValidator(storable)] | None,
        Query(description="What its text is decoded by; without one, it is found."),
    ] = None,
    archives: Annotated[bool, Query(description="Whether an archive is opened.")] = False,
    attributes: Annotated[
        Annotated[str, Field(max_length=8192), AfterValidator(storable)] | None,
        Query(description="A JSON object, beside what the file says of itself."),
    ] = None,
) -> TakenDocuments:
    """Read a file (PDF, Office, HTML, e-mail, text in any encoding, ...) and take in every document in it.

    What it is, its content tells. The log has the documents when this answers.
    """
    exchange, services = exchange_of(request.scope), services_of(request)
    taken = await services.files.take(
        exchange.caller,
        TakeFileRequest(
            document_id=id,
            content=await request.body(),
            name=name,
            title=title,
            uri=uri,
            encoding=encoding,
            archives=archives,
            attributes=_attributes(attributes),
            delivery_id=exchange.delivery_id,
        ),
        exchange.deadline,
    )
    response.status_code = 201 if any(one.outcome == "ingested" for one in taken.documents) else 200
    return TakenDocuments(
        documents=[StoredDocument.of(request, one) for one in taken.documents],
        not_read=dict(taken.not_read),
        warnings={document: list(said) for document, said in taken.warnings.items()},
    )


async def original(request: Request, document_id: DocumentId) -> Response:
    """The bytes that a document was read from, where they were kept (`annals ingest --keep-original`).

    They are saved, never shown: nothing in them is run by a browser. The ETag is their SHA-256.
    """
    exchange = exchange_of(request.scope)
    found = await services_of(request).documents.original.read(
        exchange.caller, [document_id], deadline=exchange.deadline
    )
    # A media type of text gets a character set from Starlette, which nobody knows here.
    answer = Response(found.content)
    answer.headers["content-type"] = found.media_type
    answer.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    answer.headers["content-security-policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    answer.headers["etag"] = f'"{found.digest}"'
    return answer


def _attributes(text: str | None) -> Attributes:
    if text is None:
        return {}
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MalformedRequestError('attributes is no JSON object; send one, as {"year": 1871}')
    return found


HANDLERS = {
    "original_reader": Handler(
        original,
        "documents",
        "Download what a document was read from.",
        raises=(404,),
        example="%PDF-1.7",
        media_type="*/*",
    ),
    "document_files": Handler(
        take,
        "documents",
        "Take the documents of a file in.",
        status=201,
        also=(200,),
        raises=(400, 409),
        request={"text": "# Skerry Point\n\nThe lighthouse stands on a rock.\n"},
        example={
            "documents": [STORED],
            "not_read": {"pier.png": "is a file of the kind “PNG image”, of which no text can be read"},
            "warnings": {},
        },
    ),
}
