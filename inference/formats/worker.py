"""The child process that reads files: limited in memory, time, and what it may write; a request after another.

Request on standard input: one line of JSON (`name`, `encoding`, `archives`, `bytes`), then so many bytes. Answer on
what was standard output: a line of JSON for each document, or for what is none, then `{"end": true}`.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

from inference.formats.context import ReadContext
from inference.formats.document import MAX_WARNINGS, NotRead, Read, ReadDocument
from inference.formats.registry import read

RECURSION = 3_000
"""Frames of Python: trees of a few hundred levels are walked, and the C stack holds."""
FILE_BYTES = 256 * 1024 * 1024
"""What a library may write to a temporary file."""


def main() -> None:
    """Serve until standard input ends."""
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints goes nowhere.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit(settings)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        raw = sys.stdin.buffer.read(request["bytes"])
        # Ends this process should nobody be there any more to end it.
        signal.setitimer(signal.ITIMER_REAL, 1.5 * settings["seconds"] + 1)
        _answer(raw, request, settings, answers)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limit(settings: Mapping[str, Any]) -> None:
    memory = settings["memory_bytes"]
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(limit)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (value, value))
    sys.setrecursionlimit(RECURSION)


def _answer(raw: bytes, request: Mapping[str, Any], settings: Mapping[str, Any], answers: BinaryIO) -> None:
    context = ReadContext(
        name=request["name"], read_any=read, encoding=request["encoding"], archives=request["archives"]
    )
    left, documents = settings["output_bytes"], 0
    try:
        for found in read(raw, context):
            line = _line(found)
            left -= len(line)
            documents += 1
            if left < 0 or documents > settings["documents"]:
                answers.write(_line(NotRead("holds more than is read of one file; split it", part="the rest")))
                break
            answers.write(line)
    except MemoryError:
        answers.write(
            _line(NotRead(f"needs more than {settings['memory_bytes'] >> 20} MiB of memory to be read; split it"))
        )
    answers.write(b'{"end": true}\n')
    answers.flush()


def _line(found: Read) -> bytes:
    if isinstance(found, ReadDocument):
        fields = asdict(found)
        fields["warnings"] = found.warnings[:MAX_WARNINGS]
        fields["headings"] = [(one.level, one.start, one.end) for one in found.headings]
        return json.dumps({"document": fields}).encode() + b"\n"
    return json.dumps({"not_read": asdict(found)}).encode() + b"\n"


if __name__ == "__main__":
    main()
