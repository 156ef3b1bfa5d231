"""An identity of which threats are told, given / when / then."""

from aggregates.cause import Cause
from aggregates.identity import Identity, report, unblock
from contracts.envelope import EventMetadata
from contracts.threats import IdentityBlocked, IdentityUnblocked, ThreatDetected

CAUSE = Cause(EventMetadata(tenant="acme", actor="threat detection", source="threats"), "threat-1")
THREAT = ThreatDetected(kind="failures", observed=30, limit=30, explanation="address 192.0.2.1 failed 30 times")
ID = "address/192.0.2.1"


def test_a_threat_is_told_of_somebody_unknown() -> None:
    (event,) = report(None, ID, THREAT, None, CAUSE)
    assert (event.event_data, event.aggregate_id, event.aggregate_version) == (THREAT, ID, 1)
    assert Identity.project([event]) == Identity(ID, 1, blocked=False)


def test_one_that_blocks_says_for_how_long() -> None:
    events = report(None, ID, THREAT, 900, CAUSE)
    assert events[1].event_data == IdentityBlocked(seconds=900, explanation=THREAT.explanation)
    state = Identity.project(events)
    assert state == Identity(ID, 2, blocked=True)
    assert Identity.project([*events, *report(state, ID, THREAT, None, CAUSE)]) == Identity(ID, 3, blocked=True)


def test_a_block_ends_once() -> None:
    blocked = report(None, ID, THREAT, 900, CAUSE)
    ended = unblock(Identity.project(blocked), "its time was over", CAUSE)
    assert [event.event_data for event in ended] == [IdentityUnblocked(explanation="its time was over")]
    assert unblock(Identity.project([*blocked, *ended]), "again", CAUSE) == ()
    assert unblock(None, "never", CAUSE) == ()
