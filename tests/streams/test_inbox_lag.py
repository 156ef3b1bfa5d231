"""The lag of inboxes, as Kafka knows it: from the group's offsets to the end, whatever was deleted between."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.topic_admin import TopicAdmin
from streams.inbox_lag import InboxLag
from tests.conftest import BrokerServer

INBOX = topics().inboxes[0]
GROUP = "annals-intake-1"


def lag_at(address: str) -> InboxLag:
    """Of the group at a broker."""
    return InboxLag({"bootstrap.servers": address}, lambda: GROUP, topics().inboxes)


def produce(address: str, partition: int, count: int) -> None:
    """So many messages."""
    producer = Producer({"bootstrap.servers": address})
    for number in range(count):
        # Each by itself: the embedded broker counts a batch that is not idempotent as one record.
        producer.produce(INBOX.name, b"{}", str(number).encode(), partition=partition)
        assert producer.flush(30) == 0


def commit(address: str, partition: int, offset: int) -> None:
    """The group has taken in what is before an offset."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": GROUP, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(INBOX.name, partition, offset)], asynchronous=False)
    consumer.close()


def test_what_nobody_has_taken_in_is_counted(broker: BrokerServer) -> None:
    TopicAdmin({"bootstrap.servers": broker.address}).apply(topics().all)
    lag = lag_at(broker.address)
    assert lag.read() == {topic.name: 0 for topic in topics().inboxes}
    produce(broker.address, 0, 5)
    produce(broker.address, 1, 2)
    assert lag.read()[INBOX.name] == 7
    commit(broker.address, 0, 3)
    assert lag.read()[INBOX.name] == 4
    commit(broker.address, 0, 5)
    commit(broker.address, 1, 2)
    assert lag.read()[INBOX.name] == 0


def test_a_broker_that_is_away_is_said_to_be(broker: BrokerServer) -> None:
    address = broker.address
    broker.kill()
    with pytest.raises(StoreUnavailableError, match="Kafka does not answer"):
        lag_at(address).read()
