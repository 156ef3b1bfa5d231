"""`topics.yaml`: every event type has one topic, aggregates stay together, and faults are named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from contracts.event_types import KIND_OF, EventType
from contracts.topics import read_topics, topics

File = dict[str, Any]
OURS = Path(__file__).parents[2] / "topics.yaml"


@pytest.mark.parametrize("event_type", EventType)
def test_every_event_type_has_exactly_one_topic(event_type: EventType) -> None:
    carriers = [topic for topic in topics().events if event_type in topic.types]
    assert carriers == [topics().of(event_type)]


def test_all_types_of_an_aggregate_kind_share_one_topic() -> None:
    homes: dict[str, set[str]] = {}
    for event_type, kind in KIND_OF.items():
        homes.setdefault(kind, set()).add(topics().of(event_type).name)
    assert {kind: len(names) for kind, names in homes.items()} == dict.fromkeys(KIND_OF.values(), 1)


def test_every_event_type_has_an_owner() -> None:
    assert set(KIND_OF) == set(EventType)


def test_names_are_unique_and_nothing_is_compacted() -> None:
    names = [topic.name for topic in topics().all]
    assert len(names) == len(set(names))
    assert not any(topic.compaction for topic in topics().all)


def test_settings_are_in_kafkas_words_and_units() -> None:
    assert topics().inboxes[0].config == {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * 24 * 3600 * 1000),
        "max.message.bytes": str(16 * 1024 * 1024),
    }


@pytest.mark.parametrize(
    ("written", "milliseconds"), [("90s", 90_000), ("5m", 300_000), ("12h", 43_200_000), ("1d", 86_400_000)]
)
def test_lengths_of_time(tmp_path: Path, written: str, milliseconds: int) -> None:
    changed = altered(tmp_path, lambda file: file["inboxes"][0].update(retention=written))
    assert read_topics(changed).inboxes[0].retention == milliseconds


@pytest.mark.parametrize(("written", "size"), [("512KiB", 524_288), ("2MiB", 2_097_152), ("1GiB", 1_073_741_824)])
def test_sizes(tmp_path: Path, written: str, size: int) -> None:
    changed = altered(tmp_path, lambda file: file["inboxes"][0].update(max_message=written))
    assert read_topics(changed).inboxes[0].max_message == size


def altered(folder: Path, change: Callable[[File], object]) -> Path:
    """A copy of our file with one change."""
    file = yaml.safe_load(OURS.read_text(encoding="utf-8"))
    change(file)
    copy = folder / "topics.yaml"
    copy.write_text(yaml.safe_dump(file), encoding="utf-8")
    return copy


def _move_deletion(file: File) -> None:
    file["events"][0]["types"].remove("DocumentDeleted")
    file["events"][1]["types"].append("DocumentDeleted")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_move_deletion, "document events are split over annals.documents and annals.entities"),
        (lambda file: file["events"][1]["types"].remove("EntityMerged"), "without a topic: .*EntityMerged"),
        (lambda file: file["events"][1]["types"].append("EntityMerged"), "listed twice: .*EntityMerged"),
        (lambda file: file["events"][1]["types"].append("EntityLost"), r"events\.1\.types\.7"),
        (lambda file: file["inboxes"][0].update(name="annals.documents"), "several topics are called annals.documents"),
        (lambda file: file["events"].clear(), "without a topic"),
        (lambda file: file.pop("inboxes"), "inboxes\n.*Field required"),
        (lambda file: file.pop("dead_letters"), "dead_letters\n.*Field required"),
        (lambda file: file.update(outbox=file["inboxes"][0]), "outbox\n.*Extra inputs"),
        (lambda file: file["inboxes"][0].update(colour="red"), r"inboxes\.0\.colour\n.*Extra inputs"),
        (lambda file: file["inboxes"][0].update(name="Annals Inbox"), r"inboxes\.0\.name\n.*match pattern"),
        (lambda file: file["inboxes"][0].update(partitions=0), r"inboxes\.0\.partitions\n.*greater than or equal to 1"),
        (
            lambda file: file["inboxes"][0].update(retention="a week"),
            "'a week' is no length of time; write for example 12h",
        ),
        (lambda file: file["inboxes"].clear(), r"inboxes\n.*at least 1 item"),
        (lambda file: file["inboxes"].append(file["inboxes"][0]), "several topics are called annals.inbox"),
        (lambda file: file["inboxes"][0].pop("tenants"), r"inboxes\.0\.tenants\n.*Field required"),
        (lambda file: file["inboxes"][0].update(tenants=[]), r"inboxes\.0\.tenants\n.*at least 1 item"),
        (lambda file: file["inboxes"][0].update(tenants=["No One"]), r"inboxes\.0\.tenants\.0\n.*match pattern"),
        (lambda file: file["inboxes"][0].update(tenants=["a", "a"]), "a tenant is listed twice"),
        (lambda file: file["inboxes"][0].update(max_message="16MB"), "'16MB' is no size; write for example 512KiB"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, change: Callable[[File], object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        read_topics(altered(tmp_path, change))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "topics.yaml"
    empty.touch()
    with pytest.raises(ValidationError, match="Topics"):
        read_topics(empty)
