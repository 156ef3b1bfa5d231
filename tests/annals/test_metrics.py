"""The metrics of a pipeline that is up, as Prometheus fetches them; ports, and what is said of one that is taken."""

import contextlib
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from annals.metrics import TakenPortError, metrics_ports, serve_metrics
from annals.roles import ROLES
from annals.settings import load_settings
from contracts.topics import topics
from services.operations.progress import READ_MODELS, STAGES
from tests.annals.conftest import Up
from tests.annals.pipeline import given
from tests.annals.processes import until

Samples = dict[tuple[str, str], float]


def fetched(address: str) -> Samples:
    """Each of our samples by name and first label."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("annals_")
    }


def of_roles(up: Up) -> dict[str, Samples]:
    """Of each role, once all serve them: another test may have had one started again."""
    found: dict[str, Samples] = {}

    def serve() -> bool:
        with contextlib.suppress(OSError):
            found.update({role: fetched(up.pipeline.addresses[f"metrics_{role}"]) for role in ROLES})
            return True
        return False

    assert until(serve, limit_s=60)
    return found


def test_each_role_tells_what_it_did_and_how_far_it_is(up: Up, tmp_path: Path) -> None:
    before = of_roles(up)
    (tmp_path / "metered.txt").write_text("Ada Brunn built the bridge of Lisse.", "utf-8")
    given(up.data, "ingest", str(tmp_path / "metered.txt"), "--wait")
    after = of_roles(up)

    def more(role: str, metric: str, label: str = "") -> float:
        return after[role][metric, label] - before[role].get((metric, label), 0.0)

    assert more("relay", "annals_published_events_total", "DocumentIngested") == 1
    assert more("relay", "annals_relay_batch_seconds_count") >= 1
    for role, consumers in (("worker", STAGES), ("projector", READ_MODELS)):
        for name in consumers:
            assert more(role, "annals_processed_total", name) >= 1
            assert more(role, "annals_batch_seconds_sum", name) > 0

    def caught_up() -> bool:
        told = {
            name: value
            for found in of_roles(up).values()
            for (metric, name), value in found.items()
            if metric.startswith("annals_lag")
        }
        assert set(told) == {"relay", *STAGES, *READ_MODELS}
        return not any(told.values())

    assert until(caught_up, limit_s=60)
    assert not any(metric.startswith("annals_lag") for metric, _ in of_roles(up)["intake"])

    def waiting() -> dict[str, float]:
        """Messages of each inbox."""
        intake = of_roles(up)["intake"]
        return {topic: value for (metric, topic), value in intake.items() if metric == "annals_inbox_lag_messages"}

    # An offset is committed a while after what is before it was taken in.
    assert until(lambda: waiting() == dict.fromkeys((topic.name for topic in topics().inboxes), 0.0), limit_s=60)


def test_ports_follow_the_one_of_the_settings(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TakenPortError, match=rf"127.0.0.1:{port} .*ANNALS_METRICS_PORT"):
            metrics_ports(load_settings(data=tmp_path, metrics_port=port), ["relay"])
        with pytest.raises(TakenPortError, match="ANNALS_METRICS_PORT"):
            serve_metrics("relay", load_settings(data=tmp_path, metrics_port=port), "postgresql://nowhere", "nowhere:1")
    assert metrics_ports(load_settings(data=tmp_path, metrics_port=port), ["relay"]) == {"relay": port}
    free = metrics_ports(load_settings(data=tmp_path, metrics_port=0), ["relay", "intake"])
    assert len(set(free.values())) == 2
    assert metrics_ports(load_settings(data=tmp_path), ["relay"]) == {}
    with pytest.raises(TakenPortError):
        metrics_ports(load_settings(data=tmp_path, metrics_port=65535), ["relay", "intake"])
