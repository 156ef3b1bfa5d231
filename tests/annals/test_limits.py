"""What an event cannot hold is refused where it comes in, in one plain line: ids, the actor, a question."""

import io
import os
import subprocess
from pathlib import Path

import pytest

from annals.errors import WrongSettingError
from annals.loading import Loaded, Refused, load, set_aside
from annals.settings import load_settings
from contracts.payload import ID_BYTES
from tests.annals.pipeline import ANNALS, ROOT, environment

NO_UTF8 = os.fsdecode(b"caf\xe9")


def loaded(*paths: str, stdin: bytes = b"") -> list[Loaded | Refused]:
    return list(set_aside(load(paths, io.BytesIO(stdin)), []))


def line(document_id: str) -> bytes:
    return f'{{"id": "{document_id}", "title": "t", "text": "A letter."}}\n'.encode()


def test_an_id_is_counted_in_bytes() -> None:
    fits, too_long = "é" * (ID_BYTES // 2), "é" * (ID_BYTES // 2 + 1)
    first, second = loaded("-", stdin=line(fits) + line(too_long))
    assert isinstance(first, Loaded) and first.document_id == fits
    assert isinstance(second, Refused) and "takes 1026 bytes of UTF-8; an id has at most 1024" in second.reason


def test_a_path_that_is_too_long_for_an_id_is_refused_and_the_rest_go_on(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["é" * 100] * 6)
    deep.mkdir(parents=True)
    (deep / "letter.txt").write_text("A letter.")
    (tmp_path / "near.txt").write_text("Another one.")
    refused, taken = sorted(loaded(str(tmp_path)), key=lambda one: isinstance(one, Loaded))
    assert isinstance(refused, Refused) and "bytes of UTF-8" in refused.reason and "\n" not in refused.reason
    assert isinstance(taken, Loaded) and taken.title == "near"


def test_a_path_that_is_no_utf8_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / f"{NO_UTF8}.txt").write_text("A letter.")
    (refused,) = loaded(str(tmp_path))
    assert isinstance(refused, Refused)
    f"{refused.name}: {refused.reason}".encode()  # can be printed
    assert "\n" not in refused.reason


@pytest.mark.parametrize(
    ("actor", "fault"),
    [(NO_UTF8, "half a surrogate pair at 3"), ("a\x00b", "NUL character at 1"), ("", "at least 1"), ("x" * 257, "256")],
)
def test_an_actor_that_no_event_can_name_is_refused(tmp_path: Path, actor: str, fault: str) -> None:
    with pytest.raises(WrongSettingError) as caught:
        load_settings(data=tmp_path, actor=actor)
    message = str(caught.value)
    assert message.startswith("actor (the option --actor): ") and fault in message and "\n" not in message
    assert load_settings(data=tmp_path, actor="Žofie").actor == "Žofie"


@pytest.mark.pipeline
@pytest.mark.parametrize(
    ("question", "fault"),
    [(b"caf\xe9?", "is not UTF-8 text"), (b"who? " * 820, "at most 4096 characters"), (b" ", "is blank")],
)
def test_a_question_that_no_event_can_hold_is_refused_in_one_line(tmp_path: Path, question: bytes, fault: str) -> None:
    done = subprocess.run(
        [*map(os.fsencode, ANNALS), b"ask", question, b"--data", os.fsencode(tmp_path / "data")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    message = done.stderr.decode()
    assert done.returncode == (2 if fault == "is not UTF-8 text" else 1)
    assert message.lower().removeprefix("error: ").removeprefix("the ").startswith("question ")
    assert fault in message and message.count("\n") == 1
    assert not (tmp_path / "data").exists(), "nothing was started for it"
