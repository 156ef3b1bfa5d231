"""The ontology's file: TOML or YAML, and one line of what is wrong with it."""

from pathlib import Path

import pytest

from annals.ontology_file import read_ontology
from contracts.ontology import NO_ONTOLOGY, OntologyError

TOML = """
[types]
Place = ["GPE", "LOC"]

[predicates."located in"]
domain = ["Place"]
inverse = "holds"
transitive = true
"""
YAML = """
types: {Place: [GPE, LOC]}
predicates:
  located in:
    domain: [Place]
    inverse: holds
    transitive: true
"""


def file(folder: Path, name: str, content: str | bytes) -> Path:
    made = folder / name
    made.write_bytes(content if isinstance(content, bytes) else content.encode())
    return made


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    one, other = read_ontology(file(tmp_path, "o.toml", TOML)), read_ontology(file(tmp_path, "o.yaml", YAML))
    assert one == other
    assert one.revision == other.revision
    assert one.inverse("holds") == "located in"


def test_without_a_file_or_content_nothing_is_said(tmp_path: Path) -> None:
    assert read_ontology(None) == NO_ONTOLOGY
    assert read_ontology(file(tmp_path, "empty.yaml", "")) == NO_ONTOLOGY
    assert read_ontology(file(tmp_path, "empty.toml", "")) == NO_ONTOLOGY


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("o.toml", "[types", "is no TOML"),
        ("o.yaml", "types: [", "is no YAML"),
        ("o.yaml", "types: !!python/object/apply:os.system ['true']", "is no YAML"),
        ("o.yaml", "[" * 4_000, "is no YAML"),
        ("o.yaml", "- 1", "valid dictionary"),
        ("o.yaml", "predicates: {1: {}}", "predicates"),
        ("o.toml", b"\xff\xfe", "is not UTF-8"),
        ("o.toml", '[predicates.p]\ndomain = ["Nobody"]', "there is no type 'Nobody'"),
        ("o.toml", "# " + "x" * 1_100_000, "is larger than"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    made = file(tmp_path, name, content)
    with pytest.raises(OntologyError) as caught:
        read_ontology(made)
    assert said in str(caught.value)
    assert str(made) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.toml", ".", "a\x00b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(OntologyError, match="cannot be read"):
        read_ontology(tmp_path / name)
