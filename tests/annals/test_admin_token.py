"""The local administrator's token: made once, for its owner alone, and anew where it is gone."""

import os
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from annals.admin_token import ensure_admin_token
from annals.composition.security import open_security
from annals.composition.stores import open_stores
from annals.settings import load_settings
from annals.token_file import FILE_NAME, read_admin_token
from security.access import FULL_ACCESS
from security.errors import InvalidCredentialError
from security.local_administrator import ACCOUNT, TENANT
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.security.use_cases import Security

CALLER = Caller(TENANT, "test", "test", FULL_ACCESS)


@pytest.fixture
async def services(dsn: str, tmp_path: Path) -> AsyncIterator[Security]:
    """Everything over a fresh database."""
    async with open_stores(load_settings(data=tmp_path), dsn) as stores, open_security(stores) as opened:
        yield opened


async def who(services: Security, token: str | None) -> Principal:
    """Who sends this token."""
    return await services.authentication.authenticate(f"Bearer {token}", "127.0.0.1", Deadline.after(10))


async def test_the_first_start_makes_a_token_that_counts(services: Security, tmp_path: Path) -> None:
    path = await ensure_admin_token(tmp_path, services.local_administrator)
    assert path == tmp_path / FILE_NAME and stat.S_IMODE(path.stat().st_mode) == 0o600
    principal = await who(services, read_admin_token(tmp_path))
    assert (principal.id, principal.kind, principal.tenant) == (ACCOUNT, "service", "default")
    assert principal.roles == ("administrator",) and principal.scopes is None
    assert [name for name in os.listdir(tmp_path) if "token" in name] == [FILE_NAME]


async def test_the_next_start_leaves_it_as_it_is(services: Security, tmp_path: Path) -> None:
    path = await ensure_admin_token(tmp_path, services.local_administrator)
    before = path.read_text(), path.stat().st_ino
    await ensure_admin_token(tmp_path, services.local_administrator)
    assert (path.read_text(), path.stat().st_ino) == before


@pytest.mark.parametrize("lost", ["gone", "empty", "foreign", "readable", "link"])
async def test_a_token_that_cannot_be_used_is_made_anew_and_the_old_one_is_refused(
    services: Security, tmp_path: Path, lost: str
) -> None:
    path = await ensure_admin_token(tmp_path, services.local_administrator)
    old = read_admin_token(tmp_path)
    if lost == "gone":
        path.unlink()
    elif lost == "empty":
        path.write_text("")
    elif lost == "foreign":
        path.write_text("ann_aaaaaaaaaaaaaaaa_" + "b" * 43)
    elif lost == "readable":
        path.chmod(0o644)
    else:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    await ensure_admin_token(tmp_path, services.local_administrator)
    assert not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (await who(services, read_admin_token(tmp_path))).id == ACCOUNT
    with pytest.raises(InvalidCredentialError):
        await who(services, old)


async def test_it_is_never_readable_for_others(services: Security, tmp_path: Path) -> None:
    """Somebody who looks all the time, while the umask lets everybody read."""
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for file in tmp_path.iterdir():
                if "token" in file.name:
                    try:
                        seen.add(stat.S_IMODE(file.stat().st_mode))
                    except FileNotFoundError:
                        continue

    looking = threading.Thread(target=look)
    mask = os.umask(0)
    looking.start()
    try:
        for _ in range(5):
            (tmp_path / FILE_NAME).unlink(missing_ok=True)
            await ensure_admin_token(tmp_path, services.local_administrator)
    finally:
        os.umask(mask)
        done.set()
        looking.join(10)
    assert seen == {0o600}


async def test_a_disabled_local_administrator_stays_out(services: Security, tmp_path: Path) -> None:
    await ensure_admin_token(tmp_path, services.local_administrator)
    await services.accounts.create(CALLER, "chief", "user", ["administrator"], deadline=Deadline.after(10))
    await services.accounts.disable(CALLER, ACCOUNT, "locked", deadline=Deadline.after(10))
    before = (tmp_path / FILE_NAME).read_text()
    await ensure_admin_token(tmp_path, services.local_administrator)
    assert (tmp_path / FILE_NAME).read_text() == before
    with pytest.raises(InvalidCredentialError):
        await who(services, read_admin_token(tmp_path))
