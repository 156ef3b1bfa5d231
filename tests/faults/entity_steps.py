"""What people decide on entities."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.driving import NEW_NAMES, Driver, documents, id_of, seeds, tenants
from tests.faults.told import Decision
from tests.faults.world import caller


class EntitySteps(Driver):
    """On one that is there, or one that is not."""

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, name=st.sampled_from(NEW_NAMES), seed=seeds)
    def rename(self, tenant: str, one: int, name: str, seed: int) -> None:
        """An entity, or what it became."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        done = self._try(self.world.entities.rename(caller(tenant), entity, name=name, deadline=self._deadline()))
        end = plain.end(entity)
        assert (done is not None) == (end in plain.entities())
        if done is not None:
            before = plain.last(end, "rename")
            assert (done.entity_id, done.position is None) == (end, before is not None and before.to == name)
            if done.position is not None:
                plain.decide(end, Decision("rename", name, event=self._made(tenant, end, "EntityUpdated")))
        self._end_step("rename", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, valid=st.booleans(), seed=seeds)
    def judge(self, tenant: str, one: int, valid: bool, seed: int) -> None:
        """Say that an entity is none, or that it is one."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        done = self._try(self.world.entities.validate(caller(tenant), entity, valid=valid, deadline=self._deadline()))
        end = plain.end(entity)
        assert (done is not None) == (end in plain.entities())
        if done is not None and done.position is not None:
            event = self._made(tenant, end, "EntityValidated")
            plain.decide(end, Decision("judge", valid=valid, event=event))
        self._end_step("judge", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, other=seeds, seed=seeds)
    def merge(self, tenant: str, one: int, other: int, seed: int) -> None:
        """Call two entities the same."""
        plain = self.plain[tenant]
        entity, into = self._entity(tenant, one), self._entity(tenant, other)
        done = self._try(self.world.entities.merge(caller(tenant), entity, into, deadline=self._deadline()))
        known = {entity, into} <= plain.entities().keys()
        assert (done is not None) == (known and entity != into and entity not in plain.way(into))
        if done is not None:
            same = plain.end(entity) == plain.end(into)
            assert (done.position is None) == same
            if not same:
                end = plain.end(entity)
                plain.decide(end, Decision("merge", into, event=self._made(tenant, end, "EntityMerged")))
        self._end_step("merge", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, document=documents, seed=seeds)
    def split(self, tenant: str, one: int, document: str, seed: int) -> None:
        """A document means somebody else by this name."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        document = id_of(tenant, document)
        done = self._try(self.world.entities.split(caller(tenant), entity, [[document]], deadline=self._deadline()))
        owners = {n.entity for n in plain.namings() if n.document_id == document} & {entity, *plain.members(entity)}
        assert (done is not None) == (entity in plain.entities() and len(owners) == 1)
        if done is not None:
            assert done.into is not None and {done.entity_id} == owners
            event = self._made(tenant, done.entity_id, "EntitySplit")
            split = Decision("split", done.into, documents=frozenset({document}), event=event)
            plain.decide(done.entity_id, split)
        self._end_step("split", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, seed=seeds)
    def undo(self, tenant: str, one: int, seed: int) -> None:
        """The last decision on an entity."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        made = plain.decided.get(entity) or []
        possible = entity in plain.entities() and bool(made or entity in plain.assigned)
        if possible and made and made[-1].what == "split":
            possible = not plain.is_grown(made[-1].to)
        done = self._try(self.world.entities.undo(caller(tenant), entity, deadline=self._deadline()))
        assert (done is not None) == possible
        if done is not None:
            plain.undo(entity)
        self._end_step("undo", True, seed)
