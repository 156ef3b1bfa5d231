"""The broker's administration, with the reason where it does not let us in."""

from collections.abc import Collection, Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec, TopicMetadata

from contracts.topics import Partition

PATIENCE_S = 5.0


def reason(error: KafkaException) -> str:
    """What librdkafka says, without what only a programmer wants to know."""
    return str(error.args[0].str())


class BrokerAdmin:
    """`client` for what librdkafka offers, silent; `topics` asks in a way that tells why nothing came back."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Bootstrap servers, TLS and SASL in librdkafka's words."""
        self.client = AdminClient({**settings, "log_level": 0}, error_cb=self._note)
        self._refusal: KafkaError | None = None

    def topics(self, patience_s: float) -> dict[str, TopicMetadata]:
        """All topics, by name. Raises KafkaException, with the reason for a refused login or certificate."""
        self.client.poll(0)  # what was told since the last time is no reason for this one
        self._refusal = None
        try:
            return self.client.list_topics(timeout=patience_s).topics
        except KafkaException:
            self.client.poll(0)
            if self._refusal is None:
                raise
            raise KafkaException(self._refusal) from None

    def log_starts(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offset of the first record that is still there, for each partition. Raises KafkaException."""
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def log_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offset that the next record gets, for each partition. Raises KafkaException."""
        return self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def _offsets(self, partitions: Collection[Partition], which: OffsetSpec) -> dict[Partition, int]:
        asked = {TopicPartition(*partition): which for partition in partitions}
        answers = self.client.list_offsets(asked, request_timeout=PATIENCE_S) if asked else {}
        return {(one.topic, one.partition): answer.result(PATIENCE_S).offset for one, answer in answers.items()}

    def _note(self, error: KafkaError) -> None:
        """librdkafka tells the reason beside the call, which only fails for want of an answer."""
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
            self._refusal = error
