"""For administrators: the keys that data is encrypted with, who is blocked, and what of a standard holds."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.payload import storable
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from gateway.parameters import Limit
from security.compliance import Standard
from services.security.data_keys import State

KeyCursor = Annotated[
    str, Query(max_length=128, pattern=r"^[A-Za-z0-9_.:-]*$", description="`next` of the page before.")
]
BlockedIdentity = Annotated[
    str,
    Path(
        max_length=256,
        pattern=r"^(account|address)/[^\x00-\x1f]+$",
        description="`account/NAME`, or for the operator `address/ADDRESS`; percent-encoded, `/` as `%2F`.",
    ),
]


class DataKey(BaseModel):
    """What may be shown of a key: nothing of the key itself. `master` names what wraps it."""

    key_id: str
    subject: str
    state: State
    created_at: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None
    master: str | None


class DataKeys(BaseModel):
    """By id."""

    keys: list[DataKey]
    next: str | None


class ToRotate(BaseModel):
    """Without a subject, all of the tenant."""

    model_config = ConfigDict(strict=True, extra="forbid")

    subject: Annotated[str, Field(min_length=1, max_length=512), AfterValidator(storable)] | None = None


class Rotated(BaseModel):
    """How many keys retired; what they encrypted is read as before."""

    retired: int


class Block(BaseModel):
    """`identity` is `account/NAME` or `address/ADDRESS`."""

    identity: str
    until: datetime
    explanation: str


class Blocks(BaseModel):
    """Those that are in force."""

    blocks: list[Block]


class Check(BaseModel):
    """`control` is what of the standard it speaks to, `detail` what was seen, with the next step."""

    name: str
    control: str
    passed: bool
    detail: str


class Report(BaseModel):
    """It helps whoever answers for an installation, and certifies nothing."""

    standard: Standard
    at: datetime
    passed: bool
    checks: list[Check]


class Rule(BaseModel):
    """`count` are older than `days`."""

    rule: str
    days: int
    count: int


class Retention(BaseModel):
    """Nothing was removed."""

    dry_run: Literal[True] = True
    rules: list[Rule]


async def list_data_keys(request: Request, limit: Limit = 100, cursor: KeyCursor = "") -> DataKeys:
    """The data keys of the caller's tenant."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).security.data_keys.list(
        exchange.caller, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return DataKeys(keys=[DataKey(**asdict(key)) for key in page.keys], next=page.next)


async def rotate_data_keys(request: Request, wanted: ToRotate) -> Rotated:
    """Have new data keys from the next use on."""
    exchange = exchange_of(request.scope)
    retired = await services_of(request).security.data_keys.rotate(
        exchange.caller, subject=wanted.subject, deadline=exchange.deadline
    )
    return Rotated(retired=retired)


async def list_blocks(request: Request) -> Blocks:
    """Which accounts of the tenant are blocked and, for the operator, which addresses."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).security.threats.blocked(exchange.caller, deadline=exchange.deadline)
    return Blocks(blocks=[Block(identity=one.identity, until=one.until, explanation=one.explanation) for one in found])


async def unblock(request: Request, identity: BlockedIdentity) -> Response:
    """End a block before its time."""
    exchange = exchange_of(request.scope)
    await services_of(request).security.threats.unblock(exchange.caller, identity, deadline=exchange.deadline)
    return Response(status_code=204)


async def report(request: Request, standard: Standard) -> Report:
    """What of a standard holds in this installation, as it is now."""
    exchange = exchange_of(request.scope)
    made = await services_of(request).security.compliance.report(
        exchange.caller, standard, deadline=exchange.shorter_deadline
    )
    checks = [Check(**asdict(one)) for one in made.results]
    return Report(standard=made.standard, at=made.at, passed=made.passed, checks=checks)


async def retention(request: Request) -> Retention:
    """What is older than its rule allows and would be removed; nothing is."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).security.retention.apply(
        exchange.caller, dry_run=True, deadline=exchange.deadline
    )
    return Retention(rules=[Rule(**asdict(one)) for one in found])


DATA_KEY = {
    "key_id": "k-7",
    "subject": "ada",
    "state": "present",
    "created_at": "2026-01-05T10:00:00Z",
    "retired_at": None,
    "destroyed_at": None,
    "master": "file",
}

HANDLERS = {
    "data_key_list": Handler(
        list_data_keys, "administration", "List data keys.", example={"keys": [DATA_KEY], "next": None}
    ),
    "data_key_rotator": Handler(
        rotate_data_keys,
        "administration",
        "Rotate data keys.",
        request={"subject": "ada"},
        example={"retired": 1},
    ),
    "block_list": Handler(
        list_blocks,
        "administration",
        "List who is blocked.",
        example={
            "blocks": [
                {
                    "identity": "account/ada",
                    "until": "2026-01-05T10:15:00Z",
                    "explanation": "account ada: 40 requests were denied within 300 s, 20 are allowed",
                }
            ]
        },
    ),
    "block_ender": Handler(unblock, "administration", "End a block.", status=204, raises=(404,)),
    "compliance_report": Handler(
        report,
        "administration",
        "Report what of a standard holds.",
        example={
            "standard": "gdpr",
            "at": "2026-01-05T10:00:00Z",
            "passed": True,
            "checks": [
                {
                    "name": "audit-chain",
                    "control": "Art. 5(2), accountability",
                    "passed": True,
                    "detail": "120 entries in 2 chains are intact",
                }
            ],
        },
    ),
    "retention_dry_run": Handler(
        retention,
        "administration",
        "Say what would be removed.",
        example={"dry_run": True, "rules": [{"rule": "audit entries", "days": 365, "count": 0}]},
    ),
}
