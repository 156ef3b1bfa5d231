"""Webhooks: the use cases, and what sends the events."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition.stores import Stores
from eventstore.accounts import AccountReader
from eventstore.subscription_positions import SubscriptionPositions
from eventstore.webhooks import Webhooks
from services.operations.use_cases import Operations
from services.security.use_cases import Security
from services.webhooks.deliverer import WebhookDeliverer
from services.webhooks.delivery import Deliveries, Patience
from services.webhooks.owners import Owners
from services.webhooks.secrets import WebhookSecrets
from services.webhooks.sending import WebhookSender
from services.webhooks.service import WebhookService


@dataclass(frozen=True)
class WebhookParts:
    """`deliverer` does nothing until it is run."""

    service: WebhookService
    deliverer: WebhookDeliverer


@contextlib.asynccontextmanager
async def open_webhooks(stores: Stores, operations: Operations, security: Security) -> AsyncIterator[WebhookParts]:
    """At the end connections are closed."""
    settings = stores.settings
    webhooks = Webhooks(stores.pool, stores.reader)
    secrets = WebhookSecrets(webhooks, security.encryption)
    owners = Owners(AccountReader(stores.pool, stores.reader), security.policies)
    async with contextlib.aclosing(WebhookSender(private_allowed=settings.webhook_private_addresses)) as sender:
        deliveries = Deliveries(
            stores.commands,
            webhooks,
            secrets,
            stores.letters,
            sender,
            security.audit,
            owners,
            stores.topics,
            Patience(event_s=settings.webhook_give_up_seconds),
        )
        yield WebhookParts(
            service=WebhookService(
                stores.commands,
                webhooks,
                secrets,
                operations.events,
                SubscriptionPositions(stores.pool),
                stores.letters,
                sender,
                owners,
                security.audit,
            ),
            deliverer=WebhookDeliverer(
                stores.dsn, operations.subscriptions, webhooks, stores.letters, stores.reader, deliveries
            ),
        )
