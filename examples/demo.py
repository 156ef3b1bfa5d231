"""What `make demo` does: take the articles in, ask three questions, show what happened.

It only uses the command line that everyone has, in a data folder of its own that is removed at the end.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ARTICLES = Path(__file__).parent
QUESTIONS = (
    "Who designed Skerry Point Lighthouse?",
    "Where was the designer of Skerry Point Lighthouse born?",
    "Who founded the institute where Ines Marlowe studied?",
)
ANNALS = [sys.executable, "-m", "annals"]


def main() -> None:
    """Run the demo. Exits with the code of the first command that fails."""
    # PostgreSQL runs as another user when we are root, so its folder must lie where that user may go.
    with tempfile.TemporaryDirectory(prefix="annals-demo-") as data:
        with Up(data):
            articles = sorted(str(path) for path in ARTICLES.glob("*.md"))
            heading(f"Taking in {len(articles)} articles   (annals ingest examples --wait)")
            taken = annals("ingest", *articles, "--wait", data=data)
            print(f"{taken['processed']} documents processed in {taken['seconds']} s")
            for question in QUESTIONS:
                heading(f'annals ask "{question}"')
                show_answer(annals("ask", question, data=data))
            heading("What happened   (annals status)")
            show_status(annals("status", data=data))
        heading("Where to look next")
        print("  annals up                      keep it running, with a data folder of your own")
        print("  annals ingest PATH... --wait   your own documents: text, HTML, PDF, Office, e-mail and more")
        print("  annals history ID              every event of a document")
        print("  annals replay all              build the read models anew from the events")
        print("  README.md                      the way of an event, and how to go on")


class Up:
    """`annals up` for as long as the demo lasts."""

    def __init__(self, data: str) -> None:
        self._data = data

    def __enter__(self) -> None:
        heading("Starting PostgreSQL, a Kafka broker, relay, intake, worker and projector   (annals up)")
        self._process = subprocess.Popen(
            [*ANNALS, "up", "--data", self._data, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        started = self._process.stdout.readline()
        if not started:
            sys.exit("annals up did not start; run it by itself to see why")
        for name, address in json.loads(started)["addresses"].items():
            print(f"  {name:<12} {address}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def annals(*arguments: str, data: str) -> Any:
    """One command; its JSON. What it says to people goes to the terminal when it fails."""
    done = subprocess.run(
        [*ANNALS, *arguments, "--data", data, "--json"], capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def heading(text: str) -> None:
    """A line between parts."""
    print(f"\n== {text}", flush=True)


def show_answer(asked: dict[str, Any]) -> None:
    """The answer and where it comes from."""
    print(f"{' '.join(asked['answer'].split())}   (confidence {asked['confidence']:.2f})")
    for step in asked["steps"]:
        sentence = " ".join(step["sentence"].split())
        print(f'  {" ".join(step["found"].split())}: "{sentence}" ({step["title"]})')


def show_status(status: dict[str, Any]) -> None:
    """Events by type, and the read models."""
    for event_type, count in status["events"].items():
        print(f"  {count:>4} {event_type}")
    print(
        f"  folded into {status['documents']} documents, {status['chunks']} chunks, {status['entities']} entities and "
        f"{status['relations']} relations"
    )
    for name, where in status["projections"].items():
        print(f"  read model {name:<11} at position {where['position']} of {status['position']}")


if __name__ == "__main__":
    main()
