"""The AsyncAPI 3.0 document: which topics there are, what Annals reads and writes there, and with which headers."""

from typing import Any

from contracts.event_types import KIND_OF, EventType
from contracts.headers import EVENT_HEADERS, LETTER_HEADERS
from contracts.inbox import InboxEvent
from contracts.registry import PAYLOADS
from contracts.topics import EventTopic, InboxTopic, Topic, Topics

Json = dict[str, Any]

CONTRACT_VERSION = "1.0.0"
"""Version of the document: the first number grows with a change that a reader of the topics cannot ignore."""

_KAFKA_BINDING = "0.5.0"
_KEY = {"bindingVersion": _KAFKA_BINDING, "key": {"description": "the aggregate_id", "type": "string"}}
_DEAD_LETTER = "DeadLetter"


def asyncapi(topics: Topics) -> Json:
    """The whole document. Payloads are references to the schema files beside it (AsyncAPI 3.0.0)."""
    return {
        "asyncapi": "3.0.0",
        "channels": {topic.name: _channel(topic, _names(topic)) for topic in topics.all},
        "components": {"messages": _messages(), "schemas": {"EventHeaders": _headers(EVENT_HEADERS)}},
        "defaultContentType": "application/json",
        "info": {
            "description": "Documents become events, events become read models. Write documents to the inbox topic; "
            "read everything that happened, in the order of each aggregate, from the others. A record may come more "
            "than once: its header event_id tells.",
            "title": "Annals",
            "version": CONTRACT_VERSION,
        },
        "operations": dict(_operation(topic) for topic in topics.all),
    }


def _names(topic: Topic) -> tuple[str, ...]:
    if isinstance(topic, EventTopic):
        return tuple(str(event_type) for event_type in topic.types)
    return (InboxEvent.__name__,) if isinstance(topic, InboxTopic) else (_DEAD_LETTER,)


def _channel(topic: Topic, names: tuple[str, ...]) -> Json:
    description = _description(topic)
    return {
        "address": topic.name,
        "bindings": {
            "kafka": {
                "bindingVersion": _KAFKA_BINDING,
                "partitions": topic.partitions,
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compaction else "delete"],
                    "max.message.bytes": topic.max_message,
                    "retention.ms": topic.retention,
                },
            }
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        **({"description": description} if description else {}),
    }


def _description(topic: Topic) -> str | None:
    if isinstance(topic, EventTopic):
        kinds = sorted({KIND_OF[event_type] for event_type in topic.types})
        return f"Events of these kinds of aggregate: {', '.join(kinds)}."
    if isinstance(topic, InboxTopic):
        return f"Takes documents in for these tenants and no others: {', '.join(topic.tenants)}."
    return None


def _operation(topic: Topic) -> tuple[str, Json]:
    action = "receive" if isinstance(topic, InboxTopic) else "send"
    return f"{action}.{topic.name}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _names(topic)],
    }


def _messages() -> Json:
    return {
        **{str(event_type): _event(event_type) for event_type in EventType},
        InboxEvent.__name__: {
            "bindings": {"kafka": _KEY},
            "name": InboxEvent.__name__,
            "payload": {"$ref": f"./schemas/{InboxEvent.__name__}.json"},
            "summary": InboxEvent.__doc__,
        },
        _DEAD_LETTER: {
            "contentType": "application/octet-stream",
            "headers": _headers(LETTER_HEADERS),
            "name": _DEAD_LETTER,
            "payload": {"description": "the message as it came, whatever it holds"},
            "summary": "A message that a consumer gave up on; key and value are the message's own.",
        },
    }


def _event(event_type: EventType) -> Json:
    return {
        "bindings": {"kafka": _KEY},
        "correlationId": {"location": "$message.header#/correlation_id"},
        "headers": {"$ref": "#/components/schemas/EventHeaders"},
        "name": str(event_type),
        "payload": {"$ref": f"./schemas/{event_type}.json"},
        "summary": PAYLOADS[event_type].__doc__,
    }


def _headers(described: dict[str, str]) -> Json:
    return {
        "properties": {name: {"description": text, "type": "string"} for name, text in described.items()},
        "required": list(described),
        "type": "object",
    }
