"""Webhooks of the caller's tenant."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from aggregates.webhook import Webhook
from contracts.event_types import EventType
from contracts.webhooks import WebhookUrl
from eventstore.webhooks import Failing
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from services.webhooks.service import MOST_OVERLAP_S, OVERLAP_S


class NewWebhook(BaseModel):
    """Where events of these types are sent."""

    model_config = ConfigDict(extra="forbid")

    url: WebhookUrl
    types: Annotated[list[EventType], Field(min_length=1, max_length=64)]


class WebhookView(BaseModel):
    """`paused`: why nothing is sent. `failing_since`: nothing arrives since then, because of `cause`.

    `secret` verifies what is sent, and is shown this once, where the webhook was just added.
    """

    id: str
    url: str
    types: list[EventType]
    account: str | None
    paused: str | None
    failing_since: datetime | None
    cause: str | None
    secret: str | None = None

    @classmethod
    def of(cls, webhook: Webhook, failing: Failing | None = None, secret: str | None = None) -> "WebhookView":
        """With what is known of its failures."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            types=list(webhook.types),
            account=webhook.account,
            paused=webhook.paused,
            failing_since=None if failing is None else failing.since,
            cause=None if failing is None else failing.cause,
            secret=secret,
        )


class WebhookList(BaseModel):
    """The oldest first."""

    webhooks: list[WebhookView]


class Rotation(BaseModel):
    """For so many seconds both the new and the former secret sign."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: Annotated[float, Field(ge=0, le=MOST_OVERLAP_S)] = OVERLAP_S


class Rotated(BaseModel):
    """`secret` is shown this once."""

    id: str
    secret: str
    overlap_seconds: float


class Changed(BaseModel):
    """Which webhook it was."""

    id: str


class Tested(BaseModel):
    """`fault`: why the message did not arrive, null where it did; `status` is the receiver's."""

    status: int | None
    fault: str | None


async def list_webhooks(request: Request) -> WebhookList:
    """Addresses that events are sent to."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).webhooks.list(exchange.caller, deadline=exchange.deadline)
    return WebhookList(webhooks=[WebhookView.of(one.webhook, one.failing) for one in found])


async def add_webhook(request: Request, wanted: NewWebhook) -> WebhookView:
    """Send events there, from the next one on. `secret` is shown this once."""
    exchange = exchange_of(request.scope)
    added = await services_of(request).webhooks.add(
        exchange.caller, wanted.url, wanted.types, deadline=exchange.deadline
    )
    return WebhookView.of(added.webhook, secret=added.secret)


async def remove_webhook(request: Request, webhook_id: UUID) -> Changed:
    """Send nothing there any more."""
    exchange = exchange_of(request.scope)
    await services_of(request).webhooks.remove(exchange.caller, str(webhook_id), deadline=exchange.deadline)
    return Changed(id=str(webhook_id))


async def test_webhook(request: Request, webhook_id: UUID) -> Tested:
    """Send one signed message of the type `webhook.test`, and say how it went."""
    exchange = exchange_of(request.scope)
    sent = await services_of(request).webhooks.test(exchange.caller, str(webhook_id), deadline=exchange.deadline)
    return Tested(status=sent.status, fault=sent.fault)


async def rotate_secret(request: Request, webhook_id: UUID, wanted: Rotation) -> Rotated:
    """Sign with a new secret, and for a while with the former one as well."""
    exchange = exchange_of(request.scope)
    secret = await services_of(request).webhooks.rotate(
        exchange.caller, str(webhook_id), wanted.overlap_seconds, deadline=exchange.deadline
    )
    return Rotated(id=str(webhook_id), secret=secret, overlap_seconds=wanted.overlap_seconds)


async def resume_webhook(request: Request, webhook_id: UUID) -> Changed:
    """Send again, from where it was paused."""
    exchange = exchange_of(request.scope)
    await services_of(request).webhooks.resume(exchange.caller, str(webhook_id), deadline=exchange.deadline)
    return Changed(id=str(webhook_id))


WEBHOOK = {
    "id": "0b7c3f0e-6a39-4f0e-9a55-3f2a2d1f7a10",
    "url": "https://hooks.example.org/annals",
    "types": ["DocumentProcessed"],
    "account": "ada",
    "paused": None,
    "failing_since": None,
    "cause": None,
    "secret": None,
}

HANDLERS = {
    "webhook_list": Handler(list_webhooks, "webhooks", "List webhooks.", example={"webhooks": [WEBHOOK]}),
    "webhook_adder": Handler(
        add_webhook,
        "webhooks",
        "Add a webhook.",
        status=201,
        request={"url": WEBHOOK["url"], "types": WEBHOOK["types"]},
        example={**WEBHOOK, "secret": "whsec_..."},
    ),
    "webhook_remover": Handler(
        remove_webhook, "webhooks", "Remove a webhook.", raises=(404,), example={"id": WEBHOOK["id"]}
    ),
    "webhook_tester": Handler(
        test_webhook, "webhooks", "Test a webhook.", raises=(404,), example={"status": 204, "fault": None}
    ),
    "webhook_rotator": Handler(
        rotate_secret,
        "webhooks",
        "Rotate a webhook's secret.",
        raises=(404,),
        request={"overlap_seconds": 86400},
        example={"id": WEBHOOK["id"], "secret": "whsec_...", "overlap_seconds": 86400},
    ),
    "webhook_resumer": Handler(
        resume_webhook, "webhooks", "Resume a webhook.", raises=(404,), example={"id": WEBHOOK["id"]}
    ),
}
