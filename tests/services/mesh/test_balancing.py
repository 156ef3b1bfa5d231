"""Which instance is asked: given what is known of each, when one is chosen, then which."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.mesh.balancing import EJECT_AFTER, EJECTED_MOST_S, GONE_S, Balancer
from services.mesh.breaker import Breaker
from services.mesh.registry import Instance


def instance(number: int) -> Instance:
    return Instance("reasoning", str(number), "1", f"http://127.0.0.1:{number}", "key")


class Given:
    """A balancer with a clock of ours over some instances."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.now = 0.0
        self.instances = [instance(number) for number in range(count)]
        self.balancer = Balancer(
            lambda one: Breaker(one.instance), chance=random.Random(seed), clock=lambda: self.now, ejected_s=5.0
        )

    def chosen(self, times: int = 200) -> Counter[str]:
        found = (self.balancer.choose(self.instances) for _ in range(times))
        return Counter(peer.instance.instance for peer in found if peer is not None)

    def peer(self, number: int):  # type: ignore[no-untyped-def]
        self.balancer.choose(self.instances)
        return self.balancer._peers[str(number)]


def test_idle_instances_share_and_none_is_none() -> None:
    assert min(Given(4).chosen().values()) > 20
    assert Given(0).balancer.choose([]) is None


def test_the_one_with_less_under_way() -> None:
    given = Given(2)
    given.peer(0).outstanding = 3
    assert given.chosen() == {"1": 200}


def test_one_that_was_tried_is_only_asked_where_there_is_no_other() -> None:
    given = Given(2)
    assert all(given.balancer.choose(given.instances, ["0"]).instance.instance == "1" for _ in range(50))  # type: ignore[union-attr]
    assert given.balancer.choose(given.instances, ["0", "1"]) is not None


def test_an_outlier_is_passed_over_and_comes_back_by_itself() -> None:
    given = Given(2)
    for expected_s in (5, 10, 20):
        for _ in range(EJECT_AFTER):
            given.balancer.failed(given.peer(0))
        assert given.chosen() == {"1": 200} and given.balancer.ejected == 1
        given.now += expected_s - 0.1
        assert given.chosen() == {"1": 200}
        given.now += 0.2
        assert set(given.chosen()) == {"0", "1"}
    given.now += EJECTED_MOST_S + 1
    given.balancer.succeeded(given.peer(0))
    assert given.peer(0).ejections == 0


def test_the_last_one_is_never_ejected() -> None:
    given = Given(1)
    for _ in range(20):
        given.balancer.failed(given.peer(0))
    assert given.balancer.ejected == 0 and given.chosen() == {"0": 200}


def test_an_open_breaker_lets_nobody_choose_it() -> None:
    given = Given(2)
    for _ in range(5):
        try:
            with given.peer(0).breaker.passing(lambda _: True):
                raise OSError
        except OSError:
            pass
    assert given.chosen() == {"1": 200} and given.balancer.broken == 1


def test_one_that_takes_no_connection_is_not_asked_for_a_moment() -> None:
    given = Given(2)
    assert not given.balancer.is_one_gone(given.instances) and given.balancer.is_one_gone([])
    given.balancer.refused(given.peer(0))
    assert given.chosen() == {"1": 200} and given.balancer.is_one_gone(given.instances)
    given.balancer.refused(given.peer(1))
    assert given.balancer.choose(given.instances) is None and given.balancer.is_one_gone(given.instances)
    given.now += GONE_S + 0.1
    assert set(given.chosen()) == {"0", "1"} and not given.balancer.is_one_gone(given.instances)


def test_of_what_is_gone_nothing_is_kept() -> None:
    given = Given(3)
    given.peer(0).outstanding = 7
    given.balancer.choose(given.instances[1:])
    assert set(given.balancer._peers) == {"1", "2"}


@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["fail", "succeed", "wait"])), max_size=200),
)
def test_never_are_more_than_half_ejected_and_somebody_is_always_chosen(
    count: int, steps: list[tuple[int, str]]
) -> None:
    one = Given(count)
    for number, step in steps:
        peer = one.peer(number % count)
        if step == "fail":
            one.balancer.failed(peer)
        elif step == "succeed":
            one.balancer.succeeded(peer)
        else:
            one.now += 1.0
        assert one.balancer.ejected <= count // 2
        assert one.balancer.choose(one.instances) is not None
    one.now += EJECTED_MOST_S + 1
    assert one.balancer.ejected == 0
