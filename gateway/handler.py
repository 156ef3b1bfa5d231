"""A handler: the function that answers an endpoint's requests, and what the OpenAPI document says of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from gateway.exchange import exchange_of
from gateway.services import GatewayServices
from services.past.reads import Reads
from services.positions import Position
from services.storage.use_cases import Storage


@dataclass(frozen=True, slots=True)
class Handler:
    """`summary` is one line; `raises` are statuses beside those that every endpoint has; `example` is an answer.

    `also` are statuses of answers of the same form; `refuses_itself` those of refusals that may as well have that form,
    where a protocol has refusals of its own. `request` is an example of a body, `media_type` the answer's where
    it is no JSON.
    """

    function: Callable[..., Any]
    tag: str
    summary: str
    status: int = 200
    raises: tuple[int, ...] = ()
    request: Mapping[str, Any] | None = None
    example: Any = None
    media_type: str = "application/json"
    documented: bool = True
    also: tuple[int, ...] = ()
    refuses_itself: tuple[int, ...] = ()


def services_of(request: Request) -> GatewayServices:
    """What the application was made with."""
    services: GatewayServices = request.app.state.services
    return services


async def documents_at(request: Request, at: str | None) -> Storage | Reads:
    """The reads of a generation of the past, or of the live one."""
    if at is None:
        return services_of(request).documents
    return await services_of(request).past.reads.of(at, deadline=exchange_of(request.scope).deadline)


def shown(request: Request, position: int) -> Position:
    """A position of the log as the caller may see it."""
    return services_of(request).positions.shown(exchange_of(request.scope).caller, position)
