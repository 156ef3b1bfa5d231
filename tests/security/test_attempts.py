"""Failed attempts: slowed more and more, forgotten in time, in bounded memory, and nobody else is locked out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security import attempts
from security.attempts import FREE_OF_ACCOUNT, FREE_OF_ADDRESS, MAX_DELAY_S, Attempts, SharedLevel, network_of
from security.errors import TooManyAttemptsError


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def wait_s(tried: Attempts, client: str, account: str | None = "acme/ada") -> float:
    """How long an attempt has to wait; it is made, and fails, where it need not."""
    try:
        tried.begin(client, account)
    except TooManyAttemptsError as error:
        return error.retry_after_s
    return 0.0


def fail(tried: Attempts, clock: Clock, times: int, client: str, account: str | None = "acme/ada") -> None:
    """As often, each as soon as it may be."""
    for _ in range(times):
        clock.now += wait_s(tried, client, account)
        wait_s(tried, client, account)


def test_the_first_ones_are_free_and_then_each_waits_longer() -> None:
    clock = Clock()
    tried = Attempts(clock)
    for _ in range(FREE_OF_ADDRESS + 1):
        assert wait_s(tried, "192.0.2.1") == 0
    waits = []
    for _ in range(8):
        waits.append(wait_s(tried, "192.0.2.1"))
        clock.now += waits[-1]
        assert wait_s(tried, "192.0.2.1") == 0
    assert waits == sorted(waits) and waits[0] == 1 and 30 < waits[-1] <= MAX_DELAY_S


def test_an_hour_of_guessing_is_about_one_a_minute() -> None:
    clock = Clock()
    tried, end, guesses = Attempts(clock), 1000.0 + 3600, 0
    while clock.now < end:
        wait = wait_s(tried, "192.0.2.1")
        guesses += wait == 0
        clock.now += wait
    assert guesses < 90


def test_many_at_once_are_no_way_around() -> None:
    tried = Attempts(Clock())
    assert [wait_s(tried, "192.0.2.1") == 0 for _ in range(100)].count(True) == FREE_OF_ADDRESS + 1


def test_the_rightful_user_comes_in_from_another_address() -> None:
    clock = Clock()
    tried = Attempts(clock)
    fail(tried, clock, 500, "192.0.2.1")
    assert wait_s(tried, "198.51.100.7") == 0


def test_guesses_from_many_addresses_slow_the_account_but_not_where_it_came_in_from() -> None:
    clock = Clock()
    tried = Attempts(clock)
    tried.begin("198.51.100.7", "acme/ada")
    tried.succeeded("198.51.100.7", "acme/ada")
    for number in range(FREE_OF_ACCOUNT + 1):
        wait_s(tried, f"192.0.2.{number}")
    assert wait_s(tried, "203.0.113.9") > 0
    assert wait_s(tried, "203.0.113.9", "acme/bob") == 0
    assert wait_s(tried, "198.51.100.7") == 0


def test_a_success_takes_back_its_own_attempt_and_no_more() -> None:
    tried = Attempts(Clock())
    for _ in range(50):
        tried.begin("192.0.2.1", "acme/ada")
        tried.succeeded("192.0.2.1", "acme/ada")
    for _ in range(FREE_OF_ADDRESS):
        tried.begin("192.0.2.1", "acme/bob")
        tried.begin("192.0.2.1", "acme/ada")
        tried.succeeded("192.0.2.1", "acme/ada")
    tried.begin("192.0.2.1", "acme/bob")
    assert wait_s(tried, "192.0.2.1", "acme/bob") > 0


def test_it_is_forgotten_in_time() -> None:
    clock = Clock()
    tried = Attempts(clock)
    fail(tried, clock, 30, "192.0.2.1")
    clock.now += 3600
    for _ in range(FREE_OF_ADDRESS):
        assert wait_s(tried, "192.0.2.1") == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_SUBJECTS", 50)
    tried = Attempts(Clock())
    for number in range(1000):
        client, account = f"10.0.{number // 250}.{number % 250}", f"acme/user{number}"
        tried.begin(client, account)
        tried.succeeded(client, account)
    assert tried.remembered == 150


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1:2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_customers_network_is_one(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans(), st.floats(0, 100)), max_size=60))
def test_no_delay_is_longer_than_the_longest(history: list[tuple[str, bool, float]]) -> None:
    clock = Clock()
    tried = Attempts(clock)
    for client, succeeds, passed in history:
        clock.now += passed
        wait = wait_s(tried, client)
        assert 0 <= wait <= MAX_DELAY_S
        if wait == 0 and succeeds:
            tried.succeeded(client, "acme/ada")


def told(*processes: Attempts) -> dict[tuple[str, str], float]:
    """Exchange once, by a store that adds up; what it has then."""
    stored: dict[tuple[str, str], SharedLevel] = {}
    for process in processes:
        for one in process.changes():
            before = stored.get((one.kind, one.subject))
            value = max(0.0, (before.value if before is not None else 0.0) + one.by)
            stored[one.kind, one.subject] = SharedLevel(one.kind, one.subject, value, one.by > 0, 0.0)
    for process in processes:
        process.learn(stored.values())
    return {key: level.value for key, level in stored.items()}


def test_who_came_in_while_others_were_told_of_his_attempt_does_not_wait() -> None:
    clock = Clock()
    process = Attempts(clock)
    for _ in range(FREE_OF_ADDRESS + 1):
        assert wait_s(process, "192.0.2.1", None) == 0
    clock.now += 1.0
    assert wait_s(process, "192.0.2.1", "ines") == 0, "it may come now, and is counted as failed until it is not"
    asked = [SharedLevel(one.kind, one.subject, one.by, one.by > 0, 0.0) for one in process.changes()]
    process.succeeded("192.0.2.1", "ines")
    process.learn(asked)
    process.check("192.0.2.1")
    (taken_back,) = [one.by for one in process.changes() if one.kind == "address"]
    assert taken_back == -1


def test_processes_that_tell_each_other_count_together() -> None:
    clock = Clock()
    one, other = Attempts(clock), Attempts(clock)
    for process in (one, other):
        for _ in range(3):
            assert wait_s(process, "192.0.2.1", None) == 0
    assert list(told(one, other).values()) == [6.0]
    assert wait_s(one, "192.0.2.1", None) == wait_s(other, "192.0.2.1", None) == 1.0
    assert wait_s(other, "192.0.2.2", None) == 0


def test_what_could_not_be_told_is_told_later_and_counts_here_meanwhile() -> None:
    clock = Clock()
    one = Attempts(clock)
    for _ in range(FREE_OF_ADDRESS + 1):
        assert wait_s(one, "192.0.2.1", None) == 0
    changes = one.changes()
    one.add_back(changes)
    assert wait_s(one, "192.0.2.1", None) > 0
    assert [change.by for change in one.changes()] == [FREE_OF_ADDRESS + 1]
    assert one.changes() == []


def test_names_are_told_as_digests() -> None:
    tried = Attempts(Clock())
    wait_s(tried, "192.0.2.1", "acme/hunter2")
    assert {change.kind for change in tried.changes()} == {"address", "account"}
    wait_s(tried, "192.0.2.1", "acme/hunter2")
    assert not any("hunter2" in change.subject or "192" in change.subject for change in tried.changes())
