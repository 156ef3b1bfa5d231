"""How many instances of a service there should be: a decision from loads and time, without input or output."""

from dataclasses import dataclass, replace

from services.mesh.definition import ServiceScalingConfig


@dataclass(frozen=True, slots=True)
class ScalingState:
    """How many are wanted, and since when the load was too high or low enough for one less, in seconds."""

    wanted: int
    high_since: float | None = None
    low_since: float | None = None


def decide(state: ScalingState, config: ServiceScalingConfig, load: float, now: float) -> ScalingState:
    """The next state. `load`: the mean of the instances', where 1 is full.

    One step at a time, and each waits anew. One less only where the others' load would stay below `down_at`, which is
    below `up_at`: the same work never asks for one more and one less by turns.
    """
    wanted = min(max(state.wanted, config.least), config.most)
    if wanted != state.wanted:
        return ScalingState(wanted)
    is_high = load > config.up_at and wanted < config.most
    is_low = wanted > config.least and load * wanted / (wanted - 1) < config.down_at
    high_since = (now if state.high_since is None else state.high_since) if is_high else None
    low_since = (now if state.low_since is None else state.low_since) if is_low else None
    if high_since is not None and now - high_since >= config.up_after_s:
        return ScalingState(wanted + 1)
    if low_since is not None and now - low_since >= config.down_after_s:
        return ScalingState(wanted - 1)
    return replace(state, high_since=high_since, low_since=low_since)
