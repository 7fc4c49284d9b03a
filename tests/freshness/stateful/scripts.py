"""What tasks do: functions of what they read, in words for ``sh`` and, as everybody can see, the same in Python.

Works on a folder's content as values; starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.freshness.stateful.project import MATRIX, Spec
from tests.freshness.stateful.tree import FOLDER, Tree, led, removed, with_folders

SHOW = (
    'show() { for f do if [ -d "$f" ]; then show "${f%/}"/*; elif [ -e "$f" ]; then echo "$f"; cat "$f"; fi; done; }\n'
)
# What a task that is to be held up waits for, before or after it has made its outputs.
GATE = "gate() { if [ -e ../hold.$1 ]; then echo $$ $PPID > ../held.new; mv ../held.new ../held; read -r go < ../fifo; fi; }\n"


class Failed(Exception):
    """A command failed."""


def script(spec: Spec) -> str:
    """In words for ``sh``."""
    if spec.kind == MATRIX:
        # One for all instances.
        say, at, gates = 'echo "$in" >> ../ran\n', "$out", ("mx.0", "mx.1")
    else:
        say, at, gates = f"echo {spec.key} >> ../ran\n", "", (f"{spec.key}.0", f"{spec.key}.1")
    gather = "b=$(show $in" + (" | cut -c1" if spec.coarse else "") + ")\n"
    text = 'printf "%s\\n" ' + f'"{spec.salt}' + {"A": "${A-}", "B": "${B-}"}.get(spec.variable, "") + '" "$b"'
    fail = 'case "$b" in *X*) exit 1;; esac\n' if not spec.always else ""
    making = _making(spec, text, at)
    return (
        say
        + SHOW
        + GATE
        + f"gate {gates[0]}\n"
        + (gather if not spec.always else "")
        + (fail if spec.fails == "early" else "")
        + making
        + (fail if spec.fails == "late" else "")
        + f"gate {gates[1]}\n"
    )


def _making(spec: Spec, text: str, at: str) -> str:
    first = at or (spec.outputs[0].rstrip("/") if spec.outputs else "")
    if spec.kind in ("file", MATRIX):
        return f"rm -rf {first}; {text} > {first}\n"
    if spec.kind == "two":
        return "".join(f"rm -rf {path}; {text} {path[-1]} > {path}\n" for path in spec.outputs)
    if spec.kind in ("folder", "kept"):
        lines = [f"mkdir -p {first}/sub {first}/empty", f"{text} > {first}/x", f"chmod 755 {first}/x"]
        lines += [f"echo {spec.salt} > {first}/sub/y", f"ln -sfn x {first}/l", f"ln -sfn sub {first}/ld"]
        return "\n".join([*lines, f"ln -sfn nothing {first}/no", ""])
    if spec.kind == "glob":
        folder = first.rpartition("/")[0]
        return f"rm -rf {folder}/*.o; {text} > {folder}/p.o; echo {spec.salt} > {folder}/q{spec.salt}.o\n"
    if spec.kind == "dep":
        choose = 'case "$b" in *1) h=inc/h1;; *) h=inc/h2;; esac\nc=$(cat $h)\n'
        return f'{choose}rm -rf {first}; {text} "$c" > {first}; echo "{first}: $h" > {spec.depfile}\n'
    if spec.kind == "modify":
        return "tr ab AB < mod/f > ../mod.new; cmp -s ../mod.new mod/f || cp ../mod.new mod/f\n"
    return ""


def carry_out(tree: Tree, spec: Spec, named: Iterable[str], value: str) -> list[str]:
    """What a task's script does to a tree; the files that its depfile names.

    ``named``: what ``$in`` stands for; ``value``: of the variable that it names. Raises Failed.
    """
    make_folders(tree, spec)
    gathered = _shown(tree, dict.fromkeys(named))
    if spec.coarse:
        gathered = "".join(f"{line[:1]}\n" for line in gathered.split("\n")[:-1])
    gathered = gathered.rstrip("\n")
    if spec.fails == "early" and "X" in gathered:
        raise Failed
    found = _make(tree, spec, f"{spec.salt}{value}\n{gathered}\n", gathered)
    if spec.fails == "late" and "X" in gathered:
        raise Failed
    return found


def make_folders(tree: Tree, spec: Spec) -> None:
    """What exarp does before a task starts."""
    for output in spec.outputs:
        folder = output.rpartition("/")[0]
        if spec.kind == "folder":
            for each in [each for each in tree if each.startswith(f"{folder}/")]:
                del tree[each]
        if folder not in tree:
            tree[folder] = FOLDER
            with_folders(tree)


def made_by(spec: Spec, path: str) -> bool:
    """Whether a path among the outputs of a task with ``keep_outputs`` is one that it makes itself."""
    return path.removeprefix(spec.outputs[0]) in ("", "x", "sub/y", "l", "ld", "no")


def _shown(tree: Tree, paths: Iterable[str]) -> str:
    lines = []
    for path in paths:
        entry = tree.get(led(tree, path))
        if entry == FOLDER:
            start = f"{led(tree, path)}/"
            names = sorted({each[len(start) :].split("/")[0] for each in tree if each.startswith(start)})
            lines.append(_shown(tree, (f"{path.rstrip('/')}/{name}" for name in names)))
        elif entry is not None:
            lines.append(f"{path}\n{entry[1]}")
    return "".join(lines)


def _write(tree: Tree, path: str, content: str, runs: bool = False) -> None:
    removed(tree, path)
    tree[path] = ("file", content, runs)
    with_folders(tree)


def _make(tree: Tree, spec: Spec, text: str, gathered: str) -> list[str]:
    first = spec.outputs[0].rstrip("/") if spec.outputs else ""
    if spec.kind in ("file", MATRIX):
        _write(tree, first, text)
    elif spec.kind == "two":
        for path in spec.outputs:
            _write(tree, path, f"{text}{path[-1]}\n")
    elif spec.kind in ("folder", "kept"):
        for name in ("sub", "empty"):
            tree[f"{first}/{name}"] = FOLDER
        _write(tree, f"{first}/x", text, True)
        _write(tree, f"{first}/sub/y", f"{spec.salt}\n")
        for name, target in (("l", "x"), ("ld", "sub"), ("no", "nothing")):
            tree[f"{first}/{name}"] = ("link", target, False)
    elif spec.kind == "glob":
        folder = first.rpartition("/")[0]
        for path in [path for path in tree if path.startswith(f"{folder}/") and path.endswith(".o")]:
            removed(tree, path)
        _write(tree, f"{folder}/p.o", text)
        _write(tree, f"{folder}/q{spec.salt}.o", f"{spec.salt}\n")
    elif spec.kind == "dep":
        header = "inc/h1" if gathered.endswith("1") else "inc/h2"
        entry = tree.get(led(tree, header))
        if entry is None or entry == FOLDER:
            raise Failed
        _write(tree, first, text + entry[1].rstrip("\n") + "\n")
        _write(tree, spec.depfile, f"{first}: {header}\n")
        return [header]
    elif spec.kind == "modify":
        entry = tree.get("mod/f")
        if entry is None:
            raise Failed
        tree["mod/f"] = ("file", entry[1].replace("a", "A").replace("b", "B"), entry[2])
    return []
