"""What ``kills.py`` builds: a manifest of many small tasks in layers, its sources, and the tree that comes of them.

Knows which tasks there are, and how each behaves when the exarp that started it is gone: it leaves its output half written and
stays, as what hangs would. Does not run exarp.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from cost import environment

# Tasks a layer.
WIDTH = 30

# NAME KIND OUTPUT INPUT...: tells of itself in one write, then writes its output in two. Whoever finds that another process
# has become its parent was left by a killed exarp.
SCRIPT = r"""
name=$1 kind=$2 out=$3
shift 3
printf '%s\n' "$name $EXARP_RUN $$" >> "$EXECUTIONS"
case $kind in stubborn) trap '' TERM;; esac
read_all() {
    for each; do
        [ -d "$each" ] && each="$each/sub/one"
        cat "$each"
    done | cksum
}
stay() {
    read -r _ _ _ parent _ < /proc/$$/stat
    [ "$parent" = "$PPID" ] || exec sleep 600
}
case $kind in
    always) stay; exit 0;;
    flaky) mkdir "$TRIED/$name.$EXARP_RUN" 2> /dev/null && exit 1;;
    slow) sleep 0.05;;
    apart) setsid sleep 0.02;;
esac
if [ "$kind" = folder ]; then
    mkdir -p "$out/empty" "$out/sub"
    echo "$name" > "$out/sub/one"
    stay
    read_all "$@" >> "$out/sub/one"
    ln -s sub/one "$out/link"
    echo "$name" > "$out/tool"
    chmod 755 "$out/tool"
else
    echo "$name" > "$out"
    stay
    read_all "$@" >> "$out"
    case $kind in slow) chmod 750 "$out";; esac
