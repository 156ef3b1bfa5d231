"""`annals topics`."""

import sys
from collections.abc import Callable

import click
from confluent_kafka import KafkaException

from annals.cli.frame import Frame, common
from annals.errors import AnnalsError, NothingIsUpError
from annals.supervision.state import read_state
from contracts.topics import topics
from eventstore.broker_admin import reason
from eventstore.topic_admin import TopicAdmin


@click.group("topics", short_help="Make the broker agree with topics.yaml, or see where it does not.")
def command() -> None:
    """The topics of `topics.yaml` on the broker."""


@command.command("apply")
@common
def apply(frame: Frame) -> None:
    """Create what is missing, add partitions, set configurations. Never deletes."""
    done = _asked(lambda: _admin(frame).apply(topics().all))
    for line in done:
        frame.say(line)
    if not done:
        frame.say("nothing to do: the broker agrees with topics.yaml")
    frame.give({"changes": done})


@command.command("diff")
@common
def diff(frame: Frame) -> None:
    """Show where the broker does not agree with topics.yaml; exit code 1 if it does not."""
    differences = _asked(lambda: [str(difference) for difference in _admin(frame).diff(topics().all)])
    for line in differences:
        frame.say(line)
    if not differences:
        frame.say("the broker agrees with topics.yaml")
    frame.give({"differences": differences})
    if differences:
        sys.exit(1)


def _asked(ask: Callable[[], list[str]]) -> list[str]:
    try:
        return ask()
    except KafkaException as error:
        raise AnnalsError(f"the broker does not answer: {reason(error)}") from None


def _admin(frame: Frame) -> TopicAdmin:
    settings = frame.settings
    state = read_state(settings.data)
    broker = settings.broker or (state.addresses.get("broker") if state is not None else None)
    if broker is None:
        raise NothingIsUpError("no broker is up: start `annals up`, or set ANNALS_BROKER to one")
    return TopicAdmin(settings.kafka_client(broker))
