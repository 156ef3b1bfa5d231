"""Has every webhook's events sent, in one process at a time: the one that holds the lock."""

import asyncio
import logging
import random
from functools import partial
from uuid import UUID

from aggregates.webhook import Webhook
from contracts.errors import AnnalsError
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.errors import StoreUnavailableError
from eventstore.locks import LockHeldError, holding
from eventstore.reader import EventReader
from eventstore.webhooks import Webhooks
from services.deadline import Deadline
from services.operations.subscriptions import SubscriptionEndedError, Subscriptions
from services.webhooks.delivery import Deliveries

log = logging.getLogger(__name__)

LOCK = "webhooks"
TAKE_OVER_S = 3.0
"""Between looks whether another process ended."""
LOOK_S = 0.5
LONGEST_PAUSE_S = 30.0
BEGIN_LIMIT_S = 30.0
STOP_LIMIT_S = 1.0
LETTERS = 100


class WebhookDeliverer:
    """`run` ends when it is cancelled, and with nothing else."""

    def __init__(
        self,
        dsn: str,
        subscriptions: Subscriptions,
        webhooks: Webhooks,
        letters: DeadLetters,
        reader: EventReader,
        deliveries: Deliveries,
    ) -> None:
        self._dsn = dsn
        self._subscriptions = subscriptions
        self._webhooks = webhooks
        self._letters = letters
        self._reader = reader
        self._deliveries = deliveries

    async def run(self) -> None:
        """Wait for the lock, then send, whatever breaks meanwhile."""
        while True:
            try:
                async with holding(self._dsn, (LOCK,)):
                    log.info("webhooks: events are sent from here")
                    await self._lead()
            except LockHeldError:
                pass
            except StoreUnavailableError as error:
                log.warning("webhooks: %s; trying again", error)
            except Exception:
                log.exception("webhooks: trying again")
            await asyncio.sleep(TAKE_OVER_S * random.uniform(0.5, 1.0))

    async def _lead(self) -> None:
        """Every webhook that is there has a task, and so has one dead letter of each that is to be sent again."""
        sending: dict[tuple[str, str], tuple[int, asyncio.Task[None]]] = {}
        again: dict[str, asyncio.Task[None]] = {}
        known: dict[tuple[str, str], Webhook] = {}
        seen = -1
        try:
            while True:
                if (changed := await self._webhooks.changed()) != seen:
                    known = {(one.tenant, one.id): one for one in await self._webhooks.all(None)}
                    seen = changed
                await self._adjust(sending, known)
                again = {consumer: task for consumer, task in again.items() if not task.done()}
                for letter in await self._letters.retrying_webhooks(LETTERS):
                    if letter.consumer not in again:
                        webhook = known.get((letter.tenant or "", letter.consumer.partition(":")[2]))
                        again[letter.consumer] = asyncio.create_task(self._again(webhook, letter))
                await asyncio.sleep(LOOK_S)
        finally:
            tasks = [task for _, task in sending.values()] + list(again.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _adjust(
        self, sending: dict[tuple[str, str], tuple[int, "asyncio.Task[None]"]], known: dict[tuple[str, str], Webhook]
    ) -> None:
        for key, (version, task) in list(sending.items()):
            webhook = known.get(key)
            if webhook is None or webhook.paused is not None or webhook.version != version:
                task.cancel()
                await asyncio.wait({task}, timeout=2 * STOP_LIMIT_S)
                del sending[key]
        for key, webhook in known.items():
            if webhook.paused is None and (key not in sending or sending[key][1].done()):
                sending[key] = webhook.version, asyncio.create_task(self._send(webhook), name=webhook.consumer)

    async def _send(self, webhook: Webhook) -> None:
        """The webhook's subscription, begun again with growing pauses where it ends; until the webhook is paused."""
        pause_s = LOOK_S
        while True:
            try:
                await self._subscribe(webhook)
            except SubscriptionEndedError:
                return
            except AnnalsError as error:
                log.warning("webhook %s: %s; trying again", webhook.id, error)
            except Exception:
                log.exception("webhook %s: trying again", webhook.id)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _subscribe(self, webhook: Webhook) -> None:
        caller = await self._deliveries.caller_of(webhook, webhook.types)
        handle = await self._subscriptions.subscribe(
            caller,
            webhook.consumer,
            webhook.types,
            partial(self._deliveries.deliver, webhook),
            handler_limit_s=None,
            deadline=Deadline.after(BEGIN_LIMIT_S),
        )
        try:
            await handle.wait()
        finally:
            await handle.stop(STOP_LIMIT_S)

    async def _again(self, webhook: Webhook | None, letter: DeadLetter) -> None:
        try:
            assert letter.id is not None and letter.tenant is not None and letter.event_id is not None, "it is stored"
            event = await self._reader.seen.with_id(letter.tenant, UUID(letter.event_id))
            if webhook is None or event is None:
                await self._letters.drop(letter.tenant, [letter.id], "the webhook, or the event, is no more")
                return
            await self._deliveries.deliver_again(webhook, event, letter)
        except Exception as error:
            log.warning("webhook letter %s: %s", letter.id, error)
