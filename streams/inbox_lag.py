"""How many messages of each inbox nobody has taken in yet, as Kafka knows it."""

from collections.abc import Callable, Collection, Mapping

from confluent_kafka import KafkaException

from contracts.topics import Topic
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.admin import BrokerAdmin, reason
from streams.missed_events import committed_offsets


class InboxLag:
    """`client` is as librdkafka has it; `group` tells the consumer group of this filling of the broker."""

    def __init__(self, client: Mapping[str, str], group: Callable[[], str], inboxes: Collection[Topic]) -> None:
        self._client = client
        self._group = group
        self._inboxes = inboxes
        self._admin = BrokerAdmin(client)

    def read(self) -> dict[str, int]:
        """Messages by topic. Blocks for seconds at most. Raises StoreUnavailableError."""
        partitions = [partition for topic in self._inboxes for partition in topic.all_partitions]
        try:
            # The group's offsets first: the end, read later, is never below it.
            taken = committed_offsets(self._client, self._group(), partitions)
            starts, ends = self._admin.log_starts(partitions), self._admin.log_ends(partitions)
        except KafkaException as error:
            raise StoreUnavailableError(f"Kafka does not answer: {reason(error)}") from error
        return {
            topic.name: sum(
                max(0, ends[partition] - max(taken.get(partition, 0), starts[partition]))
                for partition in topic.all_partitions
            )
            for topic in self._inboxes
        }
