"""What a file says of itself, as attributes."""

import pytest

from inference.formats.document import ReadDocument
from services.storage.files import attributes_of


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", "de"),
        ("en-US", "en"),
        ("pt_BR.UTF-8", None),
        ("zh-Hant-TW", "zh"),
        ("DE-at", "de"),
        ("und", None),
        ("German", None),
        ("", None),
        (None, None),
        ("e" * 9000, None),
    ],
)
def test_a_language_is_the_first_part_of_its_tag(tag: str | None, expected: str | None) -> None:
    attributes = attributes_of(ReadDocument(kind="html", text="x", title="", language=tag))
    assert attributes.get("language") == expected
