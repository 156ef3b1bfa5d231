"""Webhooks of a tenant: added, listed, tried, resumed, removed."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from aggregates import webhook as decisions
from aggregates.cause import Cause
from aggregates.webhook import Webhook
from contracts.event_types import EventType
from contracts.webhooks import WebhookUrl
from eventstore.commands import Command, Commands
from eventstore.dead_letters import DeadLetters
from eventstore.subscription_positions import SubscriptionPositions
from eventstore.webhooks import Failing, Webhooks, webhook_key
from security.audit import AuditLog
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.mesh.caller_claims import DerivedAccess
from services.operations.events import ReadEvents, readable
from services.security.auditing import audited
from services.webhooks.owners import Owners
from services.webhooks.secrets import WebhookSecrets
from services.webhooks.sending import Sent, UnusableUrlError, WebhookSender

MOST = 20
"""Webhooks of a tenant."""
OVERLAP_S = 86_400.0
"""How long a former secret signs where nobody says otherwise."""
MOST_OVERLAP_S = 30 * 86_400.0

_URL: TypeAdapter[str] = TypeAdapter(WebhookUrl)


@dataclass(frozen=True, slots=True)
class AddedWebhook:
    """`secret` signs what is sent; it is told this once."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookStatus:
    """`failing`: since when nothing arrives, and why; None where all is well."""

    webhook: Webhook
    failing: Failing | None


class WebhookService:
    """Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(
        self,
        commands: Commands,
        webhooks: Webhooks,
        secrets: WebhookSecrets,
        events: ReadEvents,
        positions: SubscriptionPositions,
        letters: DeadLetters,
        sender: WebhookSender,
        owners: Owners,
        audit: AuditLog,
    ) -> None:
        self._commands = commands
        self._webhooks = webhooks
        self._secrets = secrets
        self._events = events
        self._positions = positions
        self._letters = letters
        self._sender = sender
        self._owners = owners
        self._audit = audit

    async def add(self, caller: Caller, url: str, types: Collection[EventType], *, deadline: Deadline) -> AddedWebhook:
        """Send the caller's events of these types there, from the next one on, as long as he may read them.

        Raises InvalidRequestError, UnusableUrlError.
        """
        webhook_id = str(uuid4())
        async with audited(self._audit, caller, "administration", "add", "webhooks", webhook_id):
            caller.require("webhooks", "write")
            denied = sorted(set(types) - readable(caller))
            if denied:
                raise AccessDeniedError(f"{caller.actor} may not read {', '.join(denied)}; ask an administrator")
            if not types:
                raise InvalidRequestError("a webhook needs the types of its events; name one at least")
            async with deadline.enforce("adding a webhook"):
                checked = _checked(url)
                await self._sender.check_address(checked)
                if len(await self._webhooks.all(caller.tenant)) >= MOST:
                    raise InvalidRequestError(f"a tenant has at most {MOST} webhooks; remove one")
                head = await self._events.head(caller, deadline=deadline)
                account = caller.access.principal.id if isinstance(caller.access, DerivedAccess) else None
                added = decisions.add(None, webhook_id, checked, types, account, _cause(caller))
                webhook = Webhook.project(added)
                assert webhook is not None, "it was just added"
                # He adds it for himself: his account's roles must do, whatever he came in with.
                await self._owners.caller_of(webhook)
                secret = await self._secrets.make(caller.tenant, webhook_id)
                # What is appended from now on is sent, though nothing runs yet.
                await self._positions.take(caller.tenant, webhook.consumer, head)
                await self._commands.execute(
                    Command(webhook_key(caller.tenant, webhook_id), Webhook.project, lambda _: added)
                )
        return AddedWebhook(webhook, secret)

    async def list(self, caller: Caller, *, deadline: Deadline) -> Sequence[WebhookStatus]:
        """The webhooks of the caller's tenant, the oldest first."""
        caller.require("webhooks", "read")
        async with deadline.enforce("listing webhooks"):
            failing = await self._webhooks.failing(caller.tenant)
            return [WebhookStatus(one, failing.get(one.id)) for one in await self._webhooks.all(caller.tenant)]

    async def test(self, caller: Caller, webhook_id: str, *, deadline: Deadline) -> Sent:
        """Send it one signed message of the type `webhook.test`, once. Raises NotFoundError."""
        async with audited(self._audit, caller, "administration", "test", "webhooks", webhook_id):
            caller.require("webhooks", "execute", {"webhook": webhook_id})
            async with deadline.enforce("testing a webhook"):
                webhook = await self._existing(caller, webhook_id)
                secrets = await self._secrets.get(caller.tenant, webhook_id)
                body = {"event_type": "webhook.test", "timestamp": datetime.now(UTC).isoformat()}
                return await self._sender.send(webhook.url, secrets, f"test-{uuid4()}", json.dumps(body))

    async def rotate(self, caller: Caller, webhook_id: str, overlap_s: float, *, deadline: Deadline) -> str:
        """A new secret, told this once. What is sent is signed with it and, for `overlap_s`, with the one before.

        Raises NotFoundError, InvalidRequestError.
        """
        async with audited(self._audit, caller, "administration", "rotate", "webhooks", webhook_id):
            caller.require("webhooks", "write", {"webhook": webhook_id})
            if not 0 <= overlap_s <= MOST_OVERLAP_S:
                raise InvalidRequestError(f"both secrets sign for 0 to {MOST_OVERLAP_S:.0f} seconds; choose so many")
            async with deadline.enforce("rotating a secret"):
                await self._existing(caller, webhook_id)
                return await self._secrets.rotate(caller.tenant, webhook_id, overlap_s)

    async def resume(self, caller: Caller, webhook_id: str, *, deadline: Deadline) -> None:
        """Send again, from where it was paused. Raises NotFoundError."""
        async with audited(self._audit, caller, "administration", "resume", "webhooks", webhook_id):
            caller.require("webhooks", "write", {"webhook": webhook_id})
            async with deadline.enforce("resuming a webhook"):
                await self._existing(caller, webhook_id)
                await self._webhooks.went_well(caller.tenant, webhook_id)
                cause, key = _cause(caller), webhook_key(caller.tenant, webhook_id)
                await self._commands.execute(Command(key, Webhook.project, lambda s: decisions.resume(s, cause)))

    async def remove(self, caller: Caller, webhook_id: str, *, deadline: Deadline) -> None:
        """Send nothing any more; what could not be sent is given up. Raises NotFoundError."""
        async with audited(self._audit, caller, "administration", "remove", "webhooks", webhook_id):
            caller.require("webhooks", "delete", {"webhook": webhook_id})
            async with deadline.enforce("removing a webhook"):
                webhook = await self._existing(caller, webhook_id)
                cause, key = _cause(caller), webhook_key(caller.tenant, webhook_id)
                await self._commands.execute(Command(key, Webhook.project, lambda s: decisions.remove(s, None, cause)))
                await self._positions.forget(caller.tenant, webhook.consumer)
                await self._webhooks.forget(caller.tenant, webhook_id)
                await self._letters.drop_all_of(caller.tenant, webhook.consumer, "the webhook was removed")

    async def _existing(self, caller: Caller, webhook_id: str) -> Webhook:
        found = await self._webhooks.find(caller.tenant, webhook_id)
        if found is None:
            raise NotFoundError(f"there is no webhook {webhook_id[:64]!r}; `annals webhooks list` shows what there is")
        return found


def _checked(url: str) -> str:
    try:
        return _URL.validate_python(url)
    except ValidationError:
        raise UnusableUrlError() from None


def _cause(caller: Caller) -> Cause:
    return caller.cause(f"webhook-{uuid4()}")
