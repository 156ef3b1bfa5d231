"""How the producers of examples/producers are run, with what their languages' registries publish."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.servers import kafka
from tests.servers.packages import YOUNG, Say, debian, fetch, java, kept, maven

FOLDER = Path(__file__).parents[2] / "examples" / "producers"
JAVA = {"clients": (f"org.apache.kafka:kafka-clients:{kafka.VERSION}", "org.slf4j:slf4j-nop:1.7.36")}


def _python(say: Say) -> list[str]:
    return [sys.executable, str(FOLDER / "producer.py")]


def _javascript(say: Say) -> list[str]:
    node, npm = debian("nodejs", "node"), debian("npm", "npm")

    def install(whole: Path) -> None:
        _copied(whole, "package.json", "package-lock.json", "producer.mjs")
        fetch(npm, "ci", "--ignore-scripts", folder=whole)

    # Node looks for packages beside the file that wants them.
    contents = _contents("package-lock.json", "producer.mjs")
    return [node, str(kept("producer-javascript", contents, install, say) / "producer.mjs")]


def _go(say: Say) -> list[str]:
    program = debian("golang-go", "go")

    def build(whole: Path) -> None:
        _copied(whole, "go.mod", "go.sum", "producer.go")
        fetch(program, "build", "-o", "producer", ".", folder=whole)

    return [str(kept("producer-go", _contents("go.mod", "go.sum", "producer.go"), build, say) / "producer")]


def _java(say: Say) -> list[str]:
    jars = kept("producer-java", repr(JAVA), lambda whole: maven(whole, JAVA), say) / "clients"
    return [java(17), YOUNG, "-Xmx128m", "-cp", f"{jars}/*", str(FOLDER / "Producer.java")]


PRODUCERS: dict[str, Callable[[Say], list[str]]] = {
    "python": _python,
    "javascript": _javascript,
    "go": _go,
    "java": _java,
}
"""For each language the command to which the event's id is added. It raises MissingError, FetchError."""


def _contents(*names: str) -> str:
    return "".join((FOLDER / name).read_text("utf-8") for name in names)


def _copied(whole: Path, *names: str) -> None:
    for name in names:
        shutil.copy(FOLDER / name, whole)
