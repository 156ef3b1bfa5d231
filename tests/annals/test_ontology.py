"""An ontology's file beside a pipeline: what violates it is flagged, what follows is derived and marked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.annals.pipeline import Pipeline, called, given, refused

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

FILE = """
[types]
Person = ["PERSON"]
Organisation = ["ORG"]

[predicates.marry]
domain = ["Person"]
range = ["Person"]
symmetric = true

[predicates.found]
domain = ["{founder}"]
inverse = "was founded by"
"""
TEXT = "Ada Lovelace married William King. Clara Whitmore founded Meridian Airlines in 1978."


class Held:
    """A pipeline whose relations are held to an ontology."""

    def __init__(self, folder: Path) -> None:
        self.data, self.file, self.document = folder / "data", folder / "ontology.toml", folder / "said.txt"
        self.document.write_text(TEXT)
        self.write("Person")
        self.env = {"ANNALS_METRICS_PORT": "0", "ANNALS_ONTOLOGY": str(self.file)}
        self.pipeline = Pipeline(self.data, env=self.env)

    def write(self, founder: str) -> None:
        """The file, by which who founds something is of this type."""
        self.file.write_text(FILE.format(founder=founder))

    def start_again(self) -> None:
        """With the file as it is now."""
        self.pipeline.stop()
        self.pipeline = Pipeline(self.data, env=self.env)

    def do(self, *arguments: str) -> Any:
        """A command's JSON."""
        return given(self.data, *arguments, env=self.env)

    def violations(self) -> dict[str, str | None]:
        """By predicate, what is wrong with each relation of the document."""
        found = self.do("relation", "list", "--document", str(self.document))["relations"]
        return {one["predicate"]: one["violates"] for one in found}

    def derived(self, entity: str) -> list[tuple[str, str, str]]:
        """What follows of an entity."""
        found = self.do("relation", "derived", entity)["relations"]
        return [(one["subject"], one["predicate"], one["object"]) for one in found]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """One for all of them; they go on from each other."""
    one = Held(tmp_path_factory.mktemp("ontology"))
    try:
        yield one
    finally:
        one.pipeline.stop()


def test_what_follows_is_derived_marked_and_says_from_what(held: Held) -> None:
    assert held.do("ingest", str(held.document), "--wait")["processed"] == 1
    assert held.violations() == {"marry": None, "found": None}
    assert ("William King", "marry", "Ada Lovelace") in held.derived("William King")
    assert ("Meridian Airlines", "was founded by", "Clara Whitmore") in held.derived("Meridian Airlines")
    stated = held.do("relation", "list", "--document", str(held.document))["relations"]
    (following,) = held.do("relation", "derived", "Meridian Airlines")["relations"]
    assert following["because"] == [one["relation_id"] for one in stated if one["predicate"] == "found"]
    told = called(held.data, "relation", "derived", "Meridian Airlines", env=held.env).stdout
    assert "[derived: " in told and following["because"][0] in told


def test_what_follows_goes_with_its_ground(held: Held) -> None:
    (one,) = [
        one
        for one in held.do("relation", "list", "--document", str(held.document))["relations"]
        if one["predicate"] == "marry"
    ]
    held.do("relation", "reject", one["relation_id"], "--reason", "no source")
    assert held.derived("William King") == []
    held.do("relation", "undo", one["relation_id"])
    assert held.derived("William King") == [("William King", "marry", "Ada Lovelace")]


def test_what_a_person_says_of_a_type_is_held_to_it(held: Held) -> None:
    held.do("entity", "rename", "Clara Whitmore", "Clara Whitmore", "--type", "ORG", "--wait")
    assert held.violations() == {"marry": None, "found": "the subject of found is Person, not ORG"}
    assert held.derived("Meridian Airlines") == []
    assert "[violates the ontology]" in called(held.data, "relation", "list", env=held.env).stdout
    held.do("entity", "undo", "Clara Whitmore", "--wait")
    assert held.violations()["found"] is None


def test_a_changed_file_holds_from_the_next_start_without_a_replay(held: Held) -> None:
    held.write("Organisation")
    assert held.violations()["found"] is None
    held.start_again()
    assert held.violations() == {"marry": None, "found": "the subject of found is Organisation, not PERSON"}
    assert held.derived("Meridian Airlines") == []
    assert called(held.data, "verify", env=held.env).exit_code == 0


def test_a_file_that_is_wrong_is_told_in_one_line_and_nothing_starts(held: Held) -> None:
    held.pipeline.stop()
    held.file.write_text("[types")
    assert "is no TOML" in refused(held.data, "up", env=held.env, exit_code=1)
