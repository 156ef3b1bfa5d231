"""`annals compliance` on a database alone: each check fails for what it is about, and passes once that is mended."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annals.composition.use_cases import open_use_cases
from annals.settings import load_settings
from security.access import FULL_ACCESS
from security.audit import AuditEntry
from security.encryption import EncryptionContext
from services.caller import Caller
from services.deadline import Deadline
from tests.annals.test_audit import Commands

ROOT = Caller("default", "root", "test", FULL_ACCESS)


@pytest.fixture
def commands(tmp_path: Path, dsn: str) -> Commands:
    return Commands(tmp_path / "data", dsn)


@pytest.fixture
def sound(commands: Commands, dsn: str) -> Commands:
    """An installation with a key, a secret file and an account."""

    async def prepare() -> None:
        settings = load_settings(data=commands.data, postgres=dsn)
        async with open_use_cases(settings, dsn, read_models=False) as use_cases:
            security = use_cases.security
            await security.encryption.encrypt_sensitive_data(b"x", EncryptionContext("default", "tokens", "test"))
            await security.accounts.create(ROOT, "ines", "user", ["reader"], deadline=Deadline.after(10))
            await security.api_keys.issue(ROOT, "ines", "laptop", deadline=Deadline.after(10))

    asyncio.run(prepare())
    commands.sql("UPDATE annals.api_keys SET created_at = now()")
    return commands


def results(commands: Commands, standard: str, *, env: dict[str, str] | None = None, failed: bool) -> dict[str, Any]:
    made = commands.json("compliance", "report", "--standard", standard, exit_code=int(failed), env=env)
    return {check["name"]: check for check in made["checks"]}


@pytest.mark.parametrize("standard", ["gdpr", "soc2"])
def test_a_sound_installation_passes(sound: Commands, standard: str) -> None:
    checks = results(sound, standard, failed=False)
    assert len(checks) >= 9 and all(check["passed"] and check["control"] for check in checks.values())


def file_mode(commands: Commands) -> None:
    (commands.data / "admin.token").write_text("ann_x")
    (commands.data / "admin.token").chmod(0o640)


def tampered(commands: Commands) -> None:
    commands.append(AuditEntry("default", "ines", "change", "write", "documents"))
    commands.sql(
        "ALTER TABLE annals.audit_log DISABLE TRIGGER ALL; UPDATE annals.audit_log SET actor = 'x' WHERE sequence = 1"
    )


def aged_key(commands: Commands) -> None:
    commands.sql("UPDATE annals.data_keys SET created_at = now() - interval '91 days'")


def changed_keys(commands: Commands) -> None:
    commands.sql("UPDATE annals.data_keys SET wrapped = wrapped || '\\x00' WHERE tenant <> ''")


def aged_letter(commands: Commands) -> None:
    commands.sql(
        'INSERT INTO annals.dead_letters (consumer, identity, topic, partition, "offset", headers, error, cause, '
        "status, created_at) VALUES ('c', '1', 't', 0, 0, '{}', 'e', 'c', 'resolved', now() - interval '200 days')"
    )


def aged_api_key(commands: Commands) -> None:
    commands.sql("UPDATE annals.api_keys SET created_at = now() - interval '400 days'")


@pytest.mark.parametrize(
    ("standard", "name", "harm", "said"),
    [
        ("gdpr", "file-modes", file_mode, "admin.token"),
        ("gdpr", "audit-chain", tampered, "entry 1 was changed"),
        ("soc2", "key-rotation", aged_key, "91 days old"),
        ("gdpr", "encryption", changed_keys, "a data key was changed"),
        ("gdpr", "retention", aged_letter, "1 dead letters"),
        ("soc2", "old-credentials", aged_api_key, "API keys older"),
    ],
)
def test_a_check_fails_for_what_it_is_about(
    sound: Commands, standard: str, name: str, harm: Callable[[Commands], None], said: str
) -> None:
    harm(sound)
    checks = results(sound, standard, failed=True)
    assert said in checks[name]["detail"]
    assert [check for check in checks.values() if not check["passed"]] == [checks[name]]


@pytest.mark.parametrize(
    ("standard", "name", "env"),
    [
        ("gdpr", "audit-level", {"ANNALS_AUDIT_LEVEL": "essential"}),
        ("soc2", "threats", {"ANNALS_THREAT_BLOCKING": "[]"}),
        ("gdpr", "transport", {"ANNALS_METRICS_PORT": "9100", "ANNALS_METRICS_HOST": "0.0.0.0"}),
        ("gdpr", "transport", {"ANNALS_BROKER": "kafka.example.org:9092"}),
    ],
)
def test_settings_are_looked_at(sound: Commands, standard: str, name: str, env: dict[str, str]) -> None:
    checks = results(sound, standard, env=env, failed=True)
    assert [check["name"] for check in checks.values() if not check["passed"]] == [name]


def test_an_empty_installation_is_not_called_encrypted(commands: Commands, dsn: str) -> None:
    assert not results(commands, "gdpr", failed=True)["encryption"]["passed"]


def test_retention_says_before_it_does(sound: Commands) -> None:
    aged_letter(sound)
    dry = sound.json("compliance", "retention", "--dry-run")
    assert dry["dry_run"] and [rule["count"] for rule in dry["rules"]] == [0, 1, 0, 0, 0]
    assert [rule["count"] for rule in sound.json("compliance", "retention")["rules"]] == [0, 1, 0, 0, 0]
    assert [rule["count"] for rule in sound.json("compliance", "retention")["rules"]] == [0, 0, 0, 0, 0]
    assert results(sound, "gdpr", failed=False)["retention"]["passed"]
    actions = {one["action"] for one in sound.json("audit", "list", "--resource", "retention")["entries"]}
    assert actions == {"dry run", "apply"}


def test_who_was_not_seen_for_long_is_named(sound: Commands) -> None:
    old = f"'\"{datetime(2020, 1, 1, tzinfo=UTC).isoformat()}\"'"
    sound.sql(
        "UPDATE annals.stored_events SET state = convert_to(jsonb_set(convert_from(state, 'UTF8')::jsonb, "
        f"'{{timestamp}}', {old})::text, 'UTF8') WHERE aggregate_id = 'ines'"
    )
    check = results(sound, "soc2", failed=True)["inactive-accounts"]
    assert not check["passed"] and "ines" in check["detail"]
    sound.append(AuditEntry("default", "ines", "authentication", "authenticate", "/api"))
    assert results(sound, "soc2", failed=False)["inactive-accounts"]["passed"]
