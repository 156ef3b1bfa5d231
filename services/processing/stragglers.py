"""Documents that a worker began on with models that others took over from meanwhile: they are read by these at once."""

from collections.abc import Awaitable, Callable, Sequence

from contracts.envelope import DomainEvent
from contracts.readings import models_of
from eventstore.commands import Commands
from eventstore.keys import AggregateKey
from inference.runner import Inference
from services.processing.present_reading import WhichReading
from services.processing.recent import RecentDocuments
from services.processing.rereading import Readers, Rereading
from services.processing.stage import Stage, StageRunner


class CompletionRunner(StageRunner):
    """Does the last stage's work. A change of the models ends with a look at what was processed, behind the switch;
    what is processed behind that look sees the switch here. `follow` has `inference` read with the models that serve.
    """

    def __init__(
        self,
        stage: Stage,
        commands: Commands,
        recent: RecentDocuments,
        which: WhichReading,
        follow: Callable[[], Awaitable[None]],
        inference: Inference,
        rereading: Rereading,
    ) -> None:
        super().__init__(stage, commands, recent)
        self._which = which
        self._follow = follow
        self._inference = inference
        self._rereading = rereading

    async def _run(self, events: Sequence[DomainEvent]) -> None:
        """As any stage; then read what the models that serve now have not read, also where that was broken off.

        Raises InferenceError, too.
        """
        await super()._run(events)
        reading = await self._which.registered()
        if reading is None:
            return
        await self._follow()
        by = Readers(self._inference.entities, self._inference.relations)
        if (by.entities.revision, by.relations.revision) != models_of(reading):
            # Others take over at this moment, or these go by other names here: the change, or the next one, reads it.
            return
        known = await self._known(events)
        keys = dict.fromkeys(map(AggregateKey.of, events))
        await self._rereading.read(by, [key for key in keys if key not in known or not by.have_read(known[key])])
