"""``exarp answer``. Parses, answers a question of another process's run."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, json_option
from exarp.cli.offers import complete_answers, complete_questions


@click.command("answer", short_help="Answer a question of a run.")
@click.argument("question", required=False, shell_complete=complete_questions)
@click.argument("word", required=False, shell_complete=complete_answers)
@json_option("Print the open questions, or the one that was answered, as one JSON document.")
@common_options("verbose")
def command(question: str | None, word: str | None) -> int:
    """Give WORD (skip, abort, yes …) as the answer to QUESTION, as if it were typed at the terminal of the run. Whoever answers
    first is heard. Without both: what is asked now.

    \b
    Examples:
      exarp answer
      exarp answer 41.1 skip
    """
    from exarp.app.answer import answer, open_questions
    from exarp.cli.invocation import write, write_bytes
    from exarp.cli.run_views import note
    from exarp.views.history.questions import answer_document, question_line, questions_document

    invocation = current()
    if question is not None and word is None:
        raise click.UsageError("say what the answer is: exarp answer QUESTION WORD")
    if question is not None and word is not None:
        asked = answer(invocation.root(), question, word)
        if invocation.json:
            write_bytes(answer_document(asked, word))
        return 0
    found = open_questions(invocation.root())
    if invocation.json:
        write_bytes(questions_document(found))
        return 0
    for each in found:
        write(question_line(each, invocation.call()) + "\n")
    if not found and invocation.verbosity >= 0:
        note("nothing is asked here now")
    return 0
