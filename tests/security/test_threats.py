"""What is unusual for an identity, by its own past."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.threats import (
    LEAST_PAST,
    LEAST_REQUESTS,
    MAX_ORIGINS,
    MAX_PAST,
    Finding,
    Observed,
    Profile,
    Thresholds,
    limit_of,
    network_of,
    source_of,
)

ONE = Thresholds(window_s=10, failures=5, denials=5, rate=20, volume=20, deviations=6)


def observed(
    profile: Profile, what: Observed, count: int, window: int, address: str = "192.0.2.1", thresholds: Thresholds = ONE
) -> list[Finding]:
    """So many in one window."""
    at = window * thresholds.window_s
    return [found for _ in range(count) for found in profile.observe(what, address, at, thresholds)]


def with_past(rates: Iterable[int], what: Observed = "request") -> tuple[Profile, int]:
    """An account that did so much in each window so far, and the next window."""
    profile, window = Profile("account ines"), 0
    for window, rate in enumerate(rates):
        observed(profile, what, rate, window)
    return profile, window + 1


@pytest.mark.parametrize(("what", "kind"), [("failure", "failures"), ("denial", "denials")])
def test_too_many_in_a_window_are_found_once_and_explained(what: Observed, kind: str) -> None:
    profile = Profile("address 192.0.2.1")
    assert observed(profile, what, 4, 0) == []
    (found,) = observed(profile, what, 4, 0)
    assert (found.kind, found.observed, found.limit) == (kind, 5, 5)
    assert "address 192.0.2.1" in found.explanation and "the limit is 5" in found.explanation
    assert observed(profile, what, 4, 1) == []
    assert len(observed(profile, what, 5, 2)) == 1


@given(st.lists(st.integers(1, 60), min_size=LEAST_PAST, max_size=40), st.data())
def test_what_the_past_had_often_is_never_unusual(past: list[int], data: st.DataObject) -> None:
    profile, window = with_past(past)
    usual = sorted(past)[len(past) // 2]
    assert [found for found in observed(profile, "request", usual, window) if found.kind == "rate"] == []


@pytest.mark.parametrize(("what", "kind"), [("request", "rate"), ("read", "volume")])
def test_far_beyond_the_own_past_is_unusual_and_others_past_does_not_matter(what: Observed, kind: str) -> None:
    quiet, window = with_past([5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7], what)
    (found,) = [one for one in observed(quiet, what, 100, window) if one.kind == kind]
    assert found.observed == found.limit + 1 and "6 at the median" in found.explanation
    busy, window = with_past([90, 100, 110] * 4, what)
    assert [one for one in observed(busy, what, 120, window) if one.kind == kind] == []


def test_one_strange_window_moves_the_limit_little() -> None:
    calm = limit_of([10] * 20, 1, 6)
    assert calm is not None
    shaken = limit_of([10] * 19 + [100_000], 1, 6)
    assert shaken is not None and shaken <= calm + 1


def test_without_a_past_nothing_is_unusual() -> None:
    profile, window = with_past([1] * (LEAST_PAST - 1))
    assert observed(profile, "request", 5000, window) == []


def test_below_the_floor_nothing_is_unusual() -> None:
    profile, window = with_past([1] * 20)
    assert observed(profile, "request", ONE.rate, window) == []
    assert len(observed(profile, "request", 1, window)) == 1


def test_a_new_network_is_told_once_and_named() -> None:
    profile = Profile("account ines")
    assert observed(profile, "request", LEAST_REQUESTS, 0) == []
    assert observed(profile, "request", 5, 0, "192.0.2.200") == [], "the same network"
    (found,) = observed(profile, "request", 5, 0, "198.51.100.7")
    assert found.kind == "new_origin"
    assert "198.51.100.0/24 for the first time; before it came from 192.0.2.0/24" in found.explanation


def test_the_first_networks_are_not_new() -> None:
    profile = Profile("account ines")
    assert observed(profile, "request", 3, 0) + observed(profile, "request", 3, 0, "198.51.100.7") == []


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 2**32 - 1), st.sampled_from(["request", "read"])), max_size=300
    )
)
def test_a_profile_stays_small_and_survives_a_restart(seen: list[tuple[int, int, Observed]]) -> None:
    import ipaddress
    import json

    profile = Profile("account ines")
    for window, address, what in sorted(seen):
        profile.observe(what, str(ipaddress.ip_address(address)), window * ONE.window_s, ONE)
    assert len(profile.rates) <= MAX_PAST and len(profile.origins) <= MAX_ORIGINS
    assert len(json.dumps(profile.as_json() | {"told": []})) < 8000
    assert Profile.from_json(profile.name, json.loads(json.dumps(profile.as_json()))) == profile


def test_networks_and_sources() -> None:
    assert network_of("192.0.2.77") == network_of("::ffff:192.0.2.78") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert source_of("192.0.2.77") == "192.0.2.77"
    assert source_of("2001:db8:1:2::3") == source_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert source_of("fe80::1%eth0") == "fe80::/64"
    assert len(source_of("x" * 500)) == 64
