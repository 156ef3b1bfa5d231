"""Definitions are checked before anything starts: given these, when they are put in order, then that or a refusal."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mesh.definition import (
    Machine,
    ResourceRequirements,
    ServiceDefinition,
    ServiceDependency,
    ServiceEndpoint,
    ServiceScalingConfig,
    WrongServiceDefinitionError,
    start_order,
)

MACHINE = Machine(cores=4, memory_bytes=8 * 2**30)


def service(name: str, *dependencies: str, port: int = 0, **changed: object) -> ServiceDefinition:
    made = ServiceDefinition(
        name, "1.0", (ServiceEndpoint("query", port),), tuple(ServiceDependency(one) for one in dependencies)
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def names(*definitions: ServiceDefinition) -> list[str]:
    return [one.name for one in start_order(definitions, MACHINE)]


def test_what_others_depend_on_comes_before_them() -> None:
    assert names(service("a", "b", "c"), service("b", "c"), service("c")) == ["c", "b", "a"]
    assert names() == []


@pytest.mark.parametrize(
    ("definitions", "reason"),
    [
        ([service("a", "b"), service("b", "c"), service("c", "a")], r"a -> .* -> |depend on each other"),
        ([service("a", "a")], "a -> a"),
        ([service("a", "nobody")], "a depends on nobody, which is not defined"),
        ([service("a"), service("a")], "a is defined twice"),
        ([service("a", port=80), service("b", port=80)], "a and b both have port 80"),
        ([service("a", port=80, scaling_config=ServiceScalingConfig(1, 2))], "up to 2 instances of a .* port 80"),
        ([service("a", scaling_config=ServiceScalingConfig(0, 1))], "a has from 0 to 1"),
        ([service("a", scaling_config=ServiceScalingConfig(3, 2))], "a has from 3 to 2"),
        ([service("a", scaling_config=ServiceScalingConfig(down_at=0.9))], "a grows at a load of 0.8"),
        ([service("a", resource_requirements=ResourceRequirements(cores=5))], "with a, services need 5 cores"),
        (
            [
                service("a", resource_requirements=ResourceRequirements(memory_bytes=5 * 2**30)),
                service("b", resource_requirements=ResourceRequirements(memory_bytes=5 * 2**30)),
            ],
            "with b, services need 10,240 MiB of memory and the machine has 8,192",
        ),
        (
            [
                service(
                    "a",
                    scaling_config=ServiceScalingConfig(2, 2),
                    resource_requirements=ResourceRequirements(memory_bytes=5 * 2**30),
                )
            ],
            "with a, services need 10,240 MiB",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(definitions: list[ServiceDefinition], reason: str) -> None:
    with pytest.raises(WrongServiceDefinitionError, match=reason):
        start_order(definitions, MACHINE)


def test_this_machine_has_something() -> None:
    here = Machine.here()
    assert here.cores >= 1 and here.memory_bytes > 2**27


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
def test_an_order_holds_or_a_cycle_is_named(depends: dict[str, set[str]]) -> None:
    definitions = [service(name, *(other for other in others if other in depends)) for name, others in depends.items()]
    try:
        order = names(*definitions)
    except WrongServiceDefinitionError as error:
        cycle = str(error).split(": ")[1].split(";")[0].split(" -> ")
        assert cycle[0] == cycle[-1] and len(cycle) >= 2
        assert all(after in depends[before] for before, after in pairwise(cycle))
    else:
        assert sorted(order) == sorted(depends)
        for name, others in depends.items():
            assert all(order.index(other) < order.index(name) for other in others if other in depends)
