"""``params`` of a task as they are written, to what is meant.

Knows their defaults, and takes what the command line gives them. Does not know whether that is one of the choices: it matters
only for tasks that run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import UNSET

from exarp.errors import Problem
from exarp.manifests.document import ParamDocument
from exarp.manifests.tasks.fields import Fields, is_reserved
from exarp.model.name import variable_fault
from exarp.model.param import Param

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

Written = Mapping[str, str | int | float | ParamDocument]


def read_params(fields: Fields, written: Written, path: KeyPath, axes: Iterable[str]) -> tuple[Param, ...]:
    """The parameters of one task, but for those that are at fault. ``axes``: names that its matrix takes."""
    found = (_param(fields, name, value, (*path, name), axes) for name, value in written.items())
    return tuple([param for param in found if param is not None])


def _param(
    fields: Fields, name: str, written: str | int | float | ParamDocument, path: KeyPath, axes: Iterable[str]
) -> Param | None:
    if variable_fault(name) or name == "env":
        what = "is reserved" if is_reserved(name) or name == "env" else "cannot be the name of a variable"
        step = "use letters, digits and _, and none of exarp's own names"
        fields.add("bad-parameter", f"parameter {name!r}: the name {what}", path, step, on_key=True)
        return None
    if name in axes:
        fields.add("bad-parameter", f"{name!r} is an axis of the matrix, too", path, "rename one of them", on_key=True)
        return None
    given = fields.variables.given.get(name)
    if not isinstance(written, ParamDocument):
        default = fields.text(str(written), path)
        return Param(name, given if given is not None else default or "", default or "", given=given is not None)
    default = None if written.default is UNSET else fields.text(str(written.default), (*path, "default")) or ""
    if default is None and written.required is False:
        default = ""
    choices = fields.texts([str(choice) for choice in written.choices], (*path, "choices"))
    _check(fields, written, default, choices, path)
    description = fields.text(written.description, (*path, "description")) or ""
    return Param(name, default if given is None else given, default, choices, description, given is not None)


def _check(
    fields: Fields, written: ParamDocument, default: str | None, choices: tuple[str, ...], path: KeyPath
) -> None:
    name = path[-1]
    if written.required is True and default is not None:
        message, step = f"parameter {name!r} must be given, so its default is never used", "keep one of them"
        fields.add("bad-parameter", message, (*path, "default"), step, on_key=True)
    elif written.default is not UNSET and choices and default not in choices:
        place = fields.locator.value(*path, "default")
        message = f"the default of parameter {name!r} is none of its choices"
        fields.problems.append(Problem("bad-parameter", message, place, f"choose one: {', '.join(choices)}"))
