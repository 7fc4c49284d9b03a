"""The use case ``init``: a first manifest.

Knows the text. Does not look at what else is in the folder.
"""

from __future__ import annotations

import os

from exarp.errors import Problem, UsageError

STARTER = """\
# Tasks, what they read and what they make: exarp works out the order and what may run side by side.
#   exarp run          bring everything up to date       exarp plan    show the waves, and why
#   exarp run greet    one task and what it needs        exarp list    show the tasks

[settings]
default = ["greet"]

[vars]
name = "world"

[task.text]
description = "Write a line to a file"
outputs = ["build/hello.txt"]
inputs = []
run = 'echo "hello, $name" > $out'

[task.greet]
description = "Show the line; needs build/hello.txt, so it runs after text"
inputs = ["build/hello.txt"]
run = "cat $in"
"""


def init(folder: str, file: str | None, force: bool) -> str:
    """Write ``file`` (``exarp.toml`` if None) into ``folder``; its path.

    Raises UsageError if it is there already, cannot be written, or has a name that is not read as TOML.
    """
    path = os.path.join(folder, file or "exarp.toml")
    if not path.endswith(".toml") or os.path.basename(path) == "pyproject.toml":
        message = f"{path} is not the name of a manifest that exarp can write"
        raise UsageError(Problem("unwritable", message, None, "choose another name that ends in .toml"))
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as manifest:
            manifest.write(STARTER)
    except FileExistsError:
        message = f"{path} exists already"
        raise UsageError(Problem("manifest-exists", message, None, "edit it, or say --force to replace it")) from None
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise UsageError(Problem("unwritable", message, None, "choose a folder you can write to")) from None
    return path
