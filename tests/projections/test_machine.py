"""The read models under any history and any delivery of it: late, doubled, lost, replayed (Hypothesis machine)."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from contracts.envelope import DomainEvent
from tests.projections.history import History, open_history
from tests.projections.models import NAMES, LiveModel, open_model
from tests.projections.randomly import live_randomly

Result = TypeVar("Result")

_FORGET = """
TRUNCATE annals.stored_events, annals.texts, annals.model_outputs;
DROP SCHEMA IF EXISTS relational CASCADE;
DROP SCHEMA IF EXISTS graph CASCADE;
DROP SCHEMA IF EXISTS vector CASCADE;
"""


class ProjectionMachine(RuleBasedStateMachine):
    """One log, and three projectors that hear of it in whatever way."""

    def __init__(self, runner: asyncio.Runner, history: History) -> None:
        super().__init__()
        self._runner = runner
        self._history = history
        self._events: list[DomainEvent] = []
        self._live: dict[str, LiveModel] = self._run(self._begin())

    def _run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(doing)

    async def _begin(self) -> dict[str, LiveModel]:
        await self._history.pool.execute(_FORGET)
        return {name: await open_model(name, self._history) for name in NAMES}

    @rule(chance=st.randoms(use_true_random=False), steps=st.integers(1, 8))
    def something_happens(self, chance: random.Random, steps: int) -> None:
        """To documents of two tenants, to entities, to questions."""
        self._run(live_randomly(self._history, chance, steps))
        self._events = self._run(self._history.all())

    @precondition(lambda self: bool(self._events))
    @rule(name=st.sampled_from(NAMES), data=st.data())
    def some_of_it_is_delivered(self, name: str, data: st.DataObject) -> None:
        """Any events in any order, some of them twice, in one batch."""
        numbers = st.lists(st.integers(0, len(self._events) - 1), min_size=1, max_size=12)
        events = [self._events[number] for number in data.draw(numbers, label="events")]
        live = self._live[name]
        self._run(live.projector.apply([e for e in events if e.event_type in live.model.event_types], {}))

    @rule(name=st.sampled_from(NAMES))
    def one_is_built_anew(self, name: str) -> None:
        """A replay brings it to the end of the log, whatever was delivered."""
        live = self._live[name]
        self._run(live.replay())
        assert self._run(live.store.positions()) == self._run(live.log_positions())

    @rule(name=st.sampled_from(NAMES))
    def what_is_there_is_right(self, name: str) -> None:
        """However little was delivered, each aggregate is there as it was at its version."""
        assert self._run(self._live[name].verify()).difference is None

    def teardown(self) -> None:
        """Once everything is delivered, everything is right."""
        for live in self._live.values():
            self._run(live.everything())
            assert self._run(live.verify()).difference is None


def test_any_delivery_leads_to_what_the_log_says(dsn: str) -> None:
    with asyncio.Runner() as runner:
        opened = open_history(dsn)
        history = runner.run(opened.__aenter__())

        class Machine(ProjectionMachine):
            """Over this database."""

            def __init__(self) -> None:
                super().__init__(runner, history)

        try:
            run_state_machine_as_test(Machine, settings=settings(max_examples=12, stateful_step_count=15))
        finally:
            runner.run(opened.__aexit__(None, None, None))
