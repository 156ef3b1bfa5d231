"""Checkpoints as files: whole ones alone, whoever else writes to the folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from security.checkpoints import new_checkpoint_key, sign
from services.security.checkpoints import CheckpointService, read_checkpoints


def test_a_file_is_whole_while_another_process_writes_the_same_one(tmp_path: Path) -> None:
    """It is about to, and ends later."""
    made = sign(*new_checkpoint_key(), log="l", position=7, size=7, root=bytes(32), at=datetime.now(UTC))
    nothing = cast(Any, None)
    service = CheckpointService(nothing, nothing, nothing, nothing, tmp_path)
    with (tmp_path / "000000000007.part").open("wb") as other:
        service._write(made)
        other.write(b"other")
    assert read_checkpoints(tmp_path) == [made]
    service._write(made.model_copy(update={"log": "another"}))
    assert read_checkpoints(tmp_path) == [made], "what is there stays"
