"""What completion offers: tasks, parameters, tags, groups and waves of the manifest, as far as it can be read.

Knows what click asks for. Does not run anything, nor know what shells make of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from exarp.cli.invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from exarp.app.opening.project import Project
    from exarp.model.event import QuestionAsked

# Nobody looks for more among them.
_RUNS = 20
Offer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _project(context: click.Context) -> Project | None:
    """The project as far as it can be read; None where there is none."""
    from exarp.app.opening.examining import examine
    from exarp.errors import ExarpError

    invocation = context.find_object(Invocation) or context.find_root().ensure_object(Invocation)
    try:
        # Who presses a key does not mean to run anything.
        project, problems = examine(invocation.folder, invocation.manifest_path, os.environ, commands=False)
    except (ExarpError, OSError):
        return None
    return None if any(problem.slug == "cycle" for problem in problems) else project


def _offers(found: Callable[[Project, Sequence[str], str], Sequence[str]]) -> Offer:
    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        if _is_behind_dashes():
            # They are arguments of a task: files, if anything.
            return [CompletionItem(incomplete, type="file")]
        project = _project(context)
        if project is None:
            return []
        offered = found(project, _typed(context), incomplete)
        return [CompletionItem(word) for word in offered if word.startswith(incomplete)]

    return complete


def _typed(context: click.Context) -> list[str]:
    """Words that are there already, in place of tasks and their parameters."""
    values: list[Any] = [context.params.get(name) for name in ("tasks", "task", "parameters")]
    return [word for value in values for word in ([value] if isinstance(value, str) else value or ())]


def _is_behind_dashes() -> bool:
    """Whether a lone ``--`` stands before what is completed, which click does not tell."""
    words = os.environ.get("COMP_WORDS", "").split()
    at = os.environ.get("COMP_CWORD", "")
    return "--" in (words[: int(at)] if at.isdigit() else words[:-1])


def _words(project: Project, typed: Sequence[str], incomplete: str) -> Sequence[str]:
    from exarp.app.selection.completions import words

    return words(project, typed, incomplete)


def _tasks_and_waves(project: Project, typed: Sequence[str], incomplete: str) -> Sequence[str]:
    from exarp.app.selection.completions import tasks_and_waves

    return tasks_and_waves(project, incomplete)


def _tags(project: Project, typed: Sequence[str], incomplete: str) -> Sequence[str]:
    from exarp.app.selection.completions import tags

    return tags(project.manifest)


def _groups(project: Project, typed: Sequence[str], incomplete: str) -> Sequence[str]:
    from exarp.app.selection.completions import groups

    return groups(project.manifest)


def _waves(project: Project, typed: Sequence[str], incomplete: str) -> Sequence[str]:
    from exarp.app.selection.completions import waves

    return waves(project)


def _behind_affected(project: Project, typed: Sequence[str], incomplete: str) -> Sequence[str]:
    """A revision stands behind ``=`` alone, and is git's; behind a blank stand tasks."""
    has_value = os.environ.get("COMP_WORDS", "").rpartition(" ")[2].startswith("--affected=")
    return () if has_value else _words(project, typed, incomplete)


complete_words = _offers(_words)
complete_pairs = _offers(_tasks_and_waves)
complete_behind_affected = _offers(_behind_affected)
complete_tags = _offers(_tags)
complete_groups = _offers(_groups)
complete_waves = _offers(_waves)


def complete_runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest runs of the workspace."""
    from click.shell_completion import CompletionItem

    from exarp.app.history import runs
    from exarp.errors import ExarpError

    invocation = context.find_object(Invocation) or context.find_root().ensure_object(Invocation)
    try:
        found = runs(invocation.root(), _RUNS)
    except (ExarpError, OSError):
        return []
    return [CompletionItem(run.id) for run in found if run.id.startswith(incomplete)]


def _open_questions(context: click.Context) -> Sequence[QuestionAsked]:
    from exarp.app.answer import open_questions
    from exarp.errors import ExarpError

    invocation = context.find_object(Invocation) or context.find_root().ensure_object(Invocation)
    try:
        return open_questions(invocation.root())
    except (ExarpError, OSError):
        return []


def complete_questions(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The questions that are open."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(each.id) for each in _open_questions(context) if each.id.startswith(incomplete)]


def complete_answers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What can be answered to the question that stands before."""
    from click.shell_completion import CompletionItem

    from exarp.app.answer import answers_to

    asked = [each for each in _open_questions(context) if each.id == context.params.get("question")]
    words = [word for each in asked for word in answers_to(each)]
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
