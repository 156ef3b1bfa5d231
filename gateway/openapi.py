"""The OpenAPI 3.1 document, made of the table and the handlers."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import PlainTextResponse

from gateway.endpoint import ApiEndpointConfig
from gateway.handler import Handler
from gateway.problems import MEDIA_TYPE, TYPE, documented, name_of, status_of, title_of

HEAD_TOO_LARGE = 431
"""The connection says so, before there is a request (`gateway.connections`)."""
ALWAYS = (400, 413, HEAD_TOO_LARGE, 500, 503, 504)
"""Any endpoint may answer so."""

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `instance` names the request; `errors` is there where fields are wrong.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

Document = dict[str, Any]


class _EventStream(PlainTextResponse):
    media_type = "text/event-stream"


class _Lines(PlainTextResponse):
    media_type = "application/x-ndjson"


class _Any(PlainTextResponse):
    media_type = "*/*"


_Plain = {
    "*/*": _Any,
    "text/plain": PlainTextResponse,
    "text/event-stream": _EventStream,
    "application/x-ndjson": _Lines,
}
"""Answers that are no JSON, by their media type."""


_BODIES: Mapping[str, Document] = {
    "application/x-ndjson": {"type": "string"},
    "application/octet-stream": {"type": "string", "format": "binary"},
}


def _line(example: Mapping[str, Any]) -> str:
    """An example of a body that is no JSON document."""
    text = example.get("text")
    return text if isinstance(text, str) and len(example) == 1 else json.dumps(example) + "\n"


def described(endpoint: ApiEndpointConfig, handler: Handler) -> Document:
    """What FastAPI's route says of itself, beside what it reads from the function."""
    answers: dict[int | str, Document] = {}
    if handler.example is not None:
        answers[handler.status] = {"content": {handler.media_type: {"example": handler.example}}}
    said = handler.function.__annotations__["return"]
    model = {} if said is Response else {"model": said}
    for status in handler.also:
        answers[status] = {**model, "content": {handler.media_type: {"example": handler.example}}}
    form = {} if handler.media_type == "application/json" else {"response_class": _Plain[handler.media_type]}
    return {
        **form,
        "summary": handler.summary,
        "description": _description(endpoint, handler),
        "operation_id": endpoint.handler,
        "tags": [handler.tag],
        "responses": answers,
    }


def document(api: FastAPI, endpoints: Iterable[ApiEndpointConfig], handlers: Mapping[str, Handler]) -> Document:
    """The whole document."""
    found = get_openapi(
        title="Annals",
        version=version("annals"),
        summary="Documents in, answers with their sources out.",
        description="Errors are problem+json (RFC 9457). `correlation` of a request is its trace id, else its id.",
        routes=api.routes,
    )
    statuses: set[int] = set()
    for endpoint in endpoints:
        handler = handlers[endpoint.handler]
        if not handler.documented:
            continue
        operation = found["paths"][endpoint.path][endpoint.method.lower()]
        operation["security"] = [{"bearer": []}] if endpoint.auth_required else []
        operation["x-resource"], operation["x-action"] = endpoint.resource, endpoint.action
        # FastAPI says so of all that is checked: path, query, headers and body.
        checked = {422} if "422" in operation["responses"] else set()
        wanted = {*_statuses(endpoint), *checked, *handler.raises} - {*handler.also}
        # FastAPI adds an answer of its own, of another form.
        for status in {key for key in operation["responses"] if key.isdigit() and int(key) >= 400}:
            if int(status) not in {*wanted, *handler.also}:
                del operation["responses"][status]
        for status in wanted:
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
        for status in handler.refuses_itself:
            refusal = _problem_response(status)
            refusal["content"][handler.media_type] = {"schema": {"type": "object"}}
            operation["responses"][str(status)] = refusal
        statuses |= wanted
        if endpoint.body_type != "application/json":
            operation["requestBody"] = {
                "required": True,
                "content": {endpoint.body_type: {"schema": _BODIES[endpoint.body_type], "example": ""}},
            }
        if endpoint.idempotency_key != "no":
            operation.setdefault("parameters", []).append(
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": endpoint.idempotency_key == "required",
                    "description": "A new one with each new request, the same with each retry.",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
                }
            )
        if handler.request is not None and "requestBody" in operation:
            for content in operation["requestBody"]["content"].values():
                whole = endpoint.body_type == "application/json"
                content["example"] = handler.request if whole else _line(handler.request)
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    components["responses"] = {str(status): _problem_response(status) for status in sorted(statuses)}
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return found


def _statuses(endpoint: ApiEndpointConfig) -> set[int]:
    found = set(ALWAYS)
    if endpoint.method == "GET":
        found.add(422)  # a parameter that it does not know
    if endpoint.auth_required:
        found |= {401, 403}
    if endpoint.rate_limit is not None:
        found.add(429)
    if endpoint.idempotency_key != "no":
        found |= {409, 422}
    if endpoint.body_bytes:
        found |= {408, 415, 422}
    return found


def _problem_response(status: int) -> Document:
    if status == HEAD_TOO_LARGE:
        return {"description": "Request line and headers are too large. There is no body, and the connection ends."}
    kinds = [error for error in documented() if status_of(error) == status]
    return {
        "description": "; ".join(title_of(error) for error in kinds if error.__module__.startswith("gateway"))
        or f"{status}",
        "content": {
            MEDIA_TYPE.decode(): {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    name_of(error): {
                        "value": {
                            "type": TYPE + name_of(error),
                            "title": title_of(error),
                            "status": status,
                            "detail": title_of(error),
                            "instance": "urn:annals:request:4f2c",
                        }
                    }
                    for error in kinds
                },
            }
        },
    }


def _description(endpoint: ApiEndpointConfig, handler: Handler) -> str:
    parts = [" ".join((handler.function.__doc__ or "").split())]
    if endpoint.rate_limit is not None:
        limit = endpoint.rate_limit
        whom = "user" if endpoint.auth_required else "address"
        parts.append(f"At most {limit.requests} requests in {limit.per_s:g} s of each {whom}.")
    if endpoint.timeout_s is not None:
        parts.append(f"Answers within {endpoint.timeout_s:g} s.")
    return " ".join(parts)
