"""Pairs of names, each with its type and a sentence that it stands in, and whether they are of one entity."""

import csv
from dataclasses import dataclass
from pathlib import Path

from aggregates.matching.features import NameFeatures, features_of, group_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Pair:
    """`kind` is what makes it hard."""

    same: bool
    kind: str
    names: tuple[NameFeatures, NameFeatures]
    contexts: tuple[str, str]


def read(file: str) -> list[Pair]:
    """Every pair of a file in this folder."""
    with (FOLDER / file).open(encoding="utf-8") as lines:
        return [
            Pair(
                row["same"] == "1",
                row["kind"],
                (
                    features_of(row["name"], group_of([row["type"]])),
                    features_of(row["other"], group_of([row["other type"]])),
                ),
                (row["context"], row["other context"]),
            )
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
