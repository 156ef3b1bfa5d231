"""The Model's decisions: loaded, replaced, its kept outputs thrown away."""

from aggregates import model as models
from aggregates.model import Model
from contracts.payload import Payload
from contracts.system import CacheCleared, ModelLoaded, ModelUpdated
from tests.aggregates.scenario import CAUSE, given

LOADED = ModelLoaded(task="embedding", revision="mini-1")
REPLACED = ModelUpdated(task="embedding", previous="mini-1", revision="mini-2")
CLEARED = CacheCleared(revision="mini-1", entries=7, reason="old")


def state(*history: Payload) -> Model | None:
    """The model after this history."""
    return Model.project(given(*history, aggregate_id="embedding"))


def test_the_first_model_of_a_task_is_loaded() -> None:
    (event,) = models.load(None, "embedding", "mini-1", CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("embedding", 1, LOADED)


def test_the_same_revision_again_is_no_news() -> None:
    assert models.load(state(LOADED, CLEARED), "embedding", "mini-1", CAUSE) == ()


def test_another_revision_takes_over_and_back_again() -> None:
    (event,) = models.load(state(LOADED), "embedding", "mini-2", CAUSE)
    assert (event.aggregate_version, event.event_data) == (2, REPLACED)

    (event,) = models.load(state(LOADED, REPLACED), "embedding", "mini-1", CAUSE)
    back = ModelUpdated(task="embedding", previous="mini-2", revision="mini-1")
    assert (event.aggregate_version, event.event_data) == (3, back)


def test_thrown_away_outputs_are_counted() -> None:
    (event,) = models.clear_cache(state(LOADED, REPLACED), "mini-1", 7, "old", CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("embedding", 3, CLEARED)


def test_with_nothing_thrown_away_nothing_happened() -> None:
    assert models.clear_cache(state(LOADED), "mini-1", 0, None, CAUSE) == ()
    assert models.clear_cache(None, "mini-1", 7, None, CAUSE) == ()


def test_clearing_changes_the_version_alone() -> None:
    assert state(LOADED, REPLACED, CLEARED) == Model("embedding", 3, "mini-2")
    assert state() is None
