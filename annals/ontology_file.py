"""The ontology, read from a TOML or YAML file."""

import tomllib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from contracts.codec import plain
from contracts.ontology import NO_ONTOLOGY, Ontology, OntologyError

MOST_BYTES = 1_048_576


def read_ontology(file: Path | None) -> Ontology:
    """That of the file: YAML where its name ends in .yaml or .yml, else TOML; an empty one for None.

    Raises OntologyError, in one line.
    """
    if file is None:
        return NO_ONTOLOGY
    try:
        with file.expanduser().open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as error:
        raise OntologyError(
            f"the ontology {file} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if len(content) > MOST_BYTES:
        raise OntologyError(f"the ontology {file} is larger than {MOST_BYTES} bytes; leave out what nothing needs")
    try:
        return Ontology.model_validate(_parsed(file, content))
    except ValidationError as error:
        raise OntologyError(f"the ontology {file}: {plain(error)}") from None


def _parsed(file: Path, content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
        if file.suffix.lower() in (".yaml", ".yml"):
            return {} if (found := yaml.safe_load(text)) is None else found
        return tomllib.loads(text)
    except UnicodeDecodeError:
        raise OntologyError(f"the ontology {file} is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise OntologyError(f"the ontology {file} is no TOML: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise OntologyError(f"the ontology {file} is no YAML: {told}") from None
