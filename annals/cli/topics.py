"""`annals topics`."""

import sys
from collections.abc import Callable

import click
from confluent_kafka import KafkaException

from annals.cli.context import CommandContext, common
from annals.errors import NothingIsUpError
from annals.supervision.state import read_state
from contracts.errors import AnnalsError
from contracts.topics import topics
from eventstore.kafka.admin import reason
from eventstore.kafka.topic_admin import TopicAdmin


@click.group("topics")
def command() -> None:
    """The topics of `topics.yaml` on the broker."""


@command.command("apply")
@common
def apply(context: CommandContext) -> None:
    """Create what is missing, add partitions, set configurations. Never deletes."""
    done = _asked(lambda: _admin(context).apply(topics().all))
    for line in done:
        context.say(line)
    if not done:
        context.say("nothing to do: the broker agrees with topics.yaml")
    context.give({"changes": done})


@command.command("diff")
@common
def diff(context: CommandContext) -> None:
    """Show where the broker does not agree with topics.yaml; exit code 1 if it does not."""
    differences = _asked(lambda: [str(difference) for difference in _admin(context).diff(topics().all)])
    for line in differences:
        context.say(line)
    if not differences:
        context.say("the broker agrees with topics.yaml")
    context.give({"differences": differences})
    if differences:
        sys.exit(1)


@command.command("delete")
@click.option("--yes", is_flag=True, help="Do it; without this nothing is deleted.")
@common
def delete(context: CommandContext, yes: bool) -> None:
    """Delete the topics of events and dead letters, for a log that was restored to an older moment.

    The relay makes and fills them again from the log. Inboxes stay: what they hold is taken in again where the log does
    not know it any more. Stop all roles before.
    """
    kept = {topic.name for topic in topics().inboxes}
    doomed = [topic for topic in topics().all if topic.name not in kept]
    if not yes:
        raise AnnalsError(
            f"this deletes {', '.join(topic.name for topic in doomed)} with all records; stop all roles, then add --yes"
        )
    deleted = _asked(lambda: _admin(context).delete(doomed))
    for name in deleted:
        context.say(f"deleted {name}")
    if not deleted:
        context.say("nothing to do: there are no topics of events")
    context.give({"deleted": deleted})


def _asked(ask: Callable[[], list[str]]) -> list[str]:
    try:
        return ask()
    except KafkaException as error:
        raise AnnalsError(f"the broker does not answer: {reason(error)}") from None


def _admin(context: CommandContext) -> TopicAdmin:
    settings = context.settings
    state = read_state(settings.data)
    broker = settings.broker or (state.addresses.get("broker") if state is not None else None)
    if broker is None:
        raise NothingIsUpError("no broker is up: start `annals up`, or set ANNALS_BROKER to one")
    return TopicAdmin(settings.kafka_client(broker))
