"""A project as exarp reads it: a manifest, and the one that it includes.

Knows TOML and how names and paths are written in an included file. Does not know what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.freshness.stateful.project import INNER, MATRIX, Project, Spec, Wave
from tests.freshness.stateful.scripts import script

ROOT_FILE, INNER_FILE = "exarp.toml", f"{INNER}/exarp.toml"


def written(project: Project) -> dict[str, str]:
    """The manifests, by their paths."""
    root = [f"# {project.comment}"]
    if any(spec.inner for spec in project.tasks):
        root.append(f'include = {{ {INNER} = "{INNER}" }}')
    keys = {spec.key: spec for spec in project.tasks}
    # What is tried again would be told twice.
    root += ["[settings]", f"default = {_listed(keys[key].name for key in project.default)}", "retries = 0"]
    if project.dotenv == "settings":
        root.append('dotenv = [".env"]')
    root += _variables(project.variable)
    texts = {ROOT_FILE: [*root, *_of_file(project, keys, inner=False)]}
    if any(spec.inner for spec in project.tasks):
        texts[INNER_FILE] = [*_variables(project.own), *_of_file(project, keys, inner=True)]
    return {path: "\n".join([*lines, ""]) for path, lines in texts.items()}


def _variables(value: str | None) -> list[str]:
    return ["[vars]", f'A = "{value}"'] if value is not None else []


def _of_file(project: Project, keys: Mapping[str, Spec], inner: bool) -> list[str]:
    lines: list[str] = []
    for spec in project.tasks:
        if spec.inner is inner:
            lines += _task(project, spec, keys)
    for number, wave in enumerate(project.waves):
        # One that is made of what is in the included file alone is in that file.
        if inner is all(keys[key].inner for key in wave.keys):
            lines += _wave(number, wave, [_name(keys[key], inner) for key in wave.keys])
    return lines


def _wave(number: int, wave: Wave, names: Iterable[str]) -> list[str]:
    lines = ["[[wave]]", f'name = "w{number}"', f"tasks = {_listed(names)}"]
    return [*lines, *(["parallel = true"] * wave.parallel), *(['order = "sequential"'] * wave.in_turn)]


def _task(project: Project, spec: Spec, keys: Mapping[str, Spec]) -> list[str]:
    lines = [f"[task.{spec.called}]"]
    if spec.needs:
        lines.append(f"needs = {_listed(_name(keys[key], spec.inner) for key in spec.needs)}")
    if spec.is_group:
        return lines
    lines.append(f"run = '''\n{script(spec)}'''")
    if spec.inner:
        lines.append('cwd = ".."')
    if spec.allow_failure:
        lines.append("allow_failure = true")
    if spec.variable == "T":
        lines.append('track_env = ["B"]')
    if project.dotenv == "tasks" and spec.variable in ("B", "T"):
        lines.append(f"dotenv = {_listed([_path('.env', spec.inner)])}")
    if spec.kind == "modify":
        lines.append('modifies = ["mod/f"]')
    if spec.kind == MATRIX:
        lines += ['matrix = { s = { glob = "mx/*.c" } }', 'inputs = ["${s}"]']
        lines += [f'outputs = ["mo/${{s.stem}}{spec.moved}"]']
    elif not spec.always:
        lines.append(f"inputs = [{', '.join(_inputs(spec, keys))}]")
        lines.append("allow_empty = true")
        if spec.kind != "check":
            lines.append(f"outputs = {_listed(_path(path, spec.inner) for path in spec.outputs)}")
    if spec.depfile:
        lines.append(f'depfile = "{_path(spec.depfile, spec.inner)}"')
    if spec.kind == "kept":
        lines.append("keep_outputs = true")
    return lines


def _inputs(spec: Spec, keys: Mapping[str, Spec]) -> Iterable[str]:
    for each in spec.inputs:
        if isinstance(each, str):
            yield f'"{_path(each, spec.inner)}"'
        elif each.is_named(keys):
            yield f'{{ from = "{_name(keys[each.key], spec.inner)}" }}'
        else:
            yield from (f'"{_path(path, spec.inner)}"' for path in keys[each.key].outputs)


def _name(spec: Spec, inner: bool) -> str:
    """A task as the root, or the included file, calls it."""
    if inner:
        return spec.called if spec.inner else f":{spec.called}"
    return spec.name


def _path(path: str, inner: bool) -> str:
    if not inner:
        return path
    return path.removeprefix(f"{INNER}/") if path.startswith(f"{INNER}/") else f"../{path}"


def _listed(names: Iterable[str]) -> str:
    return "[" + ", ".join([f'"{name}"' for name in names]) + "]"
