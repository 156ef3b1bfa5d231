"""How large things may be, in bytes, where more than one package has to know."""

MAX_EVENT_BYTES = 1024 * 1024 - 4 * 1024
"""Limit of an event's canonical JSON. With its key, headers and what Kafka adds to a record it stays below 1 MiB, which
every Kafka broker takes as it is shipped (`message.max.bytes`)."""

PART_BYTES = 512 * 1024
"""Items of a stage's result that go into one event. The rest of an event, and one item more, take less than 64 KiB."""

BATCH_BYTES = 8 * 1024 * 1024
"""Bytes that are worked on at once where many events, texts or rows are: a batch ends before it holds more, unless a
single item does."""

MAX_ATTRIBUTES_BYTES = 256 * 1024
"""Limit of a document's attributes as canonical JSON."""
