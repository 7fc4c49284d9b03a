"""Prompts: carried out by an agent, in a slot of their own, and done once they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import Workspace, environment

# Says what it was told, and does nothing.
AGENT = """
[agents.default]
run = 'printf "%s\\n" "$(cat $EXARP_PROMPT_FILE)" >> said'
"""
REVIEW = AGENT + '[task.review]\nprompt = "Review it"\n'
KEPT = {"EXARP_CACHE": ""}


def said(workspace: Workspace) -> list[str]:
    return workspace.read("said").splitlines()


def test_a_prompt_that_was_done_stays_done_whatever_it_declares(workspace: Workspace) -> None:
    workspace.manifest(REVIEW)

    first, second = workspace.exarp("review"), workspace.exarp("review")

    assert (first.code, second.code, said(workspace)) == (0, 0, ["Review it"])
    assert "up to date (1 task)" in second.err
    assert workspace.exarp("review", "--force").code == 0
    assert said(workspace) == ["Review it", "Review it"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"Review it"', '"Review all"'),
        ('inputs = ["src"]', 'inputs = ["src", "more"]'),
        ("level = 1", "level = 2"),
        ('verify = "true"', 'verify = "test -f src"'),
    ],
)
def test_it_is_done_anew_once_its_words_its_inputs_or_what_verifies_it_change(
    workspace: Workspace, before: str, after: str
) -> None:
    manifest = "[vars]\nlevel = 1\n" + REVIEW + 'inputs = ["src"]\nverify = "true"\nenv = { LEVEL = "${level}" }\n'
    workspace.write("src", "1")
    workspace.write("more", "1")
    workspace.manifest(manifest)
    workspace.exarp("review")

    workspace.manifest(manifest.replace(before, after))

    assert workspace.exarp("review").code == 0
    assert len(said(workspace)) == 2
    assert "up to date" in workspace.exarp("review").err


def test_it_is_done_anew_once_an_input_is_another(workspace: Workspace) -> None:
    workspace.manifest(REVIEW + 'inputs = ["src"]\n')
    workspace.write("src", "1")
    workspace.exarp("review")
    workspace.write("src", "2")

    result = workspace.exarp("review")

    assert "input-changed src" in result.err
    assert said(workspace) == ["Review it", "Review it"]


def test_who_carries_it_out_and_how_does_not_count(workspace: Workspace) -> None:
    workspace.manifest(REVIEW)
    workspace.exarp("review")

    workspace.manifest(
        REVIEW.replace("run = 'printf", "run = 'MODEL=$MODEL; printf").replace(
            '"Review it"', '"Review it"\nshell = ["sh", "-c"]'
        )
    )
    assert "up to date" in workspace.exarp("review").err
    workspace.manifest(REVIEW.replace("agents.default", "agents.other") + 'agent = "other"\n')
    assert "up to date" in workspace.exarp("review").err
    assert said(workspace) == ["Review it"]


def test_one_that_an_agent_gave_up_is_not_done_and_was_tried_again(workspace: Workspace) -> None:
    workspace.manifest(REVIEW.replace(">> said'", ">> said; test -f ready'"))

    (task,) = workspace.exarp("review", "--json").json["tasks"]
    assert (task["outcome"], task["attempts"]) == ("failed", 4)
    (task,) = workspace.exarp("review", "--json", "--retries", "0").json["tasks"]
    assert (task["outcome"], task["attempts"]) == ("failed", 1)

    workspace.write("ready", "")
    assert workspace.exarp("review").code == 0
    assert "up to date" in workspace.exarp("review").err


def test_the_agent_finds_the_words_as_they_are_in_a_file_that_nobody_else_reads_and_that_is_gone_afterwards(
    workspace: Workspace,
) -> None:
    workspace.manifest(
        """
        [vars]
        what = "the docs"
        [agents.default]
        run = 'cp "$EXARP_PROMPT_FILE" words; stat -c %a "$EXARP_PROMPT_FILE" > mode; echo "$EXARP_PROMPT_FILE" > path'
        [task.review]
        prompt = '''
First: "${what}", not $HOME; `ls`.
Then: $${what}. Grüße'''
        """
    )

    assert workspace.exarp("review").code == 0

    assert workspace.read("words") == 'First: "the docs", not $HOME; `ls`.\nThen: ${what}. Grüße'
    assert workspace.read("mode") == "600\n"
    assert not (workspace.path / workspace.read("path").strip()).exists()


TOGETHER = """
[settings]
jobs = 1
retries = 0
timeout = "30s"
max_agents = MOST
[agents.default]
run = "SCRIPT"
[task.a]
prompt = "a"
[task.b]
prompt = "b"
[task.c]
run = "SCRIPT"
"""


def test_prompts_take_no_job_slot(workspace: Workspace) -> None:
    meet = "touch here.$EXARP_TASK; until test $(ls here.* | wc -l) = 3; do sleep 0.02; done"
    workspace.manifest(TOGETHER.replace("SCRIPT", meet).replace("MOST", "2"))

    assert workspace.exarp("run", "--all").code == 0


def test_no_more_prompts_are_carried_out_at_once_than_there_may_be_agents(workspace: Workspace) -> None:
    alone = "test $EXARP_TASK = c || { mkdir lock; sleep 0.1; rmdir lock; }"
    workspace.manifest(TOGETHER.replace("SCRIPT", alone).replace("MOST", "1"))

    assert workspace.exarp("run", "--all").code == 0


def test_what_an_agent_made_is_put_back_but_what_makes_no_files_is_done_again(workspace: Workspace) -> None:
    manifest = AGENT.replace(">> said'", ">> said; echo it > made'") + (
        '[task.write]\nprompt = "Write it"\ninputs = []\noutputs = ["made"]\n'
        '[task.tell]\nprompt = "Tell them"\ninputs = []\noutputs = []\n'
    )
    workspace.manifest(manifest)
    workspace.exarp("run", "--all", "-j1", env=KEPT)
    workspace.manifest(manifest.replace("Write it", "Write that").replace("Tell them", "Tell all"))
    workspace.exarp("run", "--all", env=KEPT)
    workspace.manifest(manifest)

    tasks = {
        task["task"]: task["outcome"] for task in workspace.exarp("run", "--all", "--json", env=KEPT).json["tasks"]
    }

    assert tasks == {"write": "restored", "tell": "passed"}
    assert sorted(said(workspace)) == ["Tell all", "Tell them", "Tell them", "Write it", "Write that"]


def test_what_is_shown_of_it(workspace: Workspace) -> None:
    workspace.manifest(REVIEW.replace('"Review it"', "'''\nReview it,\nall of it'''"))
    workspace.exarp("review")

    shown = workspace.exarp("show", "review").out
    assert (
        "  prompt         Review it,\n                 all of it\n  agent          default\n  runs           printf"
        in shown
    )
    assert workspace.exarp("show", "review", "--json").json["task"]["prompt"] == "Review it,\nall of it"
    assert "review  (prompt)" in workspace.exarp("list").out
    assert "unchanged: 1 prompt" in workspace.exarp("explain", "review").out

    workspace.manifest(REVIEW)
    assert "its prompt   changed" in workspace.exarp("explain", "review").out
    assert "unchanged: 1 prompt" not in workspace.exarp("explain", "review").out


def test_an_included_prompt_is_for_the_nearest_agent_of_that_name(workspace: Workspace) -> None:
    workspace.manifest('include = { ui = "ui", api = "api" }\n' + AGENT)
    workspace.write("ui/exarp.toml", '[task.review]\nprompt = "Review the page"\n')
    workspace.write(
        "api/exarp.toml", '[agents.default]\nrun = "echo own > said"\n[task.review]\nprompt = "Review the api"\n'
    )

    assert workspace.exarp("run", "--all").code == 0

    assert workspace.read("ui/said") == "Review the page\n"
    assert workspace.read("api/said") == "own\n"


def test_a_matrix_may_be_one_of_words_and_of_agents(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [agents.careful]
        run = 'echo "careful: $(cat $EXARP_PROMPT_FILE)" >> said'
        [agents.quick]
        run = 'echo "quick: $(cat $EXARP_PROMPT_FILE)" >> said'
        [template.translated]
        prompt = "Translate into ${lang}"
        agent = "${who}"
        [task.translate]
        extends = "translated"
        matrix = { lang = ["de", "fr"], who = ["careful", "quick"] }
        [task.build]
        extends = "translated"
        run = "echo built >> said"
        """
    )

    tasks = workspace.exarp("run", "--all", "--json").json["tasks"]

    assert {task["outcome"] for task in tasks} == {"passed"}
    assert sorted(said(workspace)) == [
        "built",
        "careful: Translate into de",
        "careful: Translate into fr",
        "quick: Translate into de",
        "quick: Translate into fr",
    ]


def test_agents_and_jobs_share_the_files_that_may_be_open(workspace: Workspace) -> None:
    workspace.manifest(REVIEW + '[task.c]\nrun = "true"\n')
    limited = ["sh", "-c", 'ulimit -n 60; exec "$@"', "sh", sys.executable, "-m", "exarp", "run", "--all", "-j40"]
    run = subprocess.run(limited, cwd=workspace.path, env=environment(), capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert run.stderr.count("commands at once, not 41: only 60 files may be open (ulimit -n)") == 1


def test_without_prompts_agents_count_for_nothing(workspace: Workspace) -> None:
    workspace.manifest('[task.c]\nrun = "true"\n')
    limited = ["sh", "-c", 'ulimit -n 60; exec "$@"', "sh", sys.executable, "-m", "exarp", "run", "--all", "-j1"]
    run = subprocess.run(limited, cwd=workspace.path, env=environment(), capture_output=True, text=True, check=False)

    assert (run.returncode, "at once" in run.stderr) == (0, False)
