"""What the two checkouts of ``shared_store.py`` build: sources that change at random, tasks, and what must come of them.

Knows a manifest, and what its outputs are for given sources, without asking exarp. Does not run anything.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

COUNT = 16
# Some contents are small enough to be kept with their task's entry, some are files of the store; large ones are read in slices.
SIZES = (20, 6_000, 300_000, 3_000_000)
HEADERS = ("h0", "h1")
# So many versions of a source come back again and again.
USUAL = 3

MANIFEST = """
[cache]
max_size = "{max_size}"

[task.copy]
matrix = {{ s = {{ glob = "src/*" }} }}
inputs = ["${{s}}"]
outputs = ["out/${{s.stem}}"]
run = 'cat $in > $out.new; mv $out.new $out; echo "copied $in"'

[task.pack]
inputs = ["src/p0", "src/p1", "src/p2"]
outputs = ["pack/"]
run = '''
mkdir -p $out/empty $out/sub
for file in $in; do cat $file > $out/sub/new; mv $out/sub/new $out/sub/$(basename $file); done
ln -s sub/p0 $out/first
echo all > $out/new; chmod 755 $out/new; mv $out/new $out/tool
'''

[task.heads]
inputs = [{{ from = "copy" }}]
outputs = ["heads"]
run = 'for file in $in; do head -n 1 $file; done > $out.new; mv $out.new $out'

[task.use]
inputs = ["src/p0"]
outputs = ["use"]
depfile = "use.d"
run = '''
case "$(head -n 1 $in)" in *[13579]) header=h1;; *) header=h0;; esac
cat $in $header > $out.new; mv $out.new $out; echo "$out: $header" > $depfile
'''

[task.check]
inputs = ["heads"]
outputs = []
run = 'test -s heads; echo "checked $(wc -l < heads)"'
"""

# What is there: a file's content and whether it may be executed, where a link leads, or that it is a folder.
Entry = tuple[str, bytes, bool]


def source(number: int, version: int) -> bytes:
    """The content of a source: it begins with its version, and ends with its name."""
    line = f"p{number} {version}\n".encode()
    return line * (SIZES[number % len(SIZES)] // len(line)) + f"end of p{number}\n".encode()


def manifest(max_size: str) -> str:
    """The manifest of both checkouts."""
    return MANIFEST.format(max_size=max_size)


class Sources:
    """The sources of one checkout."""

    def __init__(self, root: Path, max_size: str) -> None:
        self.root = root
        self.versions = [0] * COUNT
        self.headers = dict.fromkeys(HEADERS, 0)
        self._newest = USUAL
        for folder in (".git", "src"):
            (root / folder).mkdir(parents=True)
        (root / "exarp.toml").write_text(manifest(max_size))
        for number in range(COUNT):
            self._write(number)
        for name in HEADERS:
            self._write_header(name)

    def _write(self, number: int) -> None:
        (self.root / f"src/p{number}").write_bytes(source(number, self.versions[number]))

    def _write_header(self, name: str) -> None:
        (self.root / name).write_text(f"{name} {self.headers[name]}\n")

    def change(self, chance: Random) -> None:
        """Give some sources another version, mostly one that was there before, and do some harm to outputs."""
        for number in chance.sample(range(COUNT), chance.randrange(5)):
            if chance.random() < 0.15:
                self._newest += 1
                self.versions[number] = self._newest
            else:
                self.versions[number] = chance.randrange(USUAL)
            self._write(number)
        if chance.random() < 0.3:
            name = chance.choice(HEADERS)
            self.headers[name] = chance.randrange(USUAL)
            self._write_header(name)
        for _ in range(chance.randrange(4)):
            self._harm(chance)

    def _harm(self, chance: Random) -> None:
        path = self.root / chance.choice(["out", "pack", "heads", "use", *(f"out/p{n}" for n in range(COUNT))])
        if path.is_dir():
            shutil.rmtree(path)
        elif chance.random() < 0.5:
            path.unlink(missing_ok=True)
        elif path.exists():
            path.write_text("by hand\n")

    def remove_outputs(self) -> None:
        """All of them."""
        for folder in ("out", "pack"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        for name in ("heads", "use", "use.d"):
            (self.root / name).unlink(missing_ok=True)

    # -- what must come of it ----------------------------------------------------------------------------------

    def expected(self) -> dict[str, Entry]:
        """All outputs, by path."""
        contents = [source(number, version) for number, version in enumerate(self.versions)]
        made: dict[str, Entry] = {f"out/p{n}": ("file", content, False) for n, content in enumerate(contents)}
        for folder in ("pack", "pack/empty", "pack/sub"):
            made[folder] = ("folder", b"", False)
        made |= {f"pack/sub/p{n}": ("file", contents[n], False) for n in range(3)}
        made["pack/first"] = ("link", b"sub/p0", False)
        made["pack/tool"] = ("file", b"all\n", True)
        order = sorted(range(COUNT), key=str)
        made["heads"] = ("file", b"".join(contents[n].partition(b"\n")[0] + b"\n" for n in order), False)
        header = "h1" if self.versions[0] % 2 else "h0"
        made["use"] = ("file", contents[0] + f"{header} {self.headers[header]}\n".encode(), False)
        return made

    def found(self) -> dict[str, Entry]:
        """What is there instead; what a killed task left half done, beside its output, is nobody's."""
        there: dict[str, Entry] = {}
        for name in ("heads", "use"):
            _look(self.root, name, there)
        for folder in ("out", "pack"):
            for path, folders, files in os.walk(self.root / folder):
                below = os.path.relpath(path, self.root)
                if below != "out":
                    there[below] = ("folder", b"", False)
                for name in (*files, *(each for each in folders if os.path.islink(f"{path}/{each}"))):
                    if not (below == "out" and name.endswith(".new")):
                        _look(self.root, f"{below}/{name}", there)
        return there

    def differences(self) -> list[str]:
        """What is not as it must be after a run that ended well."""
        wanted, there = self.expected(), self.found()
        return [
            f"{path}: {_worded(there.get(path))} instead of {_worded(wanted.get(path))}"
            for path in sorted({*wanted, *there})
            if wanted.get(path) != there.get(path)
        ]

    def broken(self) -> list[str]:
        """Outputs that are neither whole nor missing. Tasks make theirs whole, so it was exarp: also after it was killed."""
        return [
            f"{path}: {_worded(entry)}"
            for path, entry in self.found().items()
            if path.startswith(("out/p", "pack/sub/p")) and not _is_whole(path, entry)
        ]


def _look(root: Path, path: str, there: dict[str, Entry]) -> None:
    at = root / path
    if at.is_symlink():
        there[path] = ("link", os.readlink(at).encode(), False)
    elif at.exists():
        there[path] = ("file", at.read_bytes(), bool(at.stat().st_mode & 0o100))


def _is_whole(path: str, entry: Entry) -> bool:
    content = entry[1]
    if content == b"by hand\n":
        return True
    name, _, version = content.partition(b"\n")[0].decode(errors="replace").partition(" ")
    return version.isdecimal() and path.endswith(f"/{name}") and content == source(int(name[1:]), int(version))


def _worded(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    kind, content, runs = entry
    start = content[:20].decode(errors="replace").partition("\n")[0]
    return f"{kind} of {len(content)} bytes{', executable' if runs else ''} that begins {start!r}" if content else kind