fi
stay
"""

# Tells that it has begun, and takes a while; whoever is left by a killed exarp stays.
AGENT = r"""
test -r "$EXARP_CONTEXT"
printf '%s\n' "$EXARP_TASK" >> "$AGENTS"
sleep 0.1
read -r _ _ _ parent _ < /proc/$$/stat
[ "$parent" = "$PPID" ] || exec sleep 600
echo "saw to $EXARP_TASK"
"""

# What the n-th task is: a rare kind counts before one that is more frequent.
_KINDS = ((29, "stubborn"), (23, "flaky"), (19, "always"), (11, "folder"), (7, "slow"), (5, "apart"))

# Of a file its content, of a link where it leads, of a folder nothing; and the permissions.
Entry = tuple[str, bytes, int]


@dataclass(frozen=True)
class Work:
    """A manifest of ``tasks`` tasks."""

    tasks: int

    def kind(self, number: int) -> str:
        """How a task behaves."""
        return next((kind for every, kind in _KINDS if number % every == every - 1), "plain")

    @property
    def names(self) -> list[str]:
        """Names of all tasks."""
        return [self.name(number) for number in range(self.tasks)]

    @property
    def always(self) -> set[str]:
        """Names of the tasks that declare nothing."""
        return {self.name(number) for number in range(self.tasks) if self.kind(number) == "always"}

    def name(self, number: int) -> str:
        """The name of a task."""
        return f"t{number:03}"

    def output(self, number: int) -> str:
        """What a task makes; empty for one that declares nothing."""
        kind = self.kind(number)
        if kind == "always":
            return ""
        return f"out/{self.name(number)}" + ("/" if kind == "folder" else "")

    def manifest(self, settings: str = "") -> str:
        """The manifest; ``settings``: what it begins with."""
        return settings + "".join(self._task(number) for number in range(self.tasks))

    def _task(self, number: int) -> str:
        lines = [f"\n[task.{self.name(number)}]"]
        call = f"sh ../step.sh {self.name(number)} {self.kind(number)}"
        makers = [] if number < WIDTH else self._read_by(number)
        if self.kind(number) == "always":
            lines.append(f"needs = [{', '.join(_quoted(self.name(maker)) for maker in makers)}]")
            return "\n".join([*lines, f'run = "{call} -"', ""])
        inputs = [f"{{ from = {_quoted(self.name(maker))} }}" for maker in makers] or [_quoted(f"src/{number}")]
        lines += [f"inputs = [{', '.join(inputs)}]", f'outputs = ["{self.output(number)}"]']
        lines += ["retries = 1", 'retry_delay = "10ms"'] if self.kind(number) == "flaky" else []
        return "\n".join([*lines, f'run = "{call} $out $in"', ""])

    def _read_by(self, number: int) -> list[int]:
        """The tasks of the layer before whose outputs a task reads."""
        first = (number // WIDTH - 1) * WIDTH
        wanted = [first + number % WIDTH, first + (number * 7 + 3) % WIDTH]
        # What declares nothing makes nothing to be read.
        return sorted({maker if self.kind(maker) != "always" else maker - 1 for maker in wanted})


def _quoted(text: str) -> str:
    return f'"{text}"'


class Workspace:
    """A workspace in ``base``, which it shares with the script that its tasks are; ``name``: of its folder."""

    def __init__(self, base: Path, name: str, work: Work) -> None:
        self.work = work
        self.root = base / name
        self.executions = base / f"{name}.executions"
        self._tried = base / f"{name}.tried"
        for folder in (self.root / "src", self.root / ".git", self._tried):
            folder.mkdir(parents=True)
        self.executions.touch()
        self.agents = base / f"{name}.agents"
        self.agents.touch()
        (base / "step.sh").write_text(SCRIPT)
        (base / "agent.sh").write_text(AGENT)
        self.write_manifest()

    @property
    def variables(self) -> dict[str, str]:
        """The environment of exarp in it."""
        return environment() | {
            "EXECUTIONS": str(self.executions),
            "TRIED": str(self._tried),
            "AGENTS": str(self.agents),
        }

    def write_manifest(self, settings: str = "") -> None:
        """Let the manifest begin with these tables."""
        (self.root / "exarp.toml").write_text(self.work.manifest(settings))

    def write_sources(self, variant: int) -> None:
        """Let all sources be those of a variant."""
        for number in range(WIDTH):
            (self.root / f"src/{number}").write_text(f"source {number} of variant {variant}\n")

    def remove_outputs(self) -> None:
        """As if nothing had been made."""
        shutil.rmtree(self.root / "out", ignore_errors=True)

    def remove_state(self) -> None:
        """As if exarp had never been here."""
        shutil.rmtree(self.root / ".exarp", ignore_errors=True)
        shutil.rmtree(self._tried)
        self._tried.mkdir()

    def executed(self, since: int = 0) -> tuple[list[str], int]:
        """The names of tasks that were executed, in order, from a byte of the log on; and where it ends."""
        data = self.executions.read_bytes()
        return [line.split()[0] for line in data[since:].decode().splitlines()], len(data)

    def tree(self) -> dict[str, Entry]:
        """All that is there but for exarp's own, and the manifest."""
        found: dict[str, Entry] = {}
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if Path(folder, name) != self.root / ".exarp"]
            for name in (*folders, *files):
                path = Path(folder, name)
                if path == self.root / "exarp.toml":
                    continue
                found[str(path.relative_to(self.root))] = _entry(path)
        return found

    def wrong(self, reference: dict[str, Entry], names: set[str]) -> list[str]:
        """Those outputs of these tasks that are not as they are in another tree."""
        found = []
        for number in range(self.work.tasks):
            output = self.work.output(number).rstrip("/")
            if output and self.work.name(number) in names:
                paths = [path for path in reference if path == output or path.startswith(f"{output}/")]
                found += [path for path in paths if self._entry_at(path) != reference[path]]
        return found

    def _entry_at(self, path: str) -> Entry | None:
        with contextlib.suppress(OSError):
            return _entry(self.root / path)
        return None


def _entry(path: Path) -> Entry:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return "link", os.readlink(path).encode(), 0
    if stat.S_ISDIR(status.st_mode):
        return "folder", b"", mode
    return "file", path.read_bytes(), mode
