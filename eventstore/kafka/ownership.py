"""How Kafka tells whose it is: a topic without records has the log's id in its name."""

from confluent_kafka.admin import TopicMetadata

from contracts.topics import Topic
from eventstore.errors import ForeignBrokerError
from eventstore.kafka.admin import BrokerAdmin
from eventstore.ownership import check_owner

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
    check_owner(
        "Kafka",
        sorted(name.removeprefix(PREFIX) for name in topics if name.startswith(PREFIX)),
        log,
        holds="the topics",
        cure="delete the topics annals.* of that one",
        error=ForeignBrokerError,
    )
    return topics
