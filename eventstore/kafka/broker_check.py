"""What the relay asks the broker about itself: is it ours, are the topics there, and what we published in them?"""

import contextlib
import logging
import time
from collections.abc import Mapping

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from contracts.topics import Partition, Topics
from eventstore.kafka.admin import BrokerAdmin
from eventstore.kafka.message_bus import BrokerLostRecordsError
from eventstore.kafka.ownership import PATIENCE_S, own_topics, owner_topic
from eventstore.kafka.topic_admin import TopicAdmin

log = logging.getLogger(__name__)

CHECK_S = 1.0
PATIENCE_WHILE_WAITING_S = 1.0


class BrokerCheck:
    """A broker that was restarted empty is found out about once a second, however little is published."""

    def __init__(self, client: Mapping[str, str], topics: Topics, log_id: str) -> None:
        self._client = dict(client)
        self._log_id = log_id
        self._topics = topics
        self._admin = BrokerAdmin(client)
        self._checked_at = 0.0

    def apply_topics(self) -> None:
        """Make the topics as `topics.yaml` has them, and the broker ours. Raises ForeignBrokerError, KafkaException."""
        self.present(PATIENCE_S)
        for change in TopicAdmin(self._client).apply([owner_topic(self._log_id), *self._topics.all]):
            log.info("relay: topic %s", change)

    def check(self, ends: Mapping[Partition, int], patience_s: float = PATIENCE_S) -> None:
        """Is there still what we published? Asked at most every CHECK_S.

        Ends are only compared with nothing: the embedded broker's answer is the start of the last batch, plus one.

        Raises BrokerLostRecordsError when it is gone, ForeignBrokerError, and KafkaException when the broker does not
        answer.
        """
        if time.monotonic() - self._checked_at < CHECK_S:
            return
        missing = sorted({topic.name for topic in self._topics.all} - self.present(patience_s))
        if missing and ends:
            raise BrokerLostRecordsError(f"the broker has no topic {missing[0]}")
        if missing:
            self.apply_topics()
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*partition): latest for partition, end in ends.items() if end > 0}
        for partition, answer in (
            self._admin.client.list_offsets(asked, request_timeout=patience_s).items() if asked else ()
        ):
            if answer.result(patience_s).offset == 0:
                raise BrokerLostRecordsError(
                    f"{partition.topic}/{partition.partition} is empty, "
                    f"was at {ends[partition.topic, partition.partition]}"
                )
        self._checked_at = time.monotonic()

    def check_while_waiting(self, ends: Mapping[Partition, int]) -> None:
        """As `check`, for a broker that may be away: whether it comes back, the producer finds out."""
        with contextlib.suppress(KafkaException):
            self.check(ends, PATIENCE_WHILE_WAITING_S)

    def present(self, patience_s: float) -> set[str]:
        """Names of all topics.

        Raises ForeignBrokerError, KafkaException with the reason for which the broker does not let us in.
        """
        return set(own_topics(self._admin, self._log_id, patience_s))
