"""A spaCy model in a process of its own, which holds no lock of ours and may be killed."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial

from inference.calls import call
from inference.model import InferenceError
from inference.spacy_analysis import SpacyAnalyser, revision_of
from telemetry.collector import collect_rarely


class Parser:
    """Its process begins when it is asked first."""

    def __init__(self, name: str) -> None:
        """Raises InferenceError where the model is not there."""
        self.name = name
        self.revision = revision_of(name)
        self._process: ProcessPoolExecutor | None = None

    async def parse(self, texts: Sequence[str]) -> list[bytes]:
        """An encoded Analysis for each text. Raises InferenceError."""
        if self._process is None:
            # For the child, which reads it as NumPy is loaded: threads for small matrices cost more than they bring.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            self._process = ProcessPoolExecutor(
                max_workers=1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_load_parser,
                initargs=(self.name,),
            )
        process = self._process
        try:
            return await call(process, partial(_run_parser, self.name), texts)
        except BrokenProcessPool as error:
            # Whatever killed it, a text or the system, the next call starts another one.
            if self._process is process:
                self._process = None
            raise InferenceError("the process that runs the language model ended; try again") from error

    def close(self) -> None:
        """End the process without waiting for what it does."""
        if self._process is not None:
            children = list((self._process._processes or {}).values())
            self._process.shutdown(wait=False, cancel_futures=True)
            for child in children:
                child.terminate()


def _load_parser(name: str) -> None:
    """In the child: load once, and leave ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    # spaCy's thinc imports torch where it finds it, for models that use it; ours does not, and starts seconds sooner.
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
    _analyser(name)
    collect_rarely()


@cache
def _analyser(name: str) -> SpacyAnalyser:
    return SpacyAnalyser(name)


def _end_with_parent(parent: int) -> None:
    """A worker that is killed cannot tell its child; the child sees that it was given to another parent."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


def _run_parser(name: str, texts: list[str]) -> list[bytes]:
    return _analyser(name).run(texts)
