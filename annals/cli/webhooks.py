"""`annals webhooks`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import click

from aggregates.webhook import Webhook
from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S
from annals.session import session
from contracts.event_types import EventType
from eventstore.webhooks import Failing
from services.deadline import Deadline
from services.webhooks.service import WebhookService

T = TypeVar("T")


@click.group("webhooks", short_help="Addresses that events are sent to: add, list, test, resume, remove.")
def command() -> None:
    """Events are sent as signed HTTP messages while `annals up` runs (docs/webhooks.md)."""


@command.command("add")
@click.argument("url")
@click.option(
    "--type",
    "types",
    multiple=True,
    required=True,
    type=click.Choice([str(one) for one in EventType], case_sensitive=False),
    metavar="TYPE",
    help="Of events, as DocumentProcessed; may be given several times.",
)
@common
def add(context: CommandContext, url: str, types: Sequence[str]) -> None:
    """Send events to URL from now on. Its secret is printed this once."""
    wanted = [EventType(one) for one in types]
    added = _ask(context, lambda service: service.add(context.caller, url, wanted, deadline=Deadline.after(LIMIT_S)))
    context.note(f"webhook {added.webhook.id}; its secret is shown this once:")
    context.say(added.secret)
    context.give({**_described(added.webhook, None), "secret": added.secret})


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """Where events are sent, and how it goes."""
    found = _ask(context, lambda service: service.list(context.caller, deadline=Deadline.after(LIMIT_S)))
    for one in found:
        webhook, failing = one.webhook, one.failing
        state = "sends"
        if webhook.paused is not None:
            state = f"paused: {webhook.paused}"
        elif failing is not None:
            state = f"fails since {failing.since:%Y-%m-%d %H:%M}: {failing.cause}"
        context.say(f"{webhook.id}  {webhook.url}  {', '.join(webhook.types)}  {state}")
    if not found:
        context.say("no webhooks")
    context.give({"webhooks": [_described(one.webhook, one.failing) for one in found]})


@command.command("test")
@click.argument("id")
@common
def test(context: CommandContext, id: str) -> None:
    """Send the webhook of this ID one signed message."""
    sent = _ask(context, lambda service: service.test(context.caller, id, deadline=Deadline.after(LIMIT_S)))
    context.say(f"it arrived: {sent.status}" if sent.fault is None else f"it did not arrive: {sent.fault}")
    context.give({"status": sent.status, "fault": sent.fault})
    if sent.fault is not None:
        raise SystemExit(1)


@command.command("resume")
@click.argument("id")
@common
def resume(context: CommandContext, id: str) -> None:
    """Have the webhook of this ID sent events again, from where it was paused."""
    _ask(context, lambda service: service.resume(context.caller, id, deadline=Deadline.after(LIMIT_S)))
    context.say(f"webhook {id} is sent events again")
    context.give({"resumed": id})


@command.command("remove")
@click.argument("id")
@common
def remove(context: CommandContext, id: str) -> None:
    """Send nothing to the webhook of this ID any more."""
    _ask(context, lambda service: service.remove(context.caller, id, deadline=Deadline.after(LIMIT_S)))
    context.say(f"webhook {id} is removed")
    context.give({"removed": id})


def _ask(context: CommandContext, call: Callable[[WebhookService], Awaitable[T]]) -> T:
    async def called() -> T:
        async with session(context.settings, read_models=False) as opened:
            return await call(opened.use_cases.webhooks.service)

    return run_async(called)


def _described(webhook: Webhook, failing: Failing | None) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "types": [str(one) for one in webhook.types],
        "account": webhook.account,
        "paused": webhook.paused,
        "failing_since": None if failing is None else failing.since.isoformat(),
        "cause": None if failing is None else failing.cause,
    }
