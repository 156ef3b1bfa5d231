"""`annals crypto`, on a database alone, and the settings that choose the master key."""

import asyncio
from pathlib import Path

import pytest

from annals.composition.use_cases import open_use_cases
from annals.errors import WrongSettingError
from annals.settings import Settings, load_settings
from security.encryption import EncryptionContext
from tests.annals.test_audit import Commands

CONTEXT = EncryptionContext("default", "tokens", "signing key", "1")
KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="]


@pytest.fixture
def commands(tmp_path: Path, dsn: str) -> Commands:
    return Commands(tmp_path / "data", dsn)


def sealed_by(data: Path, dsn: str, **settings: str) -> bytes:
    """What a process with these settings seals and opens."""

    async def seal() -> bytes:
        made = Settings(data=data, postgres=dsn, **settings)  # type: ignore[arg-type]
        async with open_use_cases(made, dsn, read_models=False) as use_cases:
            encryption = use_cases.security.encryption
            sealed = await encryption.encrypt_sensitive_data(b"secret", CONTEXT)
            assert await encryption.decrypt_sensitive_data(sealed, CONTEXT) == b"secret"
            return sealed.pack()

    return asyncio.run(seal())


def test_the_first_use_makes_a_master_key_and_the_commands_show_no_key(commands: Commands, dsn: str) -> None:
    assert commands.json("crypto", "list")["keys"] == []
    sealed_by(commands.data, dsn)
    file = commands.data / "master.key"
    assert file.stat().st_mode & 0o777 == 0o600
    shown = commands.json("crypto", "list")
    (key,) = shown["keys"]
    assert (key["subject"], key["state"], shown["master"]) == ("tokens", "present", str(file))
    secret = file.read_text().strip()
    assert commands.json("crypto", "rotate", "--subject", "tokens") == {"retired": 1}
    assert commands.json("crypto", "rotate") == {"retired": 0}
    assert commands.json("crypto", "rotate", "--master") == {"rewrapped": 2, "rotated": True}, "and the log's secret"
    assert file.read_text().strip() != secret
    people = commands.run("crypto", "list")
    assert "retired" in people.stdout and secret not in people.output
    assert commands.json("crypto", "list", tenant="b")["keys"] == []
    entries = commands.json("audit", "list", "--resource", "keys")["entries"]
    assert [one["action"] for one in entries if one["category"] == "administration"] == [
        "read", "read", "rotate master", "rotate", "rotate", "read", "read"
    ][1:]  # fmt: skip


def test_a_master_key_that_is_set_is_wrapped_anew_behind_another(commands: Commands, dsn: str) -> None:
    sealed_by(commands.data, dsn, master_key=KEYS[0])
    assert not (commands.data / "master.key").exists()
    sealed_by(commands.data, dsn, master_key=f"{KEYS[1]},{KEYS[0]}")
    both = {"ANNALS_MASTER_KEY": f"{KEYS[1]},{KEYS[0]}"}
    assert commands.json("crypto", "rotate", "--rewrap", env=both) == {"rewrapped": 2, "rotated": False}
    sealed_by(commands.data, dsn, master_key=KEYS[1])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("MASTER_KEY", "hunter2"),
        ("MASTER_KEY", ""),
        ("KMS_URL", "http://vault.example.org:8200"),
        ("KMS_URL", "vault"),
        ("KMS_KEY", "../sys"),
        ("KEY_ROTATION_DAYS", "0"),
    ],
)
def test_wrong_settings_are_named_and_not_repeated(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"ANNALS_{setting}", value)
    with pytest.raises(WrongSettingError) as refused:
        load_settings(data=tmp_path)
    assert f"ANNALS_{setting}" in str(refused.value)
    assert setting != "MASTER_KEY" or not value or value not in str(refused.value)


def test_a_key_management_system_on_this_machine_needs_no_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANNALS_KMS_URL", "http://127.0.0.1:8200")
    assert load_settings(data=tmp_path).kms_url == "http://127.0.0.1:8200"


@pytest.mark.parametrize("options", [("--master", "--rewrap"), ("--subject", "x", "--master")])
def test_only_one_thing_is_rotated_at_once(commands: Commands, options: tuple[str, ...]) -> None:
    assert commands.run("crypto", "rotate", *options).exit_code == 2
