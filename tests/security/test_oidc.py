"""An external issuer's claims: whom they mean, and whom they never mean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.access_tokens import AccessClaims
from security.errors import InvalidCredentialError
from security.oidc import ExternalIssuer, UnusableIssuerError, keys_url, own_scopes
from security.safe_urls import is_safe_url

ISSUER = ExternalIssuer(
    issuer="https://id.example/realms/a",
    audience="annals",
    roles_claim="realm_access.roles",
    roles={"staff": "reader", "boss": "administrator"},
    tenant_claim="org",
    tenants={"Acme Inc.": "acme"},
)


def claims(**more: Any) -> AccessClaims:
    """Of a token that was believed."""
    scopes = tuple(more["scope"].split()) if "scope" in more else None
    return AccessClaims("ada", None, 0, 1, scopes, {"sub": "ada", **more})


def test_roles_are_mapped_and_what_is_not_mapped_gives_nothing() -> None:
    assert ISSUER.roles_of(claims(realm_access={"roles": ["staff", "administrator", "staff", 1, None]})) == ("reader",)
    for nothing in ({}, {"realm_access": "staff"}, {"realm_access": {"roles": {"staff": True}}}, {"roles": ["boss"]}):
        assert ISSUER.roles_of(claims(**nothing)) == ()
    assert ISSUER.roles_of(claims(**{"realm_access.roles": "boss"})) == ("administrator",)


def test_the_tenant_is_mapped_or_there_is_none() -> None:
    assert ISSUER.tenant_of(claims(org="Acme Inc.")) == "acme"
    for wrong in ({}, {"org": "acme"}, {"org": ["Acme Inc."]}, {"org": None}, {"org": {"Acme Inc.": 1}}):
        with pytest.raises(InvalidCredentialError):
            ISSUER.tenant_of(claims(**wrong))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_subjects_are_two_accounts_and_none_is_one_of_ours(one: str, other: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in one + other):
        return
    first, second = ISSUER.account_of(claims(sub=one)), ISSUER.account_of(claims(sub=other))
    assert (first == second) == (one == other)
    assert first.startswith(("oidc.", "oidc+")) and len(first) <= 128 and first.isascii() and first == first.lower()


@pytest.mark.parametrize("wrong", [None, "", 1, ["ada"], {"a": 1}])
def test_who_is_not_named_is_nobody(wrong: Any) -> None:
    with pytest.raises(InvalidCredentialError):
        ISSUER.account_of(claims(sub=wrong))


def test_scopes_of_others_say_nothing_of_us() -> None:
    assert own_scopes(claims()) is None
    assert own_scopes(claims(scope="openid profile")) is None
    assert own_scopes(claims(scope="openid documents:read")) == ("documents:read",)


@pytest.mark.parametrize(
    "metadata",
    [
        *(None, [], {}, {"issuer": "https://id.example/realms/a"}),
        {"issuer": "https://id.example/realms/b", "jwks_uri": "https://id.example/keys"},
        {"issuer": "https://id.example/realms/a/", "jwks_uri": "https://id.example/keys"},
        {"issuer": "https://id.example/realms/a", "jwks_uri": "http://id.example/keys"},
        {"issuer": "https://id.example/realms/a", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "https://id.example/realms/a", "jwks_uri": ["https://id.example/keys"]},
    ],
)
def test_metadata_that_cannot_be_used(metadata: Any) -> None:
    with pytest.raises(UnusableIssuerError):
        keys_url(metadata, ISSUER)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.example", True),
        ("http://127.0.0.1:8080/a", True),
        ("http://localhost/a", True),
        ("http://[::1]:1/a", True),
        ("http://id.example", False),
        ("http://127.0.0.1.example", False),
        ("http://127.0.0.1@id.example", False),
        ("https://user:pass@id.example", False),
        ("ftp://id.example", False),
        ("https://", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_which_addresses_are_safe(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe
