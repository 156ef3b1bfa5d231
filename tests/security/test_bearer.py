"""The `Authorization` header: one bearer credential, or nothing."""

import pytest

from security.bearer import MAX_CHARACTERS, bearer_of
from security.errors import InvalidCredentialError, MissingCredentialError


@pytest.mark.parametrize(
    ("header", "credential"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="),
        ("Bearer abc ", "abc"),
    ],
)
def test_a_bearer_credential(header: str, credential: str) -> None:
    assert bearer_of(header) == credential


@pytest.mark.parametrize("header", [None, "", "  "])
def test_none_was_sent(header: str | None) -> None:
    with pytest.raises(MissingCredentialError):
        bearer_of(header)


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Bearer",
            "Bearer ",
            "abc",
            "Basic YTpi",
            "Bearer a b",
            "Bearer a, Bearer b",
            "Bearer a\x00b",
            "Bearer a\r\nX: y",
        ),
        *("Bearerabc", " Bearer abc", "Bearer\tabc", "Bearer =", "Bearer ключ", "Bearer a=b", "B\u0435arer abc"),
        "Bearer " + "a" * MAX_CHARACTERS,
    ],
)
def test_everything_else_is_refused(header: str) -> None:
    with pytest.raises(InvalidCredentialError) as refused:
        bearer_of(header)
    assert str(refused.value) == str(InvalidCredentialError("anything else"))
