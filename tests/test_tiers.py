"""The parts that unit tests are run in hold each file once."""

import pytest

from tests.support import tiers


def test_each_file_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(tiers.TESTS.rglob("test_*.py"))
    left_to_others = []
    for part in range(3):
        monkeypatch.setenv(tiers.PART, f"{part}/3")
        left_to_others += [path for path in files if tiers.is_of_another_part(path)]
        assert not tiers.is_of_another_part(tiers.TESTS / "conftest.py")
    assert sorted(left_to_others) == sorted(files * 2)
    monkeypatch.delenv(tiers.PART)
    assert not any(tiers.is_of_another_part(path) for path in files)
