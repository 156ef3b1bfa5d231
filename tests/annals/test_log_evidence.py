"""`annals verify --log`, `annals checkpoint` and `annals prove`, on a database alone; the proof by a script alone."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.log import EventLog
from tests.annals.test_audit import Commands, commands

__all__ = ["commands"]
SCRIPT = Path(__file__).parents[2] / "examples" / "check_proof.py"
CHANGE = (
    "UPDATE annals.stored_events SET state = overlay(state PLACING '\\x7a'::bytea FROM 30) WHERE notification_id = 3"
)


def append(dsn: str, *names: str) -> list[DomainEvent]:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    cause = Cause(EventMetadata(), "c1")
    with EventLog.connect(dsn) as log:
        return log.append([documents.ingest(None, name, content, cause)[0] for name in names])


def verified(commands: Commands, *arguments: str, exit_code: int = 0) -> Any:
    return commands.json("verify", "--log", *arguments, exit_code=exit_code)


@pytest.mark.parametrize(
    ("statement", "position", "what"),
    [
        (CHANGE, 3, "was changed"),
        ("DELETE FROM annals.stored_events WHERE notification_id = 2", 2, "was removed"),
    ],
)
def test_what_was_done_to_the_log_is_one_line_and_exit_code_1(
    commands: Commands, dsn: str, statement: str, position: int, what: str
) -> None:
    append(dsn, "a", "b", "c", "d")
    found = verified(commands)
    assert (found["intact"], found["checked"], found["position"], found["fault"]) == (True, 4, 4, None)
    commands.sql(statement)
    fault = verified(commands, exit_code=1)["fault"]
    assert (fault["position"], fault["what"]) == (position, what)
    done = commands.run("verify", "--log")
    assert done.exit_code == 1 and f"NOT INTACT: position {position} {what}" in done.stdout


def test_a_log_without_its_end_and_one_made_anew_are_told_by_checkpoints(
    commands: Commands, dsn: str, tmp_path: Path
) -> None:
    assert "the log is empty" in commands.run("checkpoint").stderr
    append(dsn, "a", "b", "c")
    first = commands.json("checkpoint")
    assert commands.json("checkpoint") == first, "nothing happened since"
    append(dsn, "d", "e")
    second = commands.json("checkpoint")
    assert [one["size"] for one in (first, second)] == [3, 5]
    assert verified(commands)["checkpoints"] == 4, "two in the database, two outside"

    commands.sql("DELETE FROM annals.stored_events WHERE notification_id = 5")
    fault = verified(commands, exit_code=1)["fault"]
    assert fault["position"] == 5 and "is missing: there were events up to 5" in fault["what"]

    # The whole chain made anew, as somebody does who may do everything in the database, and knows how.
    commands.sql(CHANGE)
    commands.sql("SELECT annals.chain_events(0, 100)")
    commands.sql("DELETE FROM annals.checkpoints")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(commands.data / "checkpoints", elsewhere)
    assert verified(commands)["intact"], "the database alone knows of nothing"
    fault = verified(commands, "--checkpoints", str(elsewhere), exit_code=1)["fault"]
    assert fault["position"] == 3 and "not all are these" in fault["what"]


def test_a_checkpoint_with_another_signature_does_not_count(commands: Commands, dsn: str) -> None:
    append(dsn, "a")
    commands.json("checkpoint")
    (file,) = (commands.data / "checkpoints").iterdir()
    file.write_text(file.read_text().replace('"size": 1', '"size": 2'))
    assert "signature is not good" in verified(commands, exit_code=1)["fault"]["what"]
    file.write_text("{}")
    assert f"{file} is no checkpoint" in commands.run("verify", "--log").stderr


def check(proof: Any, public_key: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """By the script alone, which finds nothing of Annals."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    command = [sys.executable, "-I", str(SCRIPT), str(file), public_key]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("count", [1, 7])
def test_a_proof_is_checked_with_the_public_key_alone(commands: Commands, dsn: str, tmp_path: Path, count: int) -> None:
    events = append(dsn, *(f"d{number}" for number in range(count)))
    wanted = events[count // 2]
    refused = commands.run("prove", str(wanted.event_id))
    assert refused.exit_code == 1 and "run `annals checkpoint`" in refused.stderr
    key = commands.json("checkpoint")["public_key"]
    append(dsn, "later")
    proof = json.loads(commands.run("prove", str(wanted.event_id)).stdout)
    done = check(proof, key, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"holds: DocumentIngested {wanted.event_id} of {wanted.aggregate_id}, position ")

    state = json.loads(base64.b64decode(proof["event"]["state"]))
    assert state["event_id"] == str(wanted.event_id)
    other = base64.b64encode(json.dumps(state | {"aggregate_version": 2}).encode()).decode()
    changes: list[Any] = [
        proof | {"event": proof["event"] | {"state": other}},
        proof | {"event": proof["event"] | {"recorded_at": proof["event"]["recorded_at"] - 1}},
        proof | {"event": proof["event"] | {"tenant": "other"}},
        proof | {"index": count},
        proof | {"path": [*proof["path"], "00" * 32]},
        proof | {"checkpoint": proof["checkpoint"] | {"at": "2020-01-01T00:00:00Z"}},
        proof | {"checkpoint": proof["checkpoint"] | {"root": "00" * 32}},
    ]
    for changed in changes:
        failed = check(changed, key, tmp_path)
        assert failed.returncode == 1 and failed.stdout.startswith("DOES NOT HOLD: "), failed
    assert "not signed with this key" in check(proof, base64.b64encode(bytes(32)).decode(), tmp_path).stdout


def test_an_event_of_another_tenant_is_not_proved(commands: Commands, dsn: str) -> None:
    (event,) = append(dsn, "a")
    commands.json("checkpoint")
    refused = commands.run("prove", str(event.event_id), tenant="north")
    assert refused.exit_code == 1 and "there is no event" in refused.stderr
