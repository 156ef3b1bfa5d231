"""`annals webhooks`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import click

from aggregates.webhook import Webhook
from annals.cli.calls import ask
from annals.cli.context import CommandContext, common
from contracts.event_types import EventType
from eventstore.webhooks import Failing
from services.deadline import Deadline
from services.webhooks.service import MOST_OVERLAP_S, OVERLAP_S, WebhookService

T = TypeVar("T")


@click.group("webhooks")
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
    added = _ask(context, lambda service, deadline: service.add(context.caller, url, wanted, deadline=deadline))
    context.note(f"webhook {added.webhook.id}; its secret is shown this once:")
    context.say(added.secret)
    context.give({**_described(added.webhook, None), "secret": added.secret})


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """Where events are sent, and how it goes."""
    found = _ask(context, lambda service, deadline: service.list(context.caller, deadline=deadline))
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
    sent = _ask(context, lambda service, deadline: service.test(context.caller, id, deadline=deadline))
    context.say(f"it arrived: {sent.status}" if sent.fault is None else f"it did not arrive: {sent.fault}")
    context.give({"status": sent.status, "fault": sent.fault})
    if sent.fault is not None:
        raise SystemExit(1)


@command.command("rotate")
@click.argument("id")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, MOST_OVERLAP_S / 3600),
    default=OVERLAP_S / 3600,
    show_default=True,
    help="How long the secret before it signs as well.",
)
@common
def rotate(context: CommandContext, id: str, overlap_hours: float) -> None:
    """Give the webhook of this ID a new secret, which is printed this once."""
    overlap_s = 3600 * overlap_hours
    secret = _ask(context, lambda service, deadline: service.rotate(context.caller, id, overlap_s, deadline=deadline))
    context.note(f"the new secret of webhook {id} is shown this once; the former one signs for {overlap_hours:g} h")
    context.say(secret)
    context.give({"id": id, "secret": secret, "overlap_seconds": overlap_s})


@command.command("resume")
@click.argument("id")
@common
def resume(context: CommandContext, id: str) -> None:
    """Have the webhook of this ID sent events again, from where it was paused."""
    _ask(context, lambda service, deadline: service.resume(context.caller, id, deadline=deadline))
    context.say(f"webhook {id} is sent events again")
    context.give({"resumed": id})


@command.command("remove")
@click.argument("id")
@common
def remove(context: CommandContext, id: str) -> None:
    """Send nothing to the webhook of this ID any more."""
    _ask(context, lambda service, deadline: service.remove(context.caller, id, deadline=deadline))
    context.say(f"webhook {id} is removed")
    context.give({"removed": id})


def _ask(context: CommandContext, call: Callable[[WebhookService, Deadline], Awaitable[T]]) -> T:
    return ask(context, lambda use_cases, deadline: call(use_cases.webhooks.service, deadline))


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
