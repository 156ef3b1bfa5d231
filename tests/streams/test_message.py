"""A record as handlers see it: its headers, its name, and the positions that a batch reaches."""

import pytest

from streams.message import Message, positions_of
from tests.streams.fakes import TOPIC, message


def test_the_highest_position_of_each_partition_is_reached() -> None:
    other = Message(topic=TOPIC, partition=1, offset=0, timestamp=1, key=None, value=b"", headers={"position": b"7"})
    bare = Message(topic=TOPIC, partition=2, offset=0, timestamp=1, key=None, value=b"")
    assert positions_of([message(5), message(3), other, bare]) == {(TOPIC, 0): 105, (TOPIC, 1): 7}


@pytest.mark.parametrize("raw", [b"", b"-5", b"1.5", b"9" * 19, "\u0663".encode()])
def test_a_header_that_is_no_number_of_ours_is_none(raw: bytes) -> None:
    sent = Message(topic=TOPIC, partition=0, offset=0, timestamp=1, key=None, value=b"", headers={"position": raw})
    assert sent.position is None


def test_a_record_is_named_by_its_offset_and_time() -> None:
    """A broker that forgot everything gives the same offsets to other records."""
    first, second = message(1), Message(TOPIC, 0, 1, 2, b"k", b"other")
    assert first.identity == message(1, b"delivered again").identity != second.identity
