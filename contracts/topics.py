"""`topics.yaml`, read and checked: which topic carries which event type."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from contracts.envelope import Tenant
from contracts.event_types import KIND_OF, EventType

Partition = tuple[str, int]
"""Topic name and partition number."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def _milliseconds(value: object) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", str(value))
    if match is None:
        raise ValueError(f"{value!r} is no length of time; write for example 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]] * 1000


def _bytes(value: object) -> int:
    match = re.fullmatch(r"(\d+)(KiB|MiB|GiB)", str(value))
    if match is None:
        raise ValueError(f"{value!r} is no size; write for example 512KiB or 16MiB")
    return int(match[1]) * _BYTES[match[2]]


class Topic(BaseModel):
    """One topic: `retention` in milliseconds, `max_message` in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,200}$")]
    partitions: Annotated[int, Field(ge=1, le=1024)]
    retention: Annotated[int, BeforeValidator(_milliseconds)]
    compaction: bool
    max_message: Annotated[int, BeforeValidator(_bytes)]

    @property
    def all_partitions(self) -> tuple[Partition, ...]:
        """Its partitions: the topic's name and a number each."""
        return tuple((self.name, partition) for partition in range(self.partitions))

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's own words."""
        return {
            "cleanup.policy": "compact" if self.compaction else "delete",
            "retention.ms": str(self.retention),
            "max.message.bytes": str(self.max_message),
        }


def _one_topic_an_aggregate(topics: tuple["EventTopic", ...]) -> tuple["EventTopic", ...]:
    home: dict[str, str] = {}
    for topic in topics:
        for event_type in topic.types:
            kind = KIND_OF[event_type]
            if home.setdefault(kind, topic.name) != topic.name:
                raise ValueError(f"{kind} events are split over {home[kind]} and {topic.name}; keep them on one topic")
    return topics


class InboxTopic(Topic):
    """A topic that producers write documents to. It speaks for these tenants; who may write to it, may for them."""

    tenants: Annotated[tuple[Tenant, ...], Field(min_length=1)]

    @field_validator("tenants")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a tenant is listed twice; list each once")
        return value


class EventTopic(Topic):
    """A topic that carries stored events."""

    types: tuple[EventType, ...]


class Topics(BaseModel):
    """The whole file. Every event type has exactly one topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inboxes: Annotated[tuple[InboxTopic, ...], Field(min_length=1)]
    dead_letters: Topic
    events: Annotated[tuple[EventTopic, ...], AfterValidator(_one_topic_an_aggregate)]

    @model_validator(mode="after")
    def _every_type_once(self) -> "Topics":
        listed = [event_type for topic in self.events for event_type in topic.types]
        missing = sorted(set(EventType) - set(listed))
        doubled = sorted({event_type for event_type in listed if listed.count(event_type) > 1})
        if missing or doubled:
            raise ValueError(f"event types without a topic: {missing}; listed twice: {doubled}")
        return self

    @model_validator(mode="after")
    def _every_name_once(self) -> "Topics":
        names = [topic.name for topic in self.all]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"several topics are called {', '.join(doubled)}")
        return self

    @property
    def all(self) -> tuple[Topic, ...]:
        """Every topic there is."""
        return (*self.inboxes, self.dead_letters, *self.events)

    def inbox(self, name: str) -> InboxTopic | None:
        """The inbox of this name; None where the topic is none."""
        return next((topic for topic in self.inboxes if topic.name == name), None)

    def of(self, event_type: EventType) -> EventTopic:
        """The topic that carries `event_type` (specification 2.1, `to_topic`)."""
        return next(topic for topic in self.events if event_type in topic.types)


def read_topics(path: Path) -> Topics:
    """Read and check a topics file. Raises pydantic's ValidationError naming what is wrong."""
    return Topics.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def topics() -> Topics:
    """The topics of this installation: `topics.yaml` beside the packages, or inside the wheel."""
    beside = Path(__file__).resolve().parent.parent / "topics.yaml"
    if beside.exists():
        return read_topics(beside)
    return Topics.model_validate(yaml.safe_load((files("contracts") / "topics.yaml").read_text("utf-8")))
