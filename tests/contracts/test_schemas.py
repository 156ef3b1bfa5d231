"""The generated contracts: up to date, true of every event, and checked by a command that says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import encode
from contracts.event_types import EventType
from contracts.headers import EVENT_HEADERS
from contracts.inbox import InboxDocument, InboxEvent
from contracts.schemas import FOLDER, event_schema, inbox_schema, main, write
from contracts.topics import topics
from tests.contracts.json_schema import faults
from tests.contracts.strategies import events


def test_the_files_of_this_checkout_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.parametrize("event_type", EventType)
@settings(max_examples=5)
@given(data=st.data())
def test_every_event_keeps_its_schema(event_type: EventType, data: st.DataObject) -> None:
    fields = json.loads(encode(data.draw(events(event_type))))
    assert list(faults(event_schema(event_type), fields)) == []


@pytest.mark.parametrize("event_type", EventType)
@settings(max_examples=5)
@given(data=st.data())
def test_a_schema_refuses_what_is_no_such_event(event_type: EventType, data: st.DataObject) -> None:
    schema, fields = event_schema(event_type), json.loads(encode(data.draw(events(event_type))))
    version = fields["schema_version"]

    assert list(faults(schema, fields | {"event_type": "Other"})) == ["$.event_type: const"]
    assert list(faults(schema, fields | {"schema_version": version + 1})) == ["$.schema_version: const"]
    assert list(faults(schema, fields | {"colour": "red"})) == ["$: additionalProperties"]
    assert list(faults(schema, {name: fields[name] for name in fields if name != "metadata"})) == ["$: required"]
    surplus = fields["event_data"] | {"colour": "red"}
    assert list(faults(schema, fields | {"event_data": surplus})) == ["$.event_data: additionalProperties"]


def test_an_inbox_message_keeps_its_schema() -> None:
    message = InboxEvent.model_validate_json(
        json.dumps(
            {
                "event_id": "5f0c3c0e-6f0e-4d55-8b39-0d1a4c9b3a11",
                "event_type": "DocumentIngested",
                "aggregate_id": "report",
                "event_data": {"title": "Report", "text": "Ada met Charles.", "attributes": {"year": 2024}},
                "timestamp": "2024-05-01T14:30:00+02:00",
            }
        )
    )
    least = message.model_dump(mode="json", exclude_unset=True)
    full = message.model_dump(mode="json")

    assert list(faults(inbox_schema(), least)) == []
    assert list(faults(inbox_schema(), full)) == []
    assert set(faults(inbox_schema(), least | {"event_data": {"title": "Report", "text": ""}})) == {
        "$.event_data.text: minLength"
    }
    assert inbox_schema()["definitions"][InboxDocument.__name__]["required"] == ["title", "text"]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A freshly written folder."""
    assert main(["write", "--folder", str(tmp_path)]) == 0
    return tmp_path


def test_what_was_written_is_what_lies_here(written: Path) -> None:
    def contents(folder: Path) -> dict[str, bytes]:
        files = [folder / "asyncapi.json", *(folder / "schemas").glob("*.json")]
        return {str(file.relative_to(folder)): file.read_bytes() for file in files}

    assert contents(written) == contents(FOLDER)
    assert len(contents(written)) == len(EventType) + 2


def test_check_names_each_file_that_differs(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale, missing, extra = (
        written / "schemas" / name for name in ("DocumentDeleted.json", "EntityMerged.json", "DocumentLost.json")
    )
    stale.write_text(stale.read_text(encoding="utf-8").replace("1024", "2048"), encoding="utf-8")
    missing.unlink()
    extra.write_text("{}\n", encoding="utf-8")

    assert main(["check", "--folder", str(written)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{stale} is stale",
        f"{missing} is missing",
        f"{extra} is superfluous",
        "run: python -m contracts.schemas write",
    ]

    write(written)
    assert main(["check", "--folder", str(written)]) == 0
    assert not extra.exists()


def test_a_folder_that_is_not_there_is_all_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--folder", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.count(" is missing\n") == len(EventType) + 2


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), ([], 2), (["publish"], 2)])
def test_how_it_is_called(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    assert ended.value.code == status
    assert "{write,check}" in printed.out + printed.err


def references(node: Any) -> set[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        found = {node["$ref"]} if "$ref" in node else set()
        return found.union(*(references(item) for item in node.values()))
    return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()


def test_every_reference_of_the_asyncapi_document_leads_somewhere(written: Path) -> None:
    document = json.loads((written / "asyncapi.json").read_text(encoding="utf-8"))
    found = references(document)

    for reference in found:
        if reference.startswith("./"):
            assert (written / reference).is_file()
            continue
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    assert {f"./schemas/{file.name}" for file in (written / "schemas").glob("*.json")} <= found


def test_the_asyncapi_document_has_every_topic_and_its_direction(written: Path) -> None:
    document = json.loads((written / "asyncapi.json").read_text(encoding="utf-8"))
    channels, operations = document["channels"], document["operations"].values()

    assert {channel["address"] for channel in channels.values()} == {topic.name for topic in topics().all}
    for topic in topics().events:
        assert set(channels[topic.name]["messages"]) == {str(event_type) for event_type in topic.types}
    directions = {operation["channel"]["$ref"].removeprefix("#/channels/"): operation for operation in operations}
    assert set(directions) == set(channels)
    assert {name for name, operation in directions.items() if operation["action"] == "receive"} == {"annals.inbox"}


def test_every_event_message_has_the_relays_headers(written: Path) -> None:
    document = json.loads((written / "asyncapi.json").read_text(encoding="utf-8"))
    headers = document["components"]["schemas"]["EventHeaders"]

    assert set(headers["required"]) == set(headers["properties"])
    assert {name: header["description"] for name, header in headers["properties"].items()} == EVENT_HEADERS
    for event_type in EventType:
        message = document["components"]["messages"][event_type]
        assert message["headers"] == {"$ref": "#/components/schemas/EventHeaders"}
