"""What people say of relations: another verb or confidence, right or wrong; and all of it taken back."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.documents import RelationshipUpdated, RelationshipValidated, Statement
from contracts.envelope import DomainEvent
from tests.faults.driving import Driver, seeds, tenants
from tests.faults.told import CONFIDENCE, VERB, Said, Triple
from tests.faults.world import caller

VERBS = (VERB, "knew", "saw")
CONFIDENCES = (None, 0.5, 1.0)


class RelationSteps(Driver):
    """On one that is there; what was said of one is taken back also where its document does not state it any more."""

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, valid=st.booleans(), seed=seeds)
    def judge_relation(self, tenant: str, one: int, valid: bool, seed: int) -> None:
        """Call a relation right or wrong."""
        there = self._do(self._relations(tenant))
        if there:
            relation, document, triple = there[one % len(there)]
            said = self._said(tenant, document, triple)
            self._do(self.world.relations.judge(caller(tenant), relation, valid=valid, deadline=self._deadline()))
            event = self._made(tenant, document, "RelationshipValidated")
            if event is None:
                assert said.judgements and said.judgements[-1][1] == valid
            else:
                said.judgements.append((event, valid))
        self._end_step("judge a relation", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(
        tenant=tenants,
        one=seeds,
        verb=st.sampled_from(VERBS),
        confidence=st.sampled_from(CONFIDENCES),
        seed=seeds,
    )
    def correct_relation(self, tenant: str, one: int, verb: str, confidence: float | None, seed: int) -> None:
        """Say another verb, or how sure it is."""
        there = self._do(self._relations(tenant))
        if there:
            relation, document, triple = there[one % len(there)]
            said = self._said(tenant, document, triple)
            before = said.verbs[-1][1:] if said.verbs else (triple[1], CONFIDENCE)
            after = (verb, before[1] if confidence is None else confidence)
            correcting = self.world.relations.correct(
                caller(tenant), relation, predicate=verb, confidence=confidence, deadline=self._deadline()
            )
            assert self._do(correcting).changed == (before != after)
            if before != after:
                said.verbs.append((self._made(tenant, document, "RelationshipUpdated"), *after))
        self._end_step("correct a relation", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, seed=seeds)
    def take_back_relation(self, tenant: str, one: int, seed: int) -> None:
        """Whatever was said of a relation, one that is there or one that waits for its document to state it again."""
        plain = self.plain[tenant]
        there = self._do(self._relations(tenant))
        known = {(document, triple) for _, document, triple in there}
        waiting = [key for key in plain.said if key not in known and key[0] in plain.told]
        there += [(self._last_id(tenant, *key), *key) for key in sorted(waiting)]
        if there:
            relation, document, triple = there[one % len(there)]
            said = self._said(tenant, document, triple)
            done = self._try(self.world.relations.undo(caller(tenant), relation, deadline=self._deadline()))
            assert (done is not None) == bool(said.verbs or said.judgements)
            plain.said.pop((document, triple))
        self._end_step("take back of a relation", True, seed)

    def _said(self, tenant: str, document: str, triple: Triple) -> Said:
        return self.plain[tenant].said.setdefault((document, triple), Said())

    def _last_id(self, tenant: str, document: str, triple: Triple) -> str:
        """The id that a relation had when something was said of it last."""
        of = [
            event.event_data.relation_id
            for event in self.world.log
            if isinstance(event.event_data, RelationshipUpdated | RelationshipValidated)
            and (event.tenant, event.aggregate_id, triple_of(event.event_data.statement)) == (tenant, document, triple)
        ]
        return of[-1] if of else str(UUID(int=0))

    async def _relations(self, tenant: str) -> list[tuple[str, str, Triple]]:
        rows = await self.world.stores.pool.fetch(
            "SELECT relation_id, document_id, subject, object FROM relational.relations WHERE tenant = $1", tenant
        )
        return sorted((row[0], row[1], (row[2], VERB, row[3])) for row in rows)


def triple_of(statement: Statement | None) -> Triple | None:
    """What a relation states, as it was found."""
    return None if statement is None else (statement.subject, statement.predicate, statement.object)


def triple_decided(event: DomainEvent) -> Triple | None:
    """Of which relation an event says something."""
    data = event.event_data
    if not isinstance(data, RelationshipUpdated | RelationshipValidated):
        return None
    return triple_of(data.statement)
