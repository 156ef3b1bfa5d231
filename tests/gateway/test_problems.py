"""Every error of ours is a type of problem of its own."""

from contracts.errors import AnnalsError
from eventstore.errors import StoreUnavailableError
from gateway.problems import name_of, problem_of, status_of, title_of
from projections.errors import ReadModelReplacedError
from tests.test_errors import errors


def test_no_two_errors_are_one_type() -> None:
    names: dict[str, type[AnnalsError]] = {}
    for error in errors():
        assert names.setdefault(name_of(error), error) is error
        assert 400 <= status_of(error) < 600
        assert title_of(error)


def test_a_class_has_the_status_of_its_nearest_ancestor() -> None:
    assert status_of(ReadModelReplacedError) == status_of(StoreUnavailableError) == 503

    class NewError(AnnalsError):
        """New; wait."""

    assert status_of(NewError) == 500
    status, body = problem_of(NewError("at 10.1.2.3"), "r-1")
    assert status == 500 and b"10.1.2.3" not in body
