"""The ids that somebody may mean by what he writes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annals.cli.names import names_of

WRITTEN = st.text(st.characters(exclude_characters="\x00", codec="utf-8"))


def test_a_path_is_meant_as_it_is_written_and_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to("there")
    assert names_of("link") == ["link", str(tmp_path / "link"), str(tmp_path / "there")]
    assert names_of("~/a.md") == ["~/a.md", str(tmp_path / "a.md")]
    assert names_of(str(tmp_path / "a.md")) == [str(tmp_path / "a.md")]


def test_no_home_folder_and_no_way_out_of_a_circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circle").symlink_to("circle")
    for one in ("~nobody-is-called-so/a.md", "circle", "circle/a.md"):
        assert names_of(one)[:2] == [one, str(tmp_path / one)]


@given(WRITTEN)
def test_whatever_is_written_is_an_id_itself(written: str) -> None:
    assert names_of(written)[0] == written
