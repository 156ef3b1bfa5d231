"""What the servers are made of: jars by Maven, kept in the user's cache folder, Debian's packages, and a Java."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import platformdirs

CACHE = platformdirs.user_cache_path("annals") / "test-servers"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
FETCH_LIMIT_S = 1200
YOUNG = "-XX:TieredStopAtLevel=1"
"""For a JVM that lives for minutes: the second compiler costs more than it brings, half of each start."""
_POM = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
_OURS = "<groupId>annals</groupId><artifactId>servers</artifactId><version>1</version>"

Say = Callable[[str], None]


class MissingError(Exception):
    """The machine lacks something. The message says what to install."""


class FetchError(Exception):
    """What is published could not be fetched. The message is the tool's own."""


def java(least: int) -> str:
    """Path of a `java` of at least this version: of `$JAVA<least>_HOME`, else the oldest that fits in /usr/lib/jvm.

    Raises MissingError.
    """
    home = os.environ.get(f"JAVA{least}_HOME")
    if home:
        return str(Path(home) / "bin" / "java")
    fits = sorted((version, path) for version, path in _javas() if version >= least)
    if not fits:
        raise MissingError(f"install Java {least} or newer under /usr/lib/jvm, or set JAVA{least}_HOME")
    return str(fits[0][1] / "bin" / "java")


def _javas() -> Iterator[tuple[int, Path]]:
    for release in Path("/usr/lib/jvm").glob("*/release"):
        found = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
        if found and (release.parent / "bin" / "java").exists():
            yield int(found[1]), release.parent


def kept(name: str, contents: str, build: Callable[[Path], None], say: Say) -> Path:
    """The folder that `build` fills, made once for this name and these contents; of two runs the second waits.

    It appears whole or not at all. Raises what `build` raises.
    """
    folder = CACHE / f"{name}-{hashlib.sha256(contents.encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            say(f"{name}: fetching packages into {folder}, the first time only")
            with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}-part-") as part:
                whole = Path(part) / "whole"
                whole.mkdir()
                build(whole)
                whole.rename(folder)
    return folder


def maven(folder: Path, modules: Mapping[str, Sequence[str]]) -> None:
    """Fill `folder/<module>` with the runtime closure of each module's `group:artifact:version[:type]`.

    Raises MissingError without Maven, FetchError with Maven's own words.
    """
    program = shutil.which("mvn")
    if program is None:
        raise MissingError("install Maven (mvn) and Java 17")
    with tempfile.TemporaryDirectory() as work:
        poms = Path(work)
        names = "".join(f"<module>{module}</module>" for module in modules)
        (poms / "pom.xml").write_text(f"{_POM}{_OURS}<packaging>pom</packaging><modules>{names}</modules></project>")
        for module, artifacts in modules.items():
            wanted = "".join(map(_dependency, artifacts))
            (poms / module).mkdir()
            (poms / module / "pom.xml").write_text(
                f"{_POM}<parent>{_OURS}</parent><artifactId>{module}</artifactId><packaging>pom</packaging>"
                f"<dependencies>{wanted}</dependencies></project>"
            )
        fetch(
            program, "-B", "-q", "-ntp", "-T2", f"-Dmaven.repo.local={CACHE / 'm2'}", "-f", str(poms / "pom.xml"), COPY,
            "-DincludeScope=runtime", f"-DoutputDirectory={folder}/${{project.artifactId}}",
        )  # fmt: skip


def _dependency(artifact: str) -> str:
    group, name, version, *kind = map(escape, artifact.split(":"))
    suffix = "".join(f"<type>{each}</type>" for each in kind)
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version>{suffix}</dependency>"
    )


def debian(package: str, program: str) -> str:
    """Path of the program, its Debian package installed if it is missing and we may.

    Raises MissingError, or FetchError with apt's own words.
    """
    if shutil.which(program) is None:
        if os.geteuid() or shutil.which("apt-get") is None:
            raise MissingError(f"install Debian's package {package}, or whatever has {program} here")
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package]
        with contextlib.suppress(FetchError):
            fetch(*install)
        if shutil.which(program) is None:
            fetch("apt-get", "update", "-q")
            fetch(*install)
    found = shutil.which(program)
    if found is None:
        raise FetchError(f"Debian's package {package} has no {program}")
    return found


def fetch(*command: str, folder: Path | None = None) -> None:
    """Run `command` in `folder`. Raises FetchError with its own words."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=FETCH_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise FetchError(f"{command[0]} could not fetch: {(done.stdout + done.stderr)[-2000:]}")
