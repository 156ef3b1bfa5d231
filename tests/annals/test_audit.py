"""`annals audit`, on a database alone."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from eventstore.audit_entries import AuditEntries
from eventstore.pool import open_pool
from security.audit import AuditEntry
from tests.annals.pipeline import called


class Commands:
    """Commands beside a PostgreSQL that is given by its address; no other server is needed."""

    def __init__(self, data: Path, dsn: str) -> None:
        self.data = data
        self._dsn = dsn

    def json(
        self, *arguments: str, exit_code: int = 0, tenant: str = "default", env: Mapping[str, str] | None = None
    ) -> Any:
        """What a command gives."""
        done = self.run(*arguments, "--json", tenant=tenant, env=env)
        assert done.exit_code == exit_code, (done.output, done.stderr)
        return json.loads(done.stdout)

    def run(self, *arguments: str, tenant: str = "default", env: Mapping[str, str] | None = None) -> Any:
        """One command."""
        ours = {"ANNALS_POSTGRES": self._dsn, "ANNALS_BROKER": "127.0.0.1:9", "ANNALS_TENANT": tenant}
        return called(self.data, *arguments, env={**ours, **(env or {})})

    def sql(self, statement: str) -> None:
        """Behind everybody's back."""

        async def execute() -> None:
            pool = await open_pool(self._dsn)
            await pool.execute(statement)
            await pool.close()

        asyncio.run(execute())

    def append(self, *entries: AuditEntry) -> None:
        """As another process does it."""

        async def append() -> None:
            pool = await open_pool(self._dsn)
            await AuditEntries(pool).append([(uuid4(), entry) for entry in entries], again=False)
            await pool.close()

        asyncio.run(append())


@pytest.fixture
def commands(tmp_path: Path, dsn: str) -> Commands:
    return Commands(tmp_path / "data", dsn)


def change(document: str, tenant: str = "default") -> AuditEntry:
    return AuditEntry(tenant, "ines", "change", "write", "documents", document, address="192.0.2.1")


def test_list_shows_the_newest_first_in_pages(commands: Commands) -> None:
    commands.append(*(change(f"{number}.md") for number in range(5)), change("theirs.md", "b"))
    first = commands.json("audit", "list", "--category", "change", "--limit", "3")
    second = commands.json("audit", "list", "--category", "change", "--limit", "3", "--after", first["next"])
    assert [one["object_id"] for one in first["entries"] + second["entries"]] == [f"{n}.md" for n in (4, 3, 2, 1, 0)]
    assert second["next"] is None
    people = commands.run("audit", "list", "--object", "2.md").stdout
    assert "success  change          ines (192.0.2.1)  write documents 2.md" in people
    assert [one["action"] for one in commands.json("audit", "list", "--resource", "audit")["entries"]] == ["read"] * 3


def test_what_commands_do_to_documents_is_told(commands: Commands, tmp_path: Path) -> None:
    """Though no gateway is up: use cases tell it, whoever calls them."""
    file = tmp_path / "some.jsonl"
    lines = [json.dumps({"id": f"d{number}", "title": "T", "text": f"Text {number}."}) for number in range(2)]
    file.write_text("\n".join(lines))
    commands.json("ingest", str(file))
    commands.json("history", "d1")
    commands.json("list")
    commands.run("show", "d7")
    entries = commands.json("audit", "list", "--limit", "20")["entries"]
    told = [(one["category"], one["action"], one["resource"], one["object_id"], one["outcome"]) for one in entries]
    assert sorted(one for one in told if one[2] in ("documents", "events")) == [
        ("change", "write", "documents", "d0", "success"),
        ("change", "write", "documents", "d1", "success"),
        ("read", "read", "documents", "", "success"),
        ("read", "read", "documents", "d7", "failed"),
        ("read", "read", "events", "d1", "success"),
    ]


def test_times_are_a_condition(commands: Commands) -> None:
    commands.append(change("river.md"))
    assert len(commands.json("audit", "list", "--object", "river.md", "--since", "2020-01-01")["entries"]) == 1
    assert commands.json("audit", "list", "--until", "2020-01-01T00:00:00+02:00")["entries"] == []
    assert commands.run("audit", "list", "--since", "yesterday").exit_code == 2


def test_an_export_verifies_and_one_that_was_changed_does_not(commands: Commands, tmp_path: Path) -> None:
    commands.append(*(change(f"{number}.md") for number in range(4)), change("theirs.md", "b"))
    file = tmp_path / "audit.jsonl"
    assert commands.json("audit", "export", str(file))["entries"] == 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert commands.json("audit", "verify", str(file)) == {
        "checked": 4, "sequence": 4, "faults": [], "intact": True
    }  # fmt: skip
    file.write_text(file.read_text().replace("2.md", "x.md"))
    found = commands.json("audit", "verify", str(file), exit_code=1)
    assert [fault["sequence"] for fault in found["faults"]] == [3]


def test_what_is_changed_behind_the_triggers_is_named(commands: Commands) -> None:
    commands.append(*(change(f"{number}.md") for number in range(4)), change("theirs.md", "b"))
    (chain,) = commands.json("audit", "verify")["chains"]
    commands.json("audit", "verify", "--head", chain["head"])
    assert len(commands.json("audit", "verify", "--all-tenants")["chains"]) == 2
    commands.sql("ALTER TABLE annals.audit_log DISABLE TRIGGER ALL; UPDATE annals.audit_log SET actor = 'x' "
                 "WHERE tenant = 'default' AND sequence = 2")  # fmt: skip
    done = commands.run("audit", "verify")
    assert done.exit_code == 1 and "default: entry 2 was changed" in done.stdout
    assert commands.json("audit", "verify", tenant="b")["intact"]


@pytest.mark.parametrize("head", ["1", "1:ff", "0:" + "00" * 32, "x:" + "00" * 32])
def test_a_head_that_is_none_is_wrong_usage(commands: Commands, head: str) -> None:
    assert commands.run("audit", "verify", "--head", head).exit_code == 2
