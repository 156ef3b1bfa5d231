"""The parts that unit tests are run in hold each file once."""

import pytest

from tests.support import tiers
from tests.support.side_by_side import PARTS


def test_each_file_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(tiers.TESTS.rglob("test_*.py"))
    left_to_others = []
    for part in range(PARTS):
        monkeypatch.setenv(tiers.PART, f"{part}/{PARTS}")
        left_to_others += [path for path in files if tiers.is_of_another_part(path)]
        assert not tiers.is_of_another_part(tiers.TESTS / "conftest.py")
    assert sorted(left_to_others) == sorted(files * (PARTS - 1))
    monkeypatch.delenv(tiers.PART)
    assert not any(tiers.is_of_another_part(path) for path in files)
