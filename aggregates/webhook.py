"""A Webhook: the address that events of some types are sent to, and whether they are sent now."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aggregates.cause import Cause, RefusedError
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.webhooks import WebhookAdded, WebhookPaused, WebhookRemoved, WebhookResumed


@dataclass(frozen=True, slots=True)
class Webhook:
    """State of one webhook. `account` is who added it, None the operator; `paused` is why nothing is sent, or None."""

    tenant: str
    id: str
    version: int
    url: str
    types: tuple[EventType, ...]
    account: str | None
    paused: str | None = None
    removed: bool = False

    @property
    def consumer(self) -> str:
        """The name of its subscription, and of its dead letters' consumer."""
        return f"webhook:{self.id}"

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Webhook | None" = None) -> "Webhook | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            data = event.event_data
            if isinstance(data, WebhookAdded):
                types = tuple(one for one in EventType if one in data.types)
                state = Webhook(event.metadata.tenant, event.aggregate_id, 1, data.url, types, data.account)
            elif state is not None:
                state = replace(state, version=event.aggregate_version)
                match data:
                    case WebhookPaused(reason=reason):
                        state = replace(state, paused=reason)
                    case WebhookResumed():
                        state = replace(state, paused=None)
                    case WebhookRemoved():
                        state = replace(state, removed=True)
        return state


def add(
    state: Webhook | None, webhook_id: str, url: str, types: Iterable[EventType], account: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """A new webhook. Raises RefusedError where the id is taken."""
    if state is not None:
        raise RefusedError(f"there is a webhook {webhook_id} already; take another id")
    added = WebhookAdded(url=url, types=tuple(sorted({str(one) for one in types})), account=account)
    return (cause.event(added, webhook_id, 1),)


def pause(state: Webhook | None, reason: str, cause: Cause) -> tuple[DomainEvent, ...]:
    """Send nothing until it is resumed."""
    if state is None or state.removed or state.paused is not None:
        return ()
    return (cause.event(WebhookPaused(reason=reason), state.id, state.version + 1),)


def resume(state: Webhook | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Send again."""
    if state is None or state.removed or state.paused is None:
        return ()
    return (cause.event(WebhookResumed(), state.id, state.version + 1),)


def remove(state: Webhook | None, reason: str | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Send nothing any more."""
    if state is None or state.removed:
        return ()
    return (cause.event(WebhookRemoved(reason=reason), state.id, state.version + 1),)
