"""Events of one webhook's subscription, sent one after the other: tried again, then set aside as dead letters."""

import asyncio
import json
import logging
import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn
from uuid import uuid4

from aggregates import webhook as decisions
from aggregates.cause import Cause
from aggregates.webhook import Webhook
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.topics import Topics
from eventstore.commands import Command, Commands
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.webhooks import Webhooks, webhook_key
from security.audit import AuditEntry, AuditLog
from services.caller import Caller
from services.errors import AccessDeniedError
from services.operations.events import readable
from services.operations.subscriptions import SubscriptionEndedError
from services.webhooks.owners import Owners
from services.webhooks.secrets import WebhookSecrets
from services.webhooks.sending import GONE, Sent, WebhookSender
from telemetry import metrics

log = logging.getLogger(__name__)

MOST_AT_ONCE = 16
"""Tries under way, of all webhooks; of one tenant OF_TENANT."""
OF_TENANT = 4
ERROR = "WebhookFailedError"
ACTOR = "webhooks"


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. Pauses double from the first to the longest; after `event_s` an event is set aside.

    Where nothing arrives for `all_s`, the webhook is paused.
    """

    first_pause_s: float = 1.0
    longest_pause_s: float = 900.0
    event_s: float = 6 * 3600.0
    all_s: float = 3 * 86_400.0


class Deliveries:
    """Sends events of any webhook; how many at once is bounded."""

    def __init__(
        self,
        commands: Commands,
        webhooks: Webhooks,
        secrets: WebhookSecrets,
        letters: DeadLetters,
        sender: WebhookSender,
        audit: AuditLog,
        owners: Owners,
        topics: Topics,
        patience: Patience,
    ) -> None:
        self._commands = commands
        self._webhooks = webhooks
        self._secrets = secrets
        self._letters = letters
        self._sender = sender
        self._audit = audit
        self._owners = owners
        self._topics = topics
        self._patience = patience
        self._all = asyncio.Semaphore(MOST_AT_ONCE)
        self._of_tenant: dict[str, asyncio.Semaphore] = {}

    async def deliver(self, webhook: Webhook, event: DomainEvent) -> None:
        """Until it arrived or was set aside.

        Raises SubscriptionEndedError where the webhook was paused, StoreUnavailableError.
        """
        pause_s = self._patience.first_pause_s
        while True:
            sent = await self._try(webhook, event)
            if sent.fault is None:
                await self._webhooks.went_well(webhook.tenant, webhook.id)
                return
            failed = await self._webhooks.failed(webhook.tenant, webhook.id, event.event_id, sent.fault)
            log.warning("webhook %s: %s at position %s: %s", webhook.id, event.event_type, event.position, sent.fault)
            if sent.status == GONE:
                await self.pause(webhook, f"the receiver is gone: {sent.fault}")
            if failed.all_s >= self._patience.all_s:
                await self.pause(webhook, f"nothing arrived for {failed.all_s / 3600:.1f} h: {sent.fault}")
            left_s = self._patience.event_s - failed.event_s
            if left_s <= 0:
                await self._letters.add([self._letter(webhook, event, sent.fault)])
                metrics.WEBHOOK_DELIVERIES.labels("given_up").inc()
                return
            await asyncio.sleep(min(pause_s * random.uniform(0.5, 1.0), left_s))
            pause_s = min(2 * pause_s, self._patience.longest_pause_s)

    async def deliver_again(self, webhook: Webhook, event: DomainEvent, letter: DeadLetter) -> None:
        """A dead letter, once more. Raises StoreUnavailableError."""
        try:
            fault = (await self._try(webhook, event)).fault
        except SubscriptionEndedError as error:
            fault = str(error)
        if fault is None:
            await self._letters.resolve(letter)
        else:
            await self._letters.add([self._letter(webhook, event, fault)])

    async def caller_of(self, webhook: Webhook, types: Collection[EventType]) -> Caller:
        """Who reads these events for the webhook; where nobody may, it is paused.

        Raises SubscriptionEndedError, StoreUnavailableError.
        """
        try:
            caller = await self._owners.caller_of(webhook)
            denied = sorted(set(types) - readable(caller))
        except AccessDeniedError as error:
            await self.pause(webhook, str(error))
        if denied:
            await self.pause(webhook, f"{caller.actor} may not read {', '.join(denied)} any more")
        return caller

    async def pause(self, webhook: Webhook, reason: str) -> NoReturn:
        """Send nothing more until somebody resumes it; raises SubscriptionEndedError."""
        cause = Cause(EventMetadata(tenant=webhook.tenant, actor=ACTOR, source=ACTOR), f"webhook-{uuid4()}")
        key = webhook_key(webhook.tenant, webhook.id)
        if await self._commands.execute(
            Command(key, Webhook.project, lambda state: decisions.pause(state, reason[:1024], cause))
        ):
            await self._audit.record(
                AuditEntry(webhook.tenant, ACTOR, "administration", "pause", "webhooks", webhook.id, "success", reason)
            )
            metrics.WEBHOOKS_PAUSED.inc()
            log.error("webhook %s is paused: %s; see: annals webhooks list", webhook.id, reason)
        raise SubscriptionEndedError(f"the webhook {webhook.id} is paused: {reason}; resume it when that is mended")

    async def _try(self, webhook: Webhook, event: DomainEvent) -> Sent:
        """Whether its owner may read it is asked each time."""
        await self.caller_of(webhook, (event.event_type,))
        secrets = await self._secrets.get(webhook.tenant, webhook.id)
        # A position tells how much happens to others; events come in order anyway.
        body = json.dumps(event.model_dump(mode="json", exclude={"position"}) | {"aggregate_kind": event.kind})
        async with self._of_tenant.setdefault(webhook.tenant, asyncio.Semaphore(OF_TENANT)), self._all:
            with metrics.WEBHOOK_SECONDS.time():
                sent = await self._sender.send(webhook.url, secrets, str(event.event_id), body)
        metrics.WEBHOOK_DELIVERIES.labels("arrived" if sent.fault is None else "failed").inc()
        return sent

    def _letter(self, webhook: Webhook, event: DomainEvent, cause: str) -> DeadLetter:
        """The event stays in the log. No aggregate: it is not the document that failed."""
        return DeadLetter(
            consumer=webhook.consumer,
            identity=f"{webhook.id}/{event.event_id}",
            topic=self._topics.of(event.event_type).name,
            partition=0,
            offset=0,
            key=None,
            value=None,
            error=ERROR,
            cause=cause,
            tenant=webhook.tenant,
            event_id=str(event.event_id),
            position=event.position,
        )
