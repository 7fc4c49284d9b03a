"""What a folder holds, as values: what there is at each path, where links lead, what patterns stand for.

Knows what counts of a path. Reads nothing.
"""

from __future__ import annotations

import fnmatch
import posixpath

# A file's content, and whether it may be executed; where a link leads; a folder.
Entry = tuple[str, str, bool]
FOLDER: Entry = ("folder", "", False)
Tree = dict[str, Entry]


def a_file(content: str) -> Entry:
    return ("file", content, False)


def with_folders(tree: Tree) -> Tree:
    """A tree with every folder that its paths lie in."""
    for path in [*tree]:
        while (path := path.rpartition("/")[0]) and path not in tree:
            tree[path] = FOLDER
    return tree


def led(tree: Tree, path: str, steps: int = 8) -> str:
    """The path that a path leads to; empty where that goes round in circles."""
    here = ""
    parts = path.strip("/").split("/")
    for number, part in enumerate(parts):
        here = f"{here}/{part}" if here else part
        entry = tree.get(here)
        if entry is not None and entry[0] == "link":
            rest = "/".join([here.rpartition("/")[0], entry[1], *parts[number + 1 :]])
            return led(tree, posixpath.normpath(rest), steps - 1) if steps else ""
    return here


def below(tree: Tree, folder: str, whole: bool = True) -> list[str]:
    """Files and links in a folder (no slash at its end), of all below it if ``whole``."""
    start = f"{folder}/"
    found = [path for path, entry in tree.items() if path.startswith(start) and entry != FOLDER]
    return sorted(path for path in found if whole or "/" not in path[len(start) :])


def removed(tree: Tree, path: str) -> None:
    """As ``rm -rf``."""
    for each in [each for each in tree if each == path or each.startswith(f"{path}/")]:
        del tree[each]


def digest(tree: Tree, path: str) -> str:
    """What counts of a path: a file's content, wherever it is; where a link leads that leads to no file; empty: it is missing."""
    entry = tree.get(led(tree, path))
    mine = tree.get(path.rstrip("/"))
    if entry is not None and entry[0] == "file":
        return f"file {entry[1]}"
    if mine is not None and mine[0] == "link":
        return f"{'folder' if entry else 'link'} to {mine[1]}"
    return "folder" if entry is not None else ""


def is_glob(pattern: str) -> bool:
    return "*" in pattern


def is_wide(pattern: str) -> bool:
    """Whether it stands for more than the path that it is."""
    return is_glob(pattern) or pattern.endswith("/")


def inside(tree: Tree, pattern: str) -> list[str]:
    """Files that a glob or folder pattern stands for."""
    if pattern.endswith("/"):
        return below(tree, pattern.rstrip("/"))
    folder, _, wanted = pattern.rpartition("/")
    ignored = tree.get(".gitignore", FOLDER)[1].split()
    names = [path.rpartition("/")[2] for path in below(tree, folder, whole=False)]
    names = [name for name in names if fnmatch.fnmatch(name, wanted) and name not in ignored]
    return [f"{folder}/{name}" for name in names if tree.get(led(tree, f"{folder}/{name}")) != FOLDER]


def input_files(tree: Tree, pattern: str) -> list[str]:
    """What an input stands for."""
    if is_glob(pattern):
        return inside(tree, pattern)
    path = pattern.rstrip("/")
    entry = tree.get(led(tree, path))
    if entry == FOLDER:
        return [*([] if pattern.endswith("/") else [path]), *below(tree, path)] or [path]
    # A link that leads nowhere is there, too.
    return [path] if path in tree and not pattern.endswith("/") else []


def output_digests(tree: Tree, patterns: tuple[str, ...]) -> dict[str, str]:
    """What counts of all that outputs stand for; of an exact one also that it is missing."""
    found: dict[str, str] = {}
    for pattern in patterns:
        if pattern.endswith("/"):
            found[pattern] = digest(tree, pattern)
        for path in inside(tree, pattern) if is_wide(pattern) else [pattern]:
            found[path] = digest(tree, path)
    return found
