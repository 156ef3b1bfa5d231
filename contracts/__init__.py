"""The words Annals speaks: the event envelope, a payload for each event type, versions and topics."""
