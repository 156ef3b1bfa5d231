"""What a real Kafka refuses for its size is told apart from all else, and does not end the producer."""

import os

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from eventstore.kafka.message_bus import KafkaMessageBus
from eventstore.kafka.records import Record

pytestmark = pytest.mark.timeout(240)


def limited(address: str, topic: str, size: int) -> None:
    """The topic takes batches of at most `size` bytes."""
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": address})
    admin.incremental_alter_configs([resource])[resource].result(20)


@pytest.mark.parametrize(("limit", "large"), [(150_000, 300_000), (20_000, 50_000)])
def test_the_record_that_is_too_large_is_refused_and_no_other(kafka: str, topic: str, limit: int, large: int) -> None:
    """With the smaller limit every request of several records is refused as a whole, too."""
    limited(kafka, topic, limit)
    sizes = [1000] * 60
    sizes[30] = large
    records = [Record(topic, b"k", os.urandom(size), {}) for size in sizes]
    bus = KafkaMessageBus({"bootstrap.servers": kafka})
    published = bus.publish(records, {}, lambda: None)
    assert [refused.index for refused in published.refused] == [30]
    assert "message size" in published.refused[0].cause.lower() or "too large" in published.refused[0].cause.lower()
    ends = dict(published.ends)
    assert sum(ends.values()) == 59

    again = bus.publish(records[:5], ends, lambda: None)
    assert not again.refused
    assert sum({**ends, **again.ends}.values()) == 64
    bus.abandon()
