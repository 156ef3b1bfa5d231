"""A server belongs to the log whose id it holds, to nobody, or to another one, which is refused."""

import pytest

from eventstore.errors import ForeignBrokerError, ForeignServerError, StoreUnavailableError
from eventstore.ownership import check_owner


@pytest.mark.parametrize("owners", [[], [None], ["ours"], ["ours", None]])
def test_ours_and_nobodys_may_be_used(owners: list[str | None]) -> None:
    check_owner("Kafka", owners, "ours", holds="the topics", cure="delete them")


@pytest.mark.parametrize("owners", [["theirs"], [None, "theirs"], ["ours", "theirs"]])
@pytest.mark.parametrize("error", [ForeignServerError, ForeignBrokerError])
def test_anothers_is_refused_with_what_to_do(owners: list[str | None], error: type[ForeignServerError]) -> None:
    with pytest.raises(error) as refused:
        check_owner("Neo4j", owners, "ours", holds="the read models", cure="empty that one", error=error)
    said = str(refused.value)
    assert said.startswith("Neo4j holds the read models of another log (theirs; this one is ours); ")
    assert "a Neo4j of its own, or empty that one" in said


def test_a_brokers_owner_may_change() -> None:
    """So whoever waits for Kafka goes on waiting; a read model's server is refused once."""
    assert issubclass(ForeignBrokerError, StoreUnavailableError)
    assert not issubclass(ForeignServerError, StoreUnavailableError)
