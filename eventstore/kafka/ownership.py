"""Kafka belongs to one log: a topic without records has the log's id in its name, and no other log may come in.

Two logs on one Kafka would share topics and consumer groups, each would be given a part of the other's events, and
neither would notice.
"""

from confluent_kafka.admin import TopicMetadata

from contracts.topics import Topic
from eventstore.errors import ForeignBrokerError
from eventstore.kafka.admin import BrokerAdmin

PATIENCE_S = 3.0
PREFIX = "annals.log."


def owner_topic(log: str) -> Topic:
    """The topic that says whose the others are."""
    return Topic.model_validate(
        {"name": PREFIX + log, "partitions": 1, "retention": "1d", "compaction": False, "max_message": "1KiB"}
    )


def own_topics(broker: BrokerAdmin, log: str, patience_s: float = PATIENCE_S) -> dict[str, TopicMetadata]:
    """All topics, by name, of a broker that is this log's or nobody's. Raises ForeignBrokerError, KafkaException."""
    topics = broker.topics(patience_s)
    for owner in sorted(name.removeprefix(PREFIX) for name in topics if name.startswith(PREFIX)):
        if owner != log:
            raise ForeignBrokerError(
                f"Kafka holds the topics of another log ({owner}; this one is {log}); give this installation a Kafka "
                "of its own, or delete the topics annals.* of that one (docs/operations.md)"
            )
    return topics
