"""Payloads of the Webhook aggregate: to which address events are sent. No event holds its secret."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.accounts import AccountId
from contracts.event_types import EventType
from contracts.payload import Items, Payload, Reason

WebhookUrl = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^https?://[\x21-\x7e]+$")]
TypeName = Annotated[
    str,
    Field(max_length=64, pattern=r"^[A-Z][A-Za-z]{0,63}$", description="of an event type; new ones change no schema"),
]
WebhookTypes = Annotated[Items[TypeName], Field(min_length=1, max_length=64)]


class WebhookAdded(Payload):
    """Events of these types are sent to `url` from now on, as long as `account` may read them; None is the operator."""

    event_type: ClassVar[EventType] = EventType.WEBHOOK_ADDED
    url: WebhookUrl
    types: WebhookTypes
    account: AccountId | None = None


class WebhookPaused(Payload):
    """Nothing is sent until it is resumed; what happens meanwhile is sent then."""

    event_type: ClassVar[EventType] = EventType.WEBHOOK_PAUSED
    reason: Reason


class WebhookResumed(Payload):
    """Events are sent again, from where it was paused."""

    event_type: ClassVar[EventType] = EventType.WEBHOOK_RESUMED


class WebhookRemoved(Payload):
    """Nothing is sent any more."""

    event_type: ClassVar[EventType] = EventType.WEBHOOK_REMOVED
    reason: Reason | None = None
