"""Who of a role's consumer group has which part of the work."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.roles import group_of

LIMIT_S = 10.0
UNKNOWN_YET = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
"""Kafka takes a moment for its first group."""


def shares(admin: AdminClient, role: str, epoch: int = 1) -> list[int]:
    """How many partitions each process of a role has, of those that have any. None while they are being shared out."""
    (asked,) = admin.describe_consumer_groups([group_of(role, epoch)], request_timeout=LIMIT_S).values()
    try:
        found = asked.result(LIMIT_S)
    except KafkaException as error:
        if error.args[0].code() not in UNKNOWN_YET:
            raise
        return []
    held = [len(member.assignment.topic_partitions) for member in found.members if member.assignment is not None]
    return [count for count in held if count] if found.state.name == "STABLE" else []
