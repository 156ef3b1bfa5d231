"""Many documents in one request: JSON Lines in, a line for each document out, while the request still arrives."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from contracts.codec import plain
from contracts.errors import AnnalsError
from gateway.chain import Receive, Scope, Send
from gateway.errors import BodyTooLargeError, MalformedRequestError
from gateway.exchange import Exchange, exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.handlers.documents import NewDocument
from gateway.held_bodies import HeldBody
from gateway.problems import problem_of
from services.deadline import Deadline
from services.storage.interface import StoreDocumentRequest

LINE_BYTES = 16 * 1024 * 1024
BATCH = 8
"""Documents that are stored side by side."""
DOCUMENT_LIMIT_S = 30.0

Line = tuple[int, bytes]


class Lines(Response):
    """Sends lines as they are made. Nobody else reads the request meanwhile."""

    media_type = "application/x-ndjson"

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._lines = lines
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for line in self._lines:
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def store_lines(request: Request) -> Response:
    """Take documents in, one a line: `{"id", "title", "text"}`, optionally `uri` and `attributes`.

    A line comes back for each, in their order and while the request still arrives: its `outcome`, or its `problem`.
    """
    return Lines(_results(request))


async def _results(request: Request) -> AsyncIterator[bytes]:
    number = 0
    try:
        async for batch in _batches(_lines(request.stream(), exchange_of(request.scope).held)):
            number = batch[-1][0]
            for result in await asyncio.gather(*(_stored(request, *line) for line in batch)):
                yield result
    except AnnalsError as error:
        # What went wrong with the request itself; what came before it is stored.
        yield _line({"line": number + 1, "problem": _problem(exchange_of(request.scope), error)})
    except ClientDisconnect:
        return


async def _lines(chunks: AsyncIterator[bytes], held: HeldBody | None) -> AsyncIterator[list[Line]]:
    """The lines that hold something with their numbers from 1, as many as have arrived.

    Raises BodyTooLargeError, BodiesHeldError.
    """
    number, rest = 0, b""
    async for chunk in chunks:
        if held is not None:
            held.are(len(rest) + len(chunk))
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_BYTES:
            raise BodyTooLargeError(f"line {number + len(whole) + 1} is larger than {LINE_BYTES:,} bytes; send less")
        found = [(index, line) for index, line in enumerate(whole, start=number + 1) if line.strip()]
        number += len(whole)
        if found:
            yield found
    if rest.strip():
        yield [(number + 1, rest)]


async def _batches(arrived: AsyncIterator[list[Line]]) -> AsyncIterator[list[Line]]:
    """No document is in a batch twice: the later line is the later version."""
    async for lines in arrived:
        batch: list[Line] = []
        ids: set[object] = set()
        for line in lines:
            named = _id(line[1])
            if len(batch) == BATCH or named in ids:
                yield batch
                batch, ids = [], set()
            batch.append(line)
            ids.add(named)
        yield batch


def _id(line: bytes) -> object:
    try:
        found = json.loads(line)
        return str(found["id"]) if isinstance(found, dict) and "id" in found else object()
    except (ValueError, RecursionError):
        return object()


async def _stored(request: Request, number: int, line: bytes) -> bytes:
    exchange, storage = exchange_of(request.scope), services_of(request).storage
    document_id: str | None = None
    try:
        document = _read(line)
        document_id = document.id
        stored = await storage.store_document(
            exchange.caller,
            StoreDocumentRequest(
                document_id=document.id,
                title=document.title,
                text=document.text,
                uri=document.uri,
                attributes=dict(document.attributes),
                delivery_id=uuid.uuid5(exchange.delivery_id, str(number)),
            ),
            Deadline.after(DOCUMENT_LIMIT_S),
        )
    except AnnalsError as error:
        return _line({"line": number, "id": document_id, "problem": _problem(exchange, error)})
    made = stored.processing_metadata
    return _line(
        {
            "line": number,
            "id": document_id,
            "outcome": stored.outcome,
            "version": made["version"],
            "position": shown(request, int(made["position"])),
        }
    )


def _read(line: bytes) -> NewDocument:
    try:
        return NewDocument.model_validate_json(line)
    except ValidationError as error:
        raise MalformedRequestError(plain(error)) from None


def _problem(exchange: Exchange, error: AnnalsError) -> Any:
    return json.loads(problem_of(error, exchange.request_id)[1])


def _line(found: dict[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


HANDLERS = {
    "document_lines": Handler(
        store_lines,
        "documents",
        "Take many documents in.",
        raises=(400, 408, 415),
        media_type="application/x-ndjson",
        request={"id": "letters/17", "title": "Letter 17", "text": "Dear Ada, ..."},
        example='{"line":1,"id":"letters/17","outcome":"ingested","version":1,"position":21}\n',
    )
}
