"""A set of passages taken in by this Annals, by an earlier one, and by hubmesh with the same models.

The earlier one is a commit of this repository, with an environment made from its own lock. Both are up and warm, and
keep everything durably. Needs git, the network (or pip's cache) and, for the earlier one's torch, 7 GB.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import click

from bench.scale import SET
from bench.servers import Figures, ratio, say

COMMIT = "8da72d2"
HUBMESH = ("hubmesh==0.4.2", "networkx==3.6.1")
REQUIRED_TO_COMMIT = 1.7
REQUIRED_TO_HUBMESH = 1.0
WARM_UP = 40
KEPT = "BENCH_PEERS"
"""Variable of the environment with a folder where peers are kept, so that a second run need not install them again."""
FIRST = "BENCH_PASSAGES"
"""Variable of the environment with how many passages of the set are taken, all without it."""
UP_LIMIT_S = 300.0
INGEST_LIMIT_S = 3600.0
STOP_LIMIT_S = 30.0
ROOT = Path(__file__).resolve().parents[1]


class AnnalsAt:
    """One version of Annals: its sources, and the Python that has what it needs."""

    def __init__(self, source: Path, python: Path) -> None:
        self._source, self._python = source, python

    async def seconds(self, data: Path, corpus: Sequence[str]) -> float:
        """`annals ingest --wait` of the corpus, beside a running and warm `annals up` over `data`."""
        await asyncio.to_thread(_make, data)
        async with self._up(data):
            await self._ingest(data, [_other(line) for line in corpus[:WARM_UP]])
            return await self._ingest(data, corpus)

    @contextlib.asynccontextmanager
    async def _up(self, data: Path) -> AsyncIterator[None]:
        with (data / "up.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command("up", data), cwd=self._source, env=self._environment(), stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(UP_LIMIT_S):
                # An earlier one writes its state before it is ready.
                while "Annals is up" not in (said := await asyncio.to_thread(_said, data)):
                    if process.returncode is not None:
                        raise RuntimeError(said)
                    await asyncio.sleep(0.2)
            yield
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_LIMIT_S):
                        await process.wait()
            if process.returncode is None:
                process.kill()

    async def _ingest(self, data: Path, lines: Sequence[str]) -> float:
        file = data / "corpus.jsonl"
        await asyncio.to_thread(file.write_text, "\n".join(lines) + "\n", "utf-8")
        said = await _output(
            [*self._command("ingest", data), str(file), "--wait", "--json"], self._source, self._environment()
        )
        summary = json.loads(said)
        if summary["processed"] != len(lines):
            raise RuntimeError(f"{summary['processed']} of {len(lines)} passages were processed")
        return float(summary["seconds"])

    def _command(self, name: str, data: Path) -> list[str]:
        return [str(self._python), "-m", "annals", name, "--data", str(data)]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self._source), "PYTHONUNBUFFERED": "1"}


async def measure(folder: Path) -> Figures:
    """Passages a second of each, by turns; ours before and after the others, and the mean counts."""
    corpus = await asyncio.to_thread(_corpus)
    peers = Path(os.environ.get(KEPT) or folder / "peers")
    earlier = await asyncio.to_thread(_earlier, peers / COMMIT)
    packages = await asyncio.to_thread(_hubmesh, peers / "hubmesh")
    ours = AnnalsAt(ROOT, Path(sys.executable))
    runs: dict[str, list[float]] = {"ours": [], COMMIT: [], "hubmesh": []}
    for turn, name in enumerate(("ours", COMMIT, "hubmesh", "ours")):
        data = folder / f"run-{turn}"
        if name == "hubmesh":
            seconds = await _hubmesh_seconds(packages, data, corpus)
        else:
            seconds = await (ours if name == "ours" else earlier).seconds(data, corpus)
        say(f"{name}: {len(corpus)} passages in {seconds:.1f} s")
        runs[name].append(len(corpus) / seconds)
    rates = {name: sum(own) / len(own) for name, own in runs.items()}
    return {
        "of": f"passages a second of {len(corpus)}, kept durably, beside an earlier Annals and hubmesh 0.4.2",
        f"to_{COMMIT}": _compared(rates["ours"], rates[COMMIT], REQUIRED_TO_COMMIT),
        "to_hubmesh": _compared(rates["ours"], rates["hubmesh"], REQUIRED_TO_HUBMESH),
        "ours_after_to_ours_before": ratio(runs["ours"][1], runs["ours"][0]),
        "passages_per_s": {name: round(rate, 1) for name, rate in rates.items()},
    }


def _said(data: Path) -> str:
    return (data / "up.log").read_text(errors="replace")


def _make(folder: Path) -> None:
    """PostgreSQL does not run as root but as another user, who has to pass here."""
    folder.mkdir(parents=True)
    folder.parent.chmod(0o755)
    folder.chmod(0o755)


def _compared(ours: float, peer: float, required: float) -> Mapping[str, object]:
    reached = ratio(ours, peer)
    return {"ratio": reached, "required": required, "reached": reached >= required}


def _corpus() -> list[str]:
    name = os.environ.get(SET)
    if not name:
        raise click.UsageError(f"{SET} must name a folder with corpus.jsonl")
    lines = [line for line in (Path(name) / "corpus.jsonl").read_text("utf-8").splitlines() if line.strip()]
    return lines[: int(os.environ.get(FIRST) or len(lines))]


def _other(line: str) -> str:
    """The same passage as another document with another text: models keep nothing of it for the clock."""
    fields = json.loads(line)
    return json.dumps({"id": f"warm-{fields['id']}", "title": fields["title"], "text": f"{fields['text']} Warm."})


def _earlier(folder: Path) -> AnnalsAt:
    """The commit's sources, and an environment from its lock, by hash."""
    source, python = folder / "source", folder / "venv" / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        source.mkdir(parents=True)
        archive = folder / "source.tar"
        _run(["git", "archive", "--output", str(archive), COMMIT], ROOT)
        with tarfile.open(archive) as packed:
            packed.extractall(source, filter="data")
        say(f"installing what {COMMIT} needs ...")
        _run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        lock = str(source / "requirements.lock")
        _run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", lock], folder)
        (folder / "ready").touch()
    return AnnalsAt(source, python)


def _hubmesh(folder: Path) -> Path:
    """A folder with hubmesh and what it needs that Annals has not."""
    if not (folder / "hubmesh").exists():
        say("installing hubmesh ...")
        _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *HUBMESH], ROOT)
    return folder


async def _hubmesh_seconds(packages: Path, data: Path, corpus: Sequence[str]) -> float:
    await asyncio.to_thread(_make, data)
    file = data / "corpus.jsonl"
    await asyncio.to_thread(file.write_text, "\n".join(corpus) + "\n", "utf-8")
    said = await _output(
        [sys.executable, "-m", "bench.hubmesh_ingest", str(file), str(data / "kept")],
        ROOT,
        # As the worker has it for its parser.
        {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}", "OPENBLAS_NUM_THREADS": "1"},
    )
    return float(json.loads(said)["seconds"])


async def _output(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=dict(env), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(INGEST_LIMIT_S):
            said, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {complaint.decode()[-2000:]}")
    return said


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)
