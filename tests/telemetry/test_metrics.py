"""One file names every metric, the page for operators has them all, and they can be fetched."""

import re
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from telemetry import metrics
from telemetry.server import serve

ROOT = Path(__file__).parents[2]
FILE = ROOT / "telemetry" / "metrics.py"
NAMES = set(re.findall(r'"(annals_\w+)"', FILE.read_text("utf-8")))


LABELS = frozenset(
    {"consumer", "kind", "error", "event_type", "category", "outcome", "system", "method", "path", "status"}
    | {"operation", "service"}
)
"""Of bounded sets that the program names itself. A tenant, a user or a document is none."""


def test_no_label_names_whose_it_is() -> None:
    made = {name: one for name, one in vars(metrics).items() if hasattr(one, "_labelnames")}
    assert len(made) > 20
    for name, one in made.items():
        assert set(one._labelnames) <= LABELS, name


def test_no_other_file_makes_metrics() -> None:
    rooms = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").is_file() and folder.name != "tests"]
    assert {"telemetry", "streams", "eventstore", "inference"} <= {room.name for room in rooms}
    users = {
        file.relative_to(ROOT).as_posix()
        for room in rooms
        for file in room.rglob("*.py")
        if "prometheus_client" in file.read_text("utf-8")
    }
    assert users == {"telemetry/metrics.py", "telemetry/server.py"}


def test_each_metric_has_a_comment_above_it() -> None:
    blocks = re.split(r"\n\n+", FILE.read_text("utf-8"))
    for block in blocks:
        if re.match(r"[A-Z_]+ = ", block):
            raise AssertionError(f"no comment: {block.splitlines()[0]}")


def test_operators_find_each_metric_on_their_page() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(annals_\w+)` \|", page, re.MULTILINE)) == NAMES


@pytest.fixture
def _unregistered() -> object:
    """The collectors of a test go with it."""
    before = set(REGISTRY._collector_to_names)
    yield
    for collector in set(REGISTRY._collector_to_names) - before:
        REGISTRY.unregister(collector)


@pytest.mark.usefixtures("_unregistered")
def test_metrics_are_fetched_with_the_lag_of_that_moment() -> None:
    lags = {"chunking": (3, 1.5)}
    port = serve("127.0.0.1", 0, lambda: lags)
    metrics.PUBLISHED.labels("DocumentIngested").inc()

    def fetched() -> dict[str, dict[str, float]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                sample.name: {sample.labels.get("consumer", ""): sample.value}
                for family in families
                for sample in family.samples
                if sample.name.startswith("annals_")
            }

    assert fetched()[metrics.LAG_EVENTS] == {"chunking": 3}
    assert fetched()[metrics.LAG_SECONDS] == {"chunking": 1.5}
    lags["chunking"] = (0, 0.0)
    assert fetched()[metrics.LAG_EVENTS] == {"chunking": 0}
    assert fetched()["annals_published_events_total"][""] >= 1
    lags.clear()
    assert metrics.LAG_EVENTS not in fetched(), "what is not known is not told"


@pytest.mark.usefixtures("_unregistered")
def test_an_address_that_cannot_be_had_is_an_error() -> None:
    port = serve("127.0.0.1", 0, dict)
    with pytest.raises(OSError):
        serve("127.0.0.1", port, dict)
