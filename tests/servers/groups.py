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


def shares(admin: AdminClient, role: str) -> list[int]:
    """How many partitions each process of a role has, of those that have any. None while they are being shared out.

    Whatever the epoch: a relay that finds topics gone, if only for a moment, counts a new one.
    """
    groups = [
        group.group_id
        for group in admin.list_consumer_groups(request_timeout=LIMIT_S).result(LIMIT_S).valid
        if group.group_id.startswith(group_of(role, epoch=0).removesuffix("0"))
    ]
    held: list[int] = []
    for asked in admin.describe_consumer_groups(groups, request_timeout=LIMIT_S).values() if groups else ():
        try:
            found = asked.result(LIMIT_S)
        except KafkaException as error:
            if error.args[0].code() not in UNKNOWN_YET:
                raise
            return []
        if found.members and found.state.name != "STABLE":
            return []
        held += [len(one.assignment.topic_partitions) for one in found.members if one.assignment is not None]
    return [count for count in held if count]
