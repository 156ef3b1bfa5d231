"""hubmesh's own way to take a corpus in, with the embedder and the parser of Annals; a process of its own.

`python -m bench.hubmesh_ingest CORPUS FOLDER`: `CorpusManager.build` embeds each document, finds its entities, links
documents by them, and writes JSON and NPZ below FOLDER, without fsync. Prints the seconds of that, when the models are
loaded and have run before.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from bench.servers import Stopwatch
from inference.embedding import Embedder
from inference.spacy_analysis import SpacyAnalyser
from services.processing.embedder_input import embedder_input

WARM_UP = 40


def main(corpus: Path, folder: Path) -> None:
    """One JSON object on stdout."""
    # Of a peer that is no dependency of ours there are no types.
    manager = importlib.import_module("hubmesh.corpus").CorpusManager
    # hubmesh asks for one text at a time, so further threads would have nothing to do.
    embedder, parser = Embedder(threads=1), SpacyAnalyser()._nlp

    def embed(text: str) -> Any:
        return embedder.embed([text])[0]

    documents = [_document(line) for line in corpus.read_text("utf-8").splitlines() if line.strip()]
    for document in documents[:WARM_UP]:
        embed(document["text"])
        parser(document["text"])
    watch = Stopwatch()
    built = manager(root=folder, embed=embed, nlp=parser, embed_identity=embedder.revision).build("bench", documents)
    print(json.dumps({"seconds": watch.seconds, "documents": built["n_docs"]}))


def _document(line: str) -> dict[str, str]:
    fields = json.loads(line)
    return {"id": fields["id"], "text": embedder_input(fields["title"], fields["text"])}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
