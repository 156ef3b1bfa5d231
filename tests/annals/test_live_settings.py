"""Settings that change while a process runs are in force; the others are refused by name, and all stays as it was."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from annals.live_settings import LIVE, LiveSettings, live_settings_of_role, tell, told, told_file
from annals.settings import Settings, load_settings, settings_file
from tests.annals.pipeline import ANNALS, ROOT, environment


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """The tests' own level is given back."""
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "annals.toml"
    written.write_text('log_level = "WARNING"\n')
    return written


def live_of(tmp_path: Path) -> LiveSettings:
    return LiveSettings(lambda: load_settings(data=tmp_path), settings_file(None, tmp_path))


def test_what_may_change_is_in_force(tmp_path: Path, file: Path) -> None:
    live, heard = live_of(tmp_path), list[object]()
    live.on_change("questions_per_minute", heard.append)
    live.on_every_change(lambda settings: heard.append(settings.log_level))
    file.write_text('log_level = "ERROR"\nquestions_per_minute = 7\n')
    live.look()
    assert heard == ["ERROR", 7] and logging.getLogger().level == logging.ERROR
    assert live.present.questions_per_minute == 7
    live.look()
    live.look(always=True)
    assert heard == ["ERROR", 7]
    file.unlink()
    live.look()
    assert heard == ["ERROR", 7, "INFO", None] and live.present.log_level == "INFO"


def test_a_file_that_is_made_later_is_seen(tmp_path: Path) -> None:
    live = live_of(tmp_path)
    live.look()
    (tmp_path / "annals.toml").write_text("service_most = 3\n")
    live.look()
    assert live.present.service_most == 3


def test_what_may_not_change_is_refused_by_name(tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    live = live_of(tmp_path)
    file.write_text('log_level = "ERROR"\npool_size = 3\ntenant = "other"\n')
    live.look()
    for name in ("pool_size", "tenant"):
        assert f"{name} cannot change while it runs; start it again for the new value" in caplog.text
    assert logging.getLogger().level == logging.ERROR


@pytest.mark.parametrize("wrong", ["log_level = ", 'log_level = "LOUD"', "nobody = 1", "questions_per_minute = 0"])
def test_a_file_that_is_wrong_changes_nothing(
    tmp_path: Path, file: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of(tmp_path)
    before = live.present
    file.write_text(wrong + "\n")
    live.look()
    assert live.present == before and "the settings stay as they were" in caplog.text
    file.write_text('log_level = "ERROR"\n')
    live.look()
    assert logging.getLogger().level == logging.ERROR


def test_a_variable_stays_over_the_file(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNALS_LOG_LEVEL", "ERROR")
    live, heard = live_of(tmp_path), list[object]()
    live.on_change("log_level", heard.append)
    file.write_text('log_level = "DEBUG"\n')
    live.look()
    assert heard == [] and live.present.log_level == "ERROR"


def test_every_live_setting_is_one_and_can_be_told(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)  # type: ignore[call-arg]
    changed = settings.model_copy(
        update={"log_level": "DEBUG", "questions_per_minute": 9, "service_least": 2, "service_most": 4}
    )
    assert all(getattr(changed, name) != getattr(settings, name) for name in LIVE)
    assert told(settings, str(os.getpid())) == settings
    tell(tmp_path, changed)
    assert told(settings, str(os.getpid())) == changed
    assert told(settings, "1") == settings, "an old file is of another supervisor"
    assert told_file(tmp_path).stat().st_mode & 0o077 == 0
    told_file(tmp_path).write_text("{")
    assert told(settings, str(os.getpid())) == settings


def test_a_role_of_up_hears_what_up_tells(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNALS_SUPERVISOR", str(os.getpid()))
    settings = Settings(data=tmp_path)  # type: ignore[call-arg]
    live = live_settings_of_role(settings, lambda: load_settings(data=tmp_path), file)
    file.write_text('log_level = "DEBUG"\n')  # not its own to read
    live.look(always=True)
    assert live.present == settings
    tell(tmp_path, settings.model_copy(update={"log_level": "ERROR"}))
    live.look()
    assert logging.getLogger().level == logging.ERROR
    # Started again, it begins with what was told.
    assert live_settings_of_role(settings, load_settings, file).present.log_level == "ERROR"


def until(true: Callable[[], bool], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.pipeline
def test_a_role_that_runs_follows_its_file_and_the_signal(tmp_path: Path, file: Path, dsn: str) -> None:
    written = tmp_path / "role.log"
    file.write_text('log_level = "INFO"\n')
    with written.open("wb") as output:
        role = subprocess.Popen(
            [*ANNALS, "run", "service", "storage", "--data", str(tmp_path)],
            cwd=ROOT,
            env=environment({"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": "127.0.0.1:1"}),
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: "the service storage is served" in written.read_text())
        file.write_text('log_level = "WARNING"\npool_size = 4\n')
        until(lambda: "log_level is WARNING now" in written.read_text())
        until(lambda: "pool_size cannot change while it runs" in written.read_text())
        file.write_text("log_level = 1\n")
        os.kill(role.pid, signal.SIGHUP)
        until(lambda: "the settings stay as they were" in written.read_text())
        assert role.poll() is None
    finally:
        role.terminate()
        assert role.wait(30) == 0
