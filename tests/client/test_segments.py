"""Whatever an id is, it stays within its own segment of a path."""

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.gateway import segment

IDS = st.text(st.characters(codec="utf-8"), min_size=1) | st.text("./%\\;?#~ ", min_size=1, max_size=6)


def sent(document_id: str) -> list[str]:
    """The segments of the path that goes out."""
    url = httpx.URL("https://gateway/api/v1/").join(f"/api/v1/documents/{segment(document_id)}/status")
    return url.raw_path.decode("ascii").split("/")


@given(IDS)
def test_it_comes_back_as_it_was(document_id: str) -> None:
    before, own, behind = sent(document_id)[:4], sent(document_id)[4:-1], sent(document_id)[-1]
    assert (before, [unquote(one) for one in own], behind) == (["", "api", "v1", "documents"], [document_id], "status")


@pytest.mark.parametrize("document_id", [".", "..", "...", "./x", "../x", "a/..", "%2e", "%2E%2E"])
def test_dots_lead_nowhere_else(document_id: str) -> None:
    assert [unquote(one) for one in sent(document_id)][3:] == ["documents", document_id, "status"]
