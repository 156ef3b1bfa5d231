"""Making the broker's topics agree with `topics.yaml`, and saying where they do not."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from contracts.topics import Topic
from eventstore.kafka.admin import BrokerAdmin

PATIENCE_S = 10.0
# A broker that has no notion of a request says so in one of these ways; then nothing is claimed about it.
_CANNOT_TELL = frozenset(
    {
        KafkaError.UNSUPPORTED_VERSION,
        KafkaError._UNSUPPORTED_FEATURE,
        KafkaError.INVALID_REQUEST,
        KafkaError._TIMED_OUT,
        KafkaError.UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the broker does not agree with the file."""

    topic: str
    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.found}, should be {self.wanted}"


class TopicAdmin:
    """Talks to one broker. `client` holds bootstrap servers and TLS or SASL settings in librdkafka's words."""

    def __init__(self, client: Mapping[str, str]) -> None:
        self._broker = BrokerAdmin(client)
        self._admin = self._broker.client

    def diff(self, topics: Iterable[Topic]) -> list[Difference]:
        """Where broker and file differ. Raises KafkaException when the broker does not answer."""
        wanted = list(topics)
        present = self._broker.topics(PATIENCE_S)
        differences = [
            Difference(topic.name, "topic", "there", "missing") for topic in wanted if topic.name not in present
        ]
        there = [topic for topic in wanted if topic.name in present]
        for topic in there:
            found = len(present[topic.name].partitions)
            if found != topic.partitions:
                differences.append(Difference(topic.name, "partitions", str(topic.partitions), str(found)))
        for topic, config in zip(there, self._configs(there), strict=True):
            differences.extend(
                Difference(topic.name, name, value, config[name])
                for name, value in topic.config.items()
                if name in config and config[name] != value
            )
        return differences

    def apply(self, topics: Iterable[Topic]) -> list[str]:
        """Create what is missing, add partitions, set configurations; never deletes. Says what it did.

        Raises KafkaException when the broker does not answer or refuses.
        """
        wanted = {topic.name: topic for topic in topics}
        done = []
        for difference in self.diff(wanted.values()):
            topic = wanted[difference.topic]
            if difference.what == "topic":
                self._create(topic)
                done.append(f"{topic.name}: created, partitions: {topic.partitions}")
            elif difference.what == "partitions":
                if int(difference.found) < topic.partitions:
                    self._wait_for(self._admin.create_partitions([NewPartitions(topic.name, topic.partitions)]))
                    done.append(f"{topic.name}: partitions raised from {difference.found} to {topic.partitions}")
            else:
                self._configure(topic, difference.what, difference.wanted)
                done.append(f"{topic.name}: {difference.what} set to {difference.wanted}")
        return done

    def delete(self, topics: Iterable[Topic]) -> list[str]:
        """Delete these topics with all records; returns the names of those that were there. Waits until they are gone.

        Raises KafkaException when the broker does not answer or refuses.
        """
        names = [topic.name for topic in topics]
        there = sorted(set(names) & set(self._admin.list_topics(timeout=PATIENCE_S).topics))
        if there:
            self._wait_for(self._admin.delete_topics(there, operation_timeout=PATIENCE_S))
        return there

    def _create(self, topic: Topic) -> None:
        # -1: as many replicas as the broker's own default says.
        for replicas in (-1, 1):
            try:
                new = NewTopic(topic.name, topic.partitions, replicas, config=topic.config)
                self._wait_for(self._admin.create_topics([new], operation_timeout=PATIENCE_S))
                return
            except KafkaException as error:
                code = error.args[0].code()
                if code == KafkaError.TOPIC_ALREADY_EXISTS:
                    return
                if code != KafkaError.INVALID_REPLICATION_FACTOR or replicas == 1:
                    raise

    def _configure(self, topic: Topic, name: str, value: str) -> None:
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])
        self._wait_for(self._admin.incremental_alter_configs([resource]))

    def _configs(self, topics: list[Topic]) -> list[dict[str, str]]:
        """The broker's settings of each topic; empty where it cannot tell."""
        if not topics:
            return []
        resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics]
        answers = self._admin.describe_configs(resources, request_timeout=PATIENCE_S)
        configs = []
        for resource in resources:
            try:
                found = answers[resource].result(PATIENCE_S)
                configs.append({name: entry.value for name, entry in found.items() if entry.value is not None})
            except KafkaException as error:
                if error.args[0].code() not in _CANNOT_TELL:
                    raise
                configs.append({})
        return configs

    @staticmethod
    def _wait_for(futures: Mapping[Any, "Future[Any]"]) -> None:
        for future in futures.values():
            future.result(PATIENCE_S)
