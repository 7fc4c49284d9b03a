"""The source of a real project, from the archive of the distribution this machine runs.

Knows how apt is asked for a source package without touching the machine's own settings, and how an archive is unpacked.
Does not know how the project is built.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from contender import Missing

# A distribution's own archive; other sources of packages seldom have this source, and may not answer.
DISTRIBUTION = re.compile(r"/(debian|ubuntu)/?(\s|$)")

OTHERWISE = "give a source archive of {package} (.tar.*) with --archive"


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack into ``folder``; the one folder at the archive's top, else ``folder``. Raises Missing."""
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive) as file:
            _extract(file, folder)
    except (OSError, tarfile.TarError) as fault:
        raise Missing(f"{archive}: {fault}") from fault
    found = list(folder.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else folder


def _extract(file: tarfile.TarFile, folder: Path) -> None:
    """Raises tarfile.TarError where something of it would lie outside ``folder``."""
    if hasattr(tarfile, "data_filter"):
        file.extractall(folder, filter="data")
        return
    # Before 3.11.4, as Debian 12 has it, there are no filters.
    members = file.getmembers()
    for member in members:
        paths = [member.name]
        if member.issym():
            paths.append(f"{os.path.dirname(member.name)}/{member.linkname}" if member.linkname[:1] != "/" else "/")
        elif member.islnk():
            paths.append(member.linkname)
        elif not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name} is neither a file nor a folder")
        if any(os.path.isabs(path) or os.path.normpath(path).split(os.sep)[0] == os.pardir for path in paths):
            raise tarfile.TarError(f"{member.name} leads out of the archive")
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    file.extractall(folder, members)


def fetch_source(package: str, work: Path) -> Path:
    """Have apt fetch the source package; the archive as its authors published it. Raises Missing."""
    otherwise = OTHERWISE.format(package=package)
    if shutil.which("apt-get") is None:
        raise Missing(f"no apt-get here to fetch {package} with: {otherwise}")
    sources = work / "sources.list.d"
    lists = work / "lists"
    for folder in (sources, lists / "partial", work / "fetched"):
        folder.mkdir(parents=True)
    if not _write_source_lists(Path("/etc/apt"), sources):
        raise Missing(f"apt knows no archive of a distribution (/etc/apt/sources.list): {otherwise}")
    options = _options(sources, lists)
    _apt(("apt-get", *options, "update"), work, otherwise)
    _apt(("apt-get", *options, "source", "--download-only", package), work / "fetched", otherwise)
    found = sorted((work / "fetched").glob("*.orig.tar.*[!c]"))
    if not found:
        raise Missing(f"apt fetched no .orig.tar of {package}: {otherwise}")
    return found[0]


def _options(sources: Path, lists: Path) -> list[str]:
    """Settings that keep apt to ``sources`` and ``lists``: deb-src need not be enabled, and no root is needed."""
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": str(sources),
        "Dir::State::Lists": str(lists),
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Retries": "2",
    }
    if os.geteuid() == 0:
        # As root apt fetches as another user, who may not write into our folder.
        settings["APT::Sandbox::User"] = "root"
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _apt(argv: tuple[str, ...], folder: Path, otherwise: str) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise Missing(f"{tail}\napt-get {argv[-1]} failed: {otherwise}")


def _write_source_lists(etc: Path, folder: Path) -> bool:
    """The machine's archives with ``deb`` turned into ``deb-src``; whether there are any."""
    lines = [line for path in _files(etc, "list") for line in _source_lines(path.read_text())]
    stanzas = [stanza for path in _files(etc, "sources") for stanza in _source_stanzas(path.read_text())]
    (folder / "lines.list").write_text("".join(f"{line}\n" for line in lines))
    (folder / "stanzas.sources").write_text("\n".join(stanzas))
    return bool(lines or stanzas)


def _files(etc: Path, suffix: str) -> list[Path]:
    return [
        path
        for path in (etc / f"sources.{suffix}", *sorted((etc / "sources.list.d").glob(f"*.{suffix}")))
        if path.is_file()
    ]


def _source_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("deb ") and DISTRIBUTION.search(line):
            yield line.replace("deb ", "deb-src ", 1)


def _source_stanzas(text: str) -> Iterator[str]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if line and not line.startswith("#")]
        if any(line.startswith("URIs:") and DISTRIBUTION.search(line) for line in lines):
            yield "".join("Types: deb-src\n" if line.startswith("Types:") else f"{line}\n" for line in lines)
