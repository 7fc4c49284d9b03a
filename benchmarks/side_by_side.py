"""Many runs of exarp at once in one workspace, some of them killed: do those that may overlap overlap, and no others?

Each task holds locks of the kernel while it runs: its own, and one for each file that it writes (alone) or reads (with others).
Who cannot have one at once has found two at work that must not be, whatever has become of the exarp that started them. What
tasks write down when they begin and end shows which runs were at work at the same moment.

    python benchmarks/side_by_side.py [--processes 8] [--rounds 25] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

# Seconds after which a process counts as hung.
DEADLINE = 180.0
# How many processes are killed, are asked for a task alone, and do not wait.
KILLED, FORCED, IMPATIENT = 0.3, 0.3, 0.1
SCRIPT = """
exec 9> locks/$EXARP_TASK; flock -n 9 || echo "$EXARP_TASK twice at once" >> violations
{files}echo "start $EXARP_RUN $EXARP_TASK $(date +%s%N)" >> log
sleep {time}
{work}
echo "end $EXARP_RUN $EXARP_TASK $(date +%s%N)" >> log
"""
FILE = 'exec {number}> locks/{path}; flock -n {how} {number} || echo "$EXARP_TASK: {path} is in use" >> violations\n'


def task(name: str, reads: list[str], writes: list[str], changes: list[str], pause: float) -> str:
    """A task of the manifest, with what it holds while it runs."""
    held = [(path, "-s") for path in reads] + [(path, "-x") for path in (*writes, *changes)]
    files = "".join(FILE.format(number=number, path=path, how=how) for number, (path, how) in enumerate(held, start=3))
    work = "; ".join(
        [*(f"cat {' '.join(reads)} > {path}" for path in writes), *(f"echo x >> {path}" for path in changes)]
    )
    keys = [f"inputs = {reads}"] if not changes else []
    keys += [f"outputs = {writes}"] if writes else []
    keys += [f"modifies = {changes}"] if changes else []
    script = SCRIPT.format(files=files, time=pause, work=work)
    return "\n".join([f"[task.{name}]", *keys, f"run = '''{script}'''", ""])


def manifest(groups: int) -> str:
    """A chain of three tasks for each process, and tasks that several processes want or that want the same files."""
    found = [task("common", ["src"], ["common.o"], [], 0.2)]
    for group in range(groups):
        found.append(task(f"a{group}", [f"src{group}"], [f"a{group}.o"], [], 0.1))
        found.append(task(f"b{group}", [f"a{group}.o", "common.o"], [f"b{group}.o"], [], 0.6))
        found.append(task(f"c{group}", [f"b{group}.o"], [f"c{group}.o"], [], 0.1))
    found += [task(f"changes{number}", [], [], ["journal"], 0.4) for number in range(3)]
    return "\n".join(found)


class Workspace:
    """The workspace, and what became of the processes in it."""

    def __init__(self, folder: Path, processes: int) -> None:
        self.folder = folder
        self.processes = processes
        self.ended: Counter[str] = Counter()
        self.complaints: list[str] = []
        (folder / "exarp.toml").write_text(manifest(processes))
        (folder / "locks").mkdir()
        (folder / ".git").mkdir()
        for name in ("src", "journal", *(f"src{number}" for number in range(processes))):
            (folder / name).write_text("0\n")

    def work(self, number: int, rounds: int, dice: random.Random) -> None:
        """What one of the many does: one process of exarp after the other."""
        for turn in range(rounds):
            if dice.random() < 0.5:
                (self.folder / f"src{number}").write_text(f"{turn}\n")
            self.run(self.wanted(number, dice), dice)

    def wanted(self, number: int, dice: random.Random) -> list[str]:
        """Mostly what nobody else wants; else something that others may be at, or whose files they use."""
        if dice.random() < 0.5:
            return [f"c{number}"]
        others = [f"c{dice.randrange(self.processes)}", "common", f"changes{dice.randrange(3)}"]
        return [*dice.sample(others, dice.randint(1, 2)), *dice.choice([[], [f"a{number}"]])]

    def run(self, names: list[str], dice: random.Random) -> None:
        command = [sys.executable, "-m", "exarp", "run", "-k", *names]
        command += ["--force"] if dice.random() < FORCED else []
        command += ["--no-wait"] if dice.random() < IMPATIENT else []
        environ = {**os.environ, "EXARP_CACHE": "off"}
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=self.folder, env=environ, text=True, **pipes) as process:  # type: ignore[call-overload]
            is_killed = dice.random() < KILLED
            if is_killed:
                time.sleep(dice.uniform(0.2, 4.0))
                process.kill()
            try:
                _, said = process.communicate(timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                self.complaints.append(f"hung: {' '.join(command[3:])}")
                return
        self.ended["waited"] += "waiting for pid" in said
        self.ended["ended what another had left"] += "running: ended" in said
        self.ended["killed" if process.returncode == -signal.SIGKILL else f"exit {process.returncode}"] += 1
        if process.returncode not in (0, 5, -signal.SIGKILL) or "Traceback" in said:
            self.complaints.append(f"{' '.join(command[3:])} came to {process.returncode}:\n{said}")

    def side_by_side(self) -> tuple[int, int]:
        """How many tasks were begun, and how many runs had a task under way at the same moment, at most."""
        lines = [line.split() for line in (self.folder / "log").read_text().splitlines()]
        whole = {(run, name) for word, run, name, _ in lines if word == "end"}
        going: Counter[str] = Counter()
        most = 0
        for word, run, name, _ in sorted(lines, key=lambda line: int(line[3])):
            if (run, name) in whole:
                going[run] += 1 if word == "start" else -1
                most = max(most, sum(count > 0 for count in going.values()))
        return sum(word == "start" for word, *_ in lines), most


def main() -> int:
    """Exit status 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="exarp-side-by-side-") as folder:
        workspace = Workspace(Path(folder), asked.processes)
        began = time.monotonic()
        threads = [
            threading.Thread(target=workspace.work, args=(number, asked.rounds, random.Random(asked.seed + number)))
            for number in range(asked.processes)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tasks, most = workspace.side_by_side()
        violations = Path(folder, "violations")
        found = violations.read_text().splitlines() if violations.exists() else []
        print(f"seed {asked.seed}: {asked.processes * asked.rounds} processes, {asked.processes} at a time,", end=" ")
        print(f"{time.monotonic() - began:.0f} s, {tasks} tasks begun, up to {most} runs with tasks at the same moment")
        print(", ".join(f"{count} {what}" for what, count in sorted(workspace.ended.items())))
        print(
            f"{len(found)} tasks met another that was not to be there, {len(workspace.complaints)} processes went wrong"
        )
        for line in [*found[:10], *workspace.complaints[:10]]:
            print(line)
        return 1 if found or workspace.complaints or most < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
